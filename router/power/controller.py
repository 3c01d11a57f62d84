"""The one controller of a ledger: it sees which units are on, decides which should be, and has drivers see to it.

Whoever holds the lease in the ledger controls; the others wait for it. Every second it looks at what is kept, asked for
and seen, and makes one step of `core.power.control` for each backend. What a step decides is written down first, under
the lease, and only then told to the driver: whoever takes over finds what was about to be done.

While the ledger is lost, whoever controlled goes on with what it knows, as far as the steps allow that: nothing is
started or stopped for its cost, and a request that may go nowhere else still has a unit switched on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from router.config.secrets import MissingSecretError
from router.core.backend_kinds import Backend
from router.core.policy import Policy
from router.core.power.cards import turn_of
from router.core.power.control import Command, step
from router.core.power.demand import DEMAND_SECONDS, Demand, demand_of, share_left
from router.core.power.outlook import next_change, published
from router.core.power.savings import observe
from router.core.power.states import Phase
from router.core.power.units import ALONE, Observation, Turn
from router.core.resilience.worker_status import PowerState
from router.core.values import Plan
from router.ledger.errors import LedgerUnavailable
from router.ledger.power import KEPT_EVENTS, KeptUnits, PowerBook, PowerEvent, PowerLink, PowerLook
from router.ledger.reports.totals import Report
from router.ledger.server.connection import Connection
from router.power.demand import hours_to_look_at, read_totals
from router.power.drivers.driver import Driver
from router.power.known_units import KnownUnits
from router.power.no_driver import NoDriver
from router.power.units import Units, identity_of, is_here

TICK_SECONDS = 1.0
WRITE_SECONDS = 5.0
"""Between two times that the same is written down, with other times in it."""
WAKE_SECONDS = 15.0
"""A request that has said for so long nothing of its waiting waits no more."""

log = logging.getLogger("breakeven.power")

MakeDriver = Callable[[str, Policy], Driver]


class LocalWakes(Protocol):
    """What this gateway's workers ask for while the ledger is lost."""

    def take(self) -> frozenset[str]:
        """Backends that requests wait for, each told once."""


class _Decided(Struct, frozen=True):
    kept: KeptUnits
    power: PowerState
    command: Command | None
    events: list[PowerEvent]


class Controller:
    """`plan` is the policy in force; `host` says who it is, in events."""

    def __init__(
        self,
        url: str,
        plan: Callable[[], Plan],
        make_driver: MakeDriver,
        host: str,
        local_wakes: LocalWakes,
        known: KnownUnits | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = PowerLink(url)
        self._plan = plan
        self._make_driver = make_driver
        self._host = host
        self._local_wakes = local_wakes
        self._known = known or KnownUnits()
        self._clock = clock
        self._monotonic = monotonic
        self._token = secrets.token_hex(8)
        self._followed: Plan | None = None
        self._driven: Mapping[str, Backend] = {}
        """What the drivers were made of."""
        self._units: dict[str, Units] = {}
        self._leaving: set[str] = set()
        """Backends of which the policy has no such units any more, and that are switched off."""
        self._left: set[str] = set()
        """Those that are off, of which nothing is told any more."""
        self._controls = False
        self._news = asyncio.Event()
        """Something was seen or done."""
        self._lost = ""
        self._offset = 0.0
        self._written = -math.inf
        self._untold: list[PowerEvent] = []
        """What was done while the ledger was lost."""

    async def run(self) -> None:
        """Until cancelled; then the lease is free at once, and what is on stays on."""
        try:
            while True:
                try:
                    await self.tick()
                except Exception:  # a defect of ours: the next second must come all the same
                    log.exception("units not controlled")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), TICK_SECONDS)
                self._news.clear()
        finally:
            await self.close()

    async def close(self) -> None:
        for name, units in self._units.items():
            if units.kept.state.costing:
                _tell_left_on(name, units.kept)
        await self._stand_down()
        try:
            await PowerBook(await self._link.connection()).release(self._token)
        except LedgerUnavailable:
            pass  # it ends by itself
        self._link.close()

    async def tick(self) -> None:
        """One look, and a step for each backend."""
        if not self._controls and not self._powered():
            return  # nothing to control: no connection either
        try:
            connection = await self._link.connection()
            book = PowerBook(connection)
            if not await book.hold(self._token):
                await self._stand_down()
                return
            asked = self._clock()
            look = await book.look()
            self._offset = offset_of(self._offset, asked, look.now, self._clock())
            await self._follow(look.kept)
            demands = await self._demands(connection, look.now)
            self._lost = ""
            await self._write(book, look, self._decide(look, self._clock() + self._offset, demands))
        except LedgerUnavailable as error:
            await self._without_ledger(str(error))

    # --- which units

    def _powered(self) -> dict[str, Backend]:
        backends = self._plan().policy.backends
        return {name: backend for name, backend in backends.items() if backend.power is not None}

    async def _follow(self, kept: Mapping[str, KeptUnits]) -> None:
        """Control the units of the policy in force, from where the ledger has them. The same units go on, whatever the
        policy says now of how they are switched and looked at. What it has no more is switched off first, and only then
        forgotten, or changed for what has its name now."""
        plan, begins = self._plan(), not self._controls
        if begins:
            log.info("this gateway controls the units", extra={"backends": sorted(self._powered())})
        elif plan is self._followed and not self._leaving:
            return
        powered, renewed = self._powered(), plan is not self._followed
        edited, self._driven = powered != self._driven, powered
        self._controls, self._followed, timezone = True, plan, ZoneInfo(plan.policy.cost.timezone)
        for name, units in list(self._units.items()):
            if name in powered and identity_of(powered[name]) == units.identity:
                units.adopt(powered[name], timezone)
                self._leaving.discard(name)
                if edited or (renewed and isinstance(units.driver, NoDriver)):
                    units.change_driver(self._driver(name, self._elsewhere(units.kept), units.backend))
            elif units.gone if name in powered else units.counted:
                self._leaving.discard(name)
                self._left.add(name)
                await self._units.pop(name).close()
            else:
                self._leaving.add(name)
                units.leave()
        if begins:
            self._take_over_left(powered, kept, timezone)
        for name in [each for each in powered if each not in self._units]:  # in the policy's order
            self._left.discard(name)
            self._units[name] = self._take_over(name, powered[name], timezone, kept.get(name))
        self._known.write({name: units.backend for name, units in self._units.items()})

    def _take_over_left(
        self, powered: Mapping[str, Backend], kept: Mapping[str, KeptUnits], timezone: ZoneInfo
    ) -> None:
        """The policy may have been edited while nobody controlled: what it has no more is switched off all the same."""
        known = self._known.read()
        for name, each in kept.items():
            named = powered.get(name)
            if not each.state.costing or (named is not None and identity_of(named) == each.identity):
                continue
            earlier = known.get(name)
            if earlier is not None and earlier.power is not None and identity_of(earlier) == each.identity:
                self._units[name] = self._take_over(name, earlier, timezone, each)
                self._units[name].leave()
                self._leaving.add(name)
            elif named is None:
                _tell_lost(name, each)

    def _take_over(self, name: str, backend: Backend, timezone: ZoneInfo, kept: KeptUnits | None) -> Units:
        identity, begin = identity_of(backend), kept or KeptUnits()
        if begin.identity not in ("", identity):
            if begin.state.units:
                _tell_lost(name, begin)
            begin = KeptUnits()
        elsewhere = self._elsewhere(begin)
        if not elsewhere:
            begin = replace(begin, home=self._host if is_here(backend) else "")
        driver = self._driver(name, elsewhere, backend)
        units = Units(name, backend, timezone, driver, replace(begin, identity=identity), clock=self._clock)
        units.on_change = self._news.set
        return units

    def _elsewhere(self, kept: KeptUnits) -> str:
        """The other host whose machine has them; empty when there is none, or they are off."""
        here = kept.home == self._host or kept.state.phase in (Phase.OFF, Phase.FAILED)
        return "" if here else kept.home

    def _driver(self, name: str, home: str, backend: Backend) -> Driver:
        """`home` is another host, whose own machine has the units."""
        if home:
            return NoDriver(f"it runs on {home}, and only a gateway there can switch it")
        try:
            policy = self._plan().policy
            return self._make_driver(name, policy.model_copy(update={"backends": {**policy.backends, name: backend}}))
        except MissingSecretError as error:
            return NoDriver(str(error))

    async def _stand_down(self) -> None:
        """Another one controls, or nobody: what this one was at is left to whoever does."""
        self._controls, self._followed = False, None
        self._leaving.clear()
        self._left.clear()
        units, self._units = list(self._units.values()), {}
        await asyncio.gather(*(each.close() for each in units), return_exceptions=True)

    # --- one step

    async def _demands(self, connection: Connection, now: float) -> Mapping[str, Demand]:
        """What was used, for the backends of which that was not looked at for a while. A backend sees what those with a
        lower rent, or named before it, cannot serve. Raises LedgerUnavailable."""
        moment = self._monotonic()
        due = [each for each in self._units.values() if each.counts_from + DEMAND_SECONDS <= moment]
        if not due:
            return {}
        hours = hours_to_look_at(min(each.kept.counted_at for each in due), now)
        totals = await read_totals(Report(connection), hours)
        left: dict[str, float] = {}
        found = {}
        for each in sorted(self._units.values(), key=lambda units: units.terms.usd_per_hour):
            if each in due:
                share = share_left(totals, each.models, left)
                found[each.name] = demand_of(
                    each.demand_before, totals, each.models, each.counted_for(moment, now), share
                )
                each.looked_at(found[each.name].slot)
            left |= {model: left.get(model, 1.0) * each.leaves for model in each.models}
        return found

    def _decide(self, look: PowerLook | None, now: float, demands: Mapping[str, Demand]) -> dict[str, _Decided]:
        """A step for each backend that was looked at; `look` is None while the ledger is lost."""
        local, decided = self._local_wakes.take(), dict[str, _Decided]()
        for name, units in self._units.items():
            units.look()
            if units.seen is not None:
                turn = self._turn(units, decided)
                decided[name] = self._step(units, look, now, demands.get(name), turn, name in local)
        return decided

    def _turn(self, units: Units, decided: Mapping[str, _Decided]) -> Turn:
        """On the card that it shares with others, of which some have made their step."""
        for name in self._leaving:
            earlier = self._units[name]
            there = earlier.kept.state.costing and not earlier.addresses.isdisjoint(units.addresses)
            if there and earlier is not units:  # the same under another name: both would be at one address
                return Turn(taken_by=name, address=True)
        if units.card is None:
            return ALONE
        sharing = {name: each.kept.state for name, each in self._units.items() if each.card == units.card}
        return turn_of(units.name, sharing | {name: decided[name].kept.state for name in sharing.keys() & decided})

    def _step(
        self, units: Units, look: PowerLook | None, now: float, demand: Demand | None, turn: Turn, asked: bool
    ) -> _Decided:
        kept, seen = units.kept, units.seen
        assert seen is not None
        if demand is not None:
            savings = kept.savings if demand.slot is None else observe(kept.savings, demand.slot, units.terms)
            kept = replace(kept, savings=savings, counted=demand.counted, counted_at=now)
        order = None if look is None or units.leaving else look.orders.get(units.name)
        new = order is not None and order.at != kept.ordered_at
        if order is not None and new:
            kept = replace(kept, ordered_at=order.at)
        woken = look is not None and units.name in look.wakes and not _is_over(look.wakes[units.name], now)
        observation = Observation(
            units=seen.units,
            ready=seen.ready,
            why=seen.why,
            at=units.seen_at + self._offset,
            began=seen.began + self._offset if seen.began else seen.began,
            ended=seen.ended + self._offset if seen.ended else 0.0,
            running=0 if look is None else look.running.get(units.name, 0),
            waiting=int(woken or asked),
            captive=0 if demand is None else demand.captive,
            savings=kept.savings,
            scheduled=units.scheduled(now),
            turn=turn,
            order=order.order if order is not None and new else None,
            ledger_ok=look is not None,
            acting=units.acting,
            done=units.done,
            error=units.error,
        )
        done = step(kept.state, observation, units.terms, now)
        kept = replace(kept, state=done.state, next=next_change(done.state, kept.savings, units.terms))
        events = [
            PowerEvent(
                at=change.at,
                backend=units.name,
                before=change.before.value,
                after=change.after.value,
                units=change.units,
                reason=change.reason,
                explanation=change.explanation,
                who=self._host if order is None or change.reason != "order" else order.who,
            )
            for change in done.changes
        ]
        return _Decided(kept, published(done.state, units.terms), done.command, events)

    async def _write(self, book: PowerBook, look: PowerLook, decided: Mapping[str, _Decided]) -> None:
        """Write down what was decided, and then do it. Raises LedgerUnavailable."""
        over = [name for name, at in look.wakes.items() if _is_over(at, look.now)]
        moment = self._monotonic()
        if moment < self._written + WRITE_SECONDS and not (
            over or self._left or self._untold or self._is_news(decided)
        ):
            self._do(decided)
            return
        powers = {**dict.fromkeys(self._left), **{name: each.power for name, each in decided.items()}}
        written = await book.write(
            self._token,
            kept={**dict.fromkeys(self._left), **{name: each.kept for name, each in decided.items()}},
            powers=powers,
            events=[*self._untold, *_events(decided)],
            over=over,
        )
        if not written:
            await self._stand_down()
            return
        self._left.clear()
        self._untold.clear()
        self._written = moment
        self._do(decided)

    def _is_news(self, decided: Mapping[str, _Decided]) -> bool:
        """Whether anybody would do or say something else by it; the rest is a matter of seconds that passed."""
        return any(
            each.events
            or each.command is not None
            or not each.power.says_as(self._units[name].told)
            or _figures(each.kept) != _figures(self._units[name].kept)
            for name, each in decided.items()
        )

    async def _without_ledger(self, why: str) -> None:
        """Go on as far as that is safe; whoever did not control does nothing."""
        if not self._controls:
            return
        if not self._lost:
            log.error("ledger lost: units are switched only for requests that wait", extra={"why": why})
        self._lost = why
        decided = self._decide(None, self._clock() + self._offset, {})
        self._untold = [*self._untold, *_events(decided)][-KEPT_EVENTS:]
        self._do(decided)

    def _do(self, decided: Mapping[str, _Decided]) -> None:
        """What was decided holds from now on."""
        for name, each in decided.items():
            units = self._units[name]
            if each.kept.counted_at != units.kept.counted_at:
                units.counts_from = self._monotonic()
            units.kept, units.told, units.done, units.error = each.kept, each.power, False, ""
            for event in each.events:
                level = logging.WARNING if event.after == Phase.FAILED else logging.INFO
                log.log(level, "units change", extra=_told(event))
            if each.command is not None:
                units.act(each.command)


def offset_of(kept: float, asked: float, there: float, answered: float) -> float:
    """What a clock there is ahead of ours, which was read before and after it: as it was `kept`, as far as that can be.
    So clocks that agree, as far as one can tell, are one."""
    return kept + there - min(max(there, asked + kept), answered + kept)


def _events(decided: Mapping[str, _Decided]) -> list[PowerEvent]:
    return [event for each in decided.values() for event in each.events]


def _figures(kept: KeptUnits) -> tuple[object, ...]:
    state = kept.state
    return kept.ordered_at, kept.counted_at, state.units, state.ready, state.target, state.wanted, state.reason


def _is_over(wake: float, now: float) -> bool:
    """Whichever way a clock has jumped."""
    return abs(now - wake) > WAKE_SECONDS


def _told(event: PowerEvent) -> dict[str, object]:
    return {
        "backend": event.backend,
        "before": event.before,
        "after": event.after,
        "units": event.units,
        "reason": event.reason,
        "why": event.explanation,
    }


def _tell_left_on(name: str, kept: KeptUnits) -> None:
    log.warning(
        "units stay on, and cost rent, until a gateway controls them again",
        extra={"backend": name, "units": kept.state.costing},
    )


def _tell_lost(name: str, kept: KeptUnits) -> None:
    log.error(
        "units of an earlier policy may still be on, and nobody here can switch them off",
        extra={"backend": name, "units": kept.state.units},
    )
