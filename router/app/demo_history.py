"""Thirty days before the demo's: requests, rent and switches, as a gateway would have left them in the ledger.

They are the recorded day again and again, by every tenth request with ten times its tokens, more on some days than on
others and less at weekends. Hour by hour the rule of `core.power` says whether the GPU is on, and a request that may
not leave switches it on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from random import Random
from zoneinfo import ZoneInfo

from msgspec import Struct

from router.app.demo_policy import APPLICATIONS, CLOUD, GPU
from router.core.cost.pricing import cost_of
from router.core.cost.rent import Accrual, Meter, RentEntry, RentState
from router.core.limits.counters import Hold
from router.core.money import NANO_PER_MICRO, NANO_PER_USD
from router.core.power.rule import by_cost
from router.core.power.savings import NOTHING_SEEN, Slot, observe
from router.core.power.terms import PowerTerms
from router.core.values import Cell, Plan, RequestOutcome, Route, Settlement, Usage
from router.ledger.client.group_commit import GroupCommitLedger
from router.ledger.power import PowerEvent, open_power
from router.ledger.rent_book import RentBook
from router.ledger.reports.totals import day_start
from router.ledger.server.address import parse_address
from router.ledger.server.connection import connect
from router.simulate.day import Recorded

DAYS = 30
EVERY = 10
"""One of so many requests stands for all of them."""
HOUR = 3600
WEEKEND = 0.35
_AT_ONCE = 400
_RESTRICTED_EVERY = 45
_RETAINED = 400 * 86_400


class Past(Struct, frozen=True):
    """One request that was."""

    at: float
    cell: Cell
    usage: Usage
    captive: bool
    local: bool


class History(Struct, frozen=True):
    requests: tuple[Past, ...]
    rent: tuple[RentEntry, ...]
    switches: tuple[PowerEvent, ...]


class _Asked(Struct, frozen=True):
    at: float
    application: int
    usage: Usage
    captive: bool


def history(plan: Plan, day: Sequence[Recorded], days: Sequence[str], timezone: ZoneInfo) -> History:
    """Of local dates (YYYY-MM-DD) that follow each other."""
    asked = [each for name in days for each in _asked(day, day_start(name, timezone), name)]
    first = int(day_start(days[0], timezone) // HOUR)
    hours: list[list[_Asked]] = [[] for _ in range(len(days) * 24)]
    for each in asked:
        hours[min(len(hours) - 1, int(each.at // HOUR) - first)].append(each)
    terms, cloud = _terms(plan), _route(plan, CLOUD)
    requests: list[Past] = []
    rent: list[RentEntry] = []
    switches: list[PowerEvent] = []
    savings, on = NOTHING_SEEN, 0
    for number, hour in enumerate(hours):
        begin = float((first + number) * HOUR)
        wanted = by_cost(savings, terms, on)
        units, reason, why = wanted.units, wanted.reason, wanted.explanation
        if not units and any(each.captive for each in hour):
            units, reason, why = 1, "waiting", "A request waited that only this backend may serve."
        if units != on:
            switches += _switch(begin, on, units, reason, why)
        on = units
        free = [each for each in hour if not each.captive]
        usd = sum(cost_of(cloud, each.usage, each.at) for each in free) * NANO_PER_MICRO / NANO_PER_USD
        savings = observe(savings, Slot(sum(each.usage.total for each in free), usd, HOUR), terms)
        requests += [_past(each, local=each.captive or on > 0) for each in hour]
        if on:
            rent += _rent(days[number // 24], sum(each.usage.total for each in hour), terms)
    if on:  # the demo begins with it off
        end = float((first + len(hours)) * HOUR)
        switches += _switch(end, on, 0, "too-little", "Nobody needs it at night.")
    return History(tuple(requests), tuple(rent), tuple(switches))


async def seed(url: str, plan: Plan, past: History, now: float) -> None:
    """Write it all into a ledger that nobody uses yet. Raises `LedgerUnavailable`."""
    timezone = ZoneInfo(plan.policy.cost.timezone)
    ledger = GroupCommitLedger(url, timezone=timezone, timeout=30.0, owned=["local"])
    await ledger.start()
    try:
        for first in range(0, len(past.requests), _AT_ONCE):
            await _settle(ledger, plan, past.requests[first : first + _AT_ONCE])
    finally:
        await ledger.close()
    connection = await connect(parse_address(url), 30.0, lambda why: None)
    try:
        at = int(now * 1000)
        await RentBook(connection).accrue({(GPU, 0): Accrual(Meter(), Meter(at), past.rent)}, _RETAINED)
    finally:
        connection.lose("closed")
    async with open_power(url) as book:
        if await book.hold("demo"):
            await book.write("demo", {}, {}, past.switches)
            await book.release("demo")


async def _settle(ledger: GroupCommitLedger, plan: Plan, requests: Sequence[Past]) -> None:
    made = [(each, ledger.next_id(each.at, 900.0)) for each in requests]
    holds = [
        Hold(id=id, cell=each.cell, at=each.at, lease=900.0, input=0, output=0, cost=0, eligible=not each.captive)
        for each, id in made
    ]
    await asyncio.gather(*map(ledger.reserve, holds))
    cloud = _route(plan, CLOUD)
    for each, id in made:
        nano = 0 if each.captive else round(cost_of(cloud, each.usage, each.at) * NANO_PER_MICRO)
        ledger.settle(
            Settlement(
                id=id,
                cell=each.cell,
                at=each.at,
                usage=each.usage,
                cost=0 if each.local else nano,
                counterfactual=nano if each.local else 0,
                error=False,
                eligible=not each.captive,
                captive=each.captive,
                local=each.local,
                course=RequestOutcome(
                    request=f"seeded-{id}",
                    level="restricted" if each.captive else "internal",
                    reason="only-permitted" if each.captive else "gpu-on" if each.local else "gpu-off",
                    status=200,
                    attempts=1,
                    endpoint="chat",
                ),
            )
        )
    await ledger.flush()


def _asked(day: Sequence[Recorded], midnight: float, name: str) -> Iterator[_Asked]:
    draw = Random(name)
    weekend = int(midnight // 86_400 + 4) % 7 in (0, 6)  # the epoch began on a Thursday
    much = (WEEKEND if weekend else 1.0) * draw.uniform(0.8, 1.25)
    for number, recorded in enumerate(day[draw.randrange(EVERY) :: EVERY], 1):
        application = recorded.client % len(APPLICATIONS)
        labelled = bool(APPLICATIONS[application].sensitivity) or number % _RESTRICTED_EVERY == 0
        usage = Usage(input=round(recorded.input * EVERY * much), output=round(recorded.output * EVERY * much))
        yield _Asked(midnight + recorded.at, application, usage, labelled)


def _past(asked: _Asked, *, local: bool) -> Past:
    application = APPLICATIONS[asked.application]
    backend, zone = (GPU, "local") if local else (CLOUD, "cloud")
    cell = Cell(backend, zone, application.model, application.team, application.name)
    return Past(asked.at, cell, asked.usage, asked.captive, local)


def _switch(at: float, on: int, units: int, reason: str, why: str) -> list[PowerEvent]:
    phases = ("off", "starting", "on") if units > on else ("on", "stopping", "off")
    return [
        PowerEvent(
            at=at + after,
            backend=GPU,
            before=before,
            after=phase,
            units=units,
            reason=reason,
            explanation=why,
            who="demo",
        )
        for after, before, phase in ((0.0, *phases[:2]), (60.0, *phases[1:]))
    ]


def _rent(day: str, tokens: int, terms: PowerTerms) -> Iterator[RentEntry]:
    """Of an hour that it was on."""
    most = (terms.tokens_per_second or 1.0) * HOUR
    busy = round(min(1.0, tokens / most) * HOUR * 1000)
    for state, milliseconds in ((RentState.BUSY, busy), (RentState.IDLE, HOUR * 1000 - busy)):
        nano = round(milliseconds / 1000 / HOUR * terms.usd_per_hour * NANO_PER_USD)
        yield RentEntry(day, state, milliseconds, nano)


def _terms(plan: Plan) -> PowerTerms:
    backend = plan.policy.backends[GPU]
    assert backend.cost is not None
    return PowerTerms(backend.cost.hourly_usd, tokens_per_second=backend.capacity.tokens_per_second)


def _route(plan: Plan, backend: str) -> Route:
    return next(route for model in plan.models.values() for route in model.routes if route.backend == backend)
