"""One backend's units under control: by which driver, on which terms, and what the driver is at.

The driver is looked at and acts in tasks of their own, so that one that hangs holds up nobody else; it does one command
at a time.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from hashlib import sha256
from json import dumps
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from router.core.backend_kinds import Backend
from router.core.power.control import Command, Start
from router.core.power.demand import Figures, leaves
from router.core.power.of_backend import Hours, power_of, price_of, terms_of
from router.core.power.policy import SleepPower
from router.core.power.savings import Slot
from router.core.power.states import Phase
from router.core.power.terms import Order
from router.core.resilience.worker_status import PowerState
from router.ledger.power import KeptUnits
from router.power.drivers.driver import Driver, DriverError, Seen

PAUSE_SECONDS = 5.0
"""Between two looks at units with which nothing goes on."""
SHORT_PAUSE_SECONDS = 1.0
"""Between two looks while they start or stop, or on this machine."""
SHORTEST_PAUSE_SECONDS = 0.2
"""Both."""
LONGEST_LOOK = 90.0
FORGET_SECONDS = 30.0
"""For so long units are off before they are forgotten: their rent is counted less often than they are looked at."""
_CHANGING = (Phase.STARTING, Phase.STOPPING, Phase.DRAINING)

log = logging.getLogger("breakeven.power")


class Units:
    """`kept` is what the ledger has of them, or is about to have."""

    def __init__(
        self,
        name: str,
        backend: Backend,
        timezone: ZoneInfo,
        driver: Driver,
        kept: KeptUnits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.kept = kept
        self.driver = driver
        self.seen: Seen | None = None
        """What the last look found; None before the first one, and before the first one after a command."""
        self.seen_at = 0.0
        """By the clock, when that look began."""
        self.told: PowerState | None = None
        """What workers were told last."""
        self.done = False
        """The driver has carried out a command, and nobody was told of it yet."""
        self.error = ""
        """Or it could not, and why."""
        self.counts_from = -math.inf
        """By the monotonic clock, when demand was last looked at."""
        self.leaves = 1.0
        """Share of its demand that its units cannot serve, which is left to other backends of the same models."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when there is something new."""
        self._clock = clock
        self._ending: set[asyncio.Task[None]] = set()
        """Looks that were broken off: what they have begun is ended first."""
        self._looking: asyncio.Task[None] | None = None
        self._acting: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        """Of drivers that are not asked any more."""
        self.adopt(backend, timezone)

    def adopt(self, backend: Backend, timezone: ZoneInfo) -> None:
        """Go on by this policy."""
        self.leaving = False
        self.backend = backend
        power = power_of(backend)
        self.identity = identity_of(backend)
        self.models = tuple(backend.serves)
        self.terms = terms_of(backend)
        self._hours = Hours(power.schedule, timezone)
        self._here = is_here(backend)
        self.addresses = frozenset(backend.addresses())
        self.card = power.card if isinstance(power, SleepPower) else None
        """That it shares with others of the same name."""
        priced = backend.cost is not None and power.driver != "sleep"
        self.kept = replace(self.kept, price=price_of(backend) if priced else None)

    def leave(self) -> None:
        """The policy has them no more: switch them off, and ask for them no more."""
        self.leaving = True
        self.terms = replace(self.terms, left=True)
        self._hours = Hours(None, self._hours.timezone)
        self.kept = replace(self.kept, state=replace(self.kept.state, order=Order.AUTO))

    @property
    def gone(self) -> bool:
        return self.kept.state.phase is Phase.OFF and self.seen is not None and not self.seen.units

    @property
    def counted(self) -> bool:
        """Whether they have been gone for so long that all of their rent is accounted for."""
        return self.gone and self.kept.state.lasted >= FORGET_SECONDS

    @property
    def acting(self) -> bool:
        return self._acting is not None and not self._acting.done()

    def counted_for(self, moment: float, now: float) -> float:
        """Seconds of which the demand is looked at: by a clock that does not jump, as far as it was running."""
        since = self.kept.counted_at
        return moment - self.counts_from if math.isfinite(self.counts_from) else max(0.0, now - since) if since else 0.0

    @property
    def demand_before(self) -> dict[int, Figures] | None:
        """What the last look at the demand found; None before the first one."""
        return self.kept.counted if self.kept.counted_at else None

    def looked_at(self, demand: Slot | None) -> None:
        """Units that may not be switched on, or cannot be, serve nothing."""
        self.leaves = leaves(self.kept.state, self.terms, demand, self.leaves)

    def scheduled(self, now: float) -> bool:
        """Whether the schedule wants a unit now, or will when one that is started now is ready."""
        return self._hours.wanted(now, self.kept.state.seconds_to_serve(self.terms))

    def look(self) -> None:
        """See that a look is under way, or was a moment ago."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        before, began = self.seen, self._clock()
        try:
            async with asyncio.timeout(LONGEST_LOOK):
                self.seen = await self.driver.look()
        except TimeoutError:
            self.seen = Seen(None, 0, f"the driver has not told within {LONGEST_LOOK:.0f} s")
        except Exception as error:
            log.exception("units not looked at", extra={"backend": self.name})
            self.seen = Seen(None, 0, f"the driver failed ({type(error).__name__})")
        self.seen_at = began
        if self.seen != before:
            self.on_change()
        await asyncio.sleep(self._pause)

    @property
    def _pause(self) -> float:
        changing = self.kept.state.phase in _CHANGING or self.acting
        if self._here:
            return SHORTEST_PAUSE_SECONDS if changing else SHORT_PAUSE_SECONDS
        return SHORT_PAUSE_SECONDS if changing else PAUSE_SECONDS

    def act(self, command: Command) -> None:
        """Have the driver carry it out; it has to be kept before, or nobody would know of it after a crash."""
        self.done, self.error = False, ""
        self._acting = asyncio.create_task(self._act(self.driver, command))
        self._look_anew()

    def _look_anew(self) -> None:
        """What is seen from now on counts, and soon."""
        looking, self._looking = self._looking, None
        if looking is not None and not looking.done():
            self._ending.add(looking)
            looking.add_done_callback(self._ending.discard)
            looking.cancel()

    async def _act(self, driver: Driver, command: Command) -> None:
        change = driver.start if isinstance(command, Start) else driver.stop
        try:
            await change(command.units)
        except DriverError as error:
            self.error = str(error)
        except Exception as error:
            log.exception("driver failed", extra={"backend": self.name})
            self.error = f"the driver failed ({type(error).__name__})"
        else:
            self.done = True
        self._look_anew()
        self.seen = None  # what was seen before says nothing of what the command has left
        self.look()
        self.on_change()

    def change_driver(self, driver: Driver) -> None:
        """Look and act by this one from now on. What the last one is at it ends, and is closed then."""
        self._look_anew()
        at_work = [*self._ending, *([] if self._acting is None else [self._acting])]
        task = asyncio.create_task(_close_after(at_work, self.driver))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        self.driver = driver

    async def close(self) -> None:
        """Stop looking and acting; what is on stays on."""
        tasks = [*self._ending, *(each for each in (self._looking, self._acting) if each is not None)]
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, *self._closing, return_exceptions=True)
        await self.driver.close()


async def _close_after(at_work: list[asyncio.Task[None]], driver: Driver) -> None:
    await asyncio.gather(*at_work, return_exceptions=True)
    await driver.close()


def is_here(backend: Backend) -> bool:
    """Whether its units are on the controller's own machine, where nobody else can see them."""
    return power_of(backend).driver == "process"


def identity_of(backend: Backend) -> str:
    """Differs where a policy means other units, as `core.power.policy` says by what that is."""
    power = power_of(backend)
    told: list[object] = [power.driver, power.model_dump(mode="json", include=set(power.which))]
    if power.known_by_url:
        models = {each if isinstance(each, str) else each.model for each in backend.serves.values()}
        told += [backend.addresses(), sorted(models)]
    return sha256(dumps(told, sort_keys=True).encode()).hexdigest()[:16]
