"""The units of one backend in virtual time: the shipped rule decides, and a driver that does what it is told obeys."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from router.core.backend_kinds import Backend
from router.core.power.control import HEARD_BY_ALL, PhaseChange, Start, Stop, step
from router.core.power.demand import Demand, Figures, leaves
from router.core.power.of_backend import Hours, power_of, terms_of
from router.core.power.outlook import published
from router.core.power.savings import NOTHING_SEEN, observe
from router.core.power.states import Phase
from router.core.power.units import ALONE, Observation, Turn, UnitsState
from router.core.resilience.worker_status import PowerState
from router.simulate.shape import Shape
from router.simulate.virtual_time import VirtualTime

TICK_SECONDS = 60.0
"""Between two steps while nothing goes on; demand is looked at that often."""
SOON = 1.0
"""Seconds until a step sees what happened."""


class PoweredUnits:
    """`ready` is called when a step is due."""

    def __init__(
        self,
        name: str,
        backend: Backend,
        timezone: ZoneInfo,
        shape: Shape,
        time: VirtualTime,
        due: Callable[[str], None],
    ) -> None:
        self.name = name
        power = power_of(backend)
        start = shape.start if shape.start is not None else power.start_time
        self.start_seconds = start
        self.terms = replace(terms_of(backend), start_timeout=max(terms_of(backend).start_timeout, 2 * start))
        self.models = tuple(backend.serves)
        self.state = UnitsState()
        self.savings = NOTHING_SEEN
        self.counted: dict[int, Figures] | None = None
        self.counted_at = 0.0
        self.leaves = 1.0
        """Share of its demand that is left to other backends of the same models."""
        self.starts = 0
        self.changes: list[PhaseChange] = []
        """The first of them, no more than are shown."""
        self.card = getattr(power, "card", None)
        self.saves_rent = power.driver != "sleep"
        self._hours = Hours(power.schedule, timezone)
        self._time = time
        self._due = due
        self._there: list[float] = []
        """Of units that were ordered, when each answers."""
        self.changed = False
        """The last step was one to another phase, or gave a command."""
        self.asked = False
        """A request waits for it, or would have."""
        self._done = False
        self._next = 0.0

    def step(self, demand: Demand | None, running: int, waiting: int, turn: Turn = ALONE) -> PowerState:
        now, state = self._time.now, self.state
        if demand is not None:
            if demand.slot is not None:
                self.savings = observe(self.savings, demand.slot, self.terms)
            self.counted, self.counted_at = demand.counted, now
            self.leaves = leaves(state, self.terms, demand.slot, self.leaves)
        ready = sum(each <= now for each in self._there)
        seen = Observation(
            units=len(self._there),
            ready=ready,
            at=now,
            running=running,
            waiting=waiting,
            captive=0 if demand is None else demand.captive,
            savings=self.savings,
            scheduled=self._hours.wanted(now, state.seconds_to_serve(self.terms)),
            turn=turn,
            done=self._done,
        )
        done = step(state, seen, self.terms, now)
        self.state, self._done = done.state, False
        self.changed = bool(done.changes)
        self.changes += done.changes[: max(0, 1000 - len(self.changes))]
        match done.command:
            case Start(units=units):
                self.starts += units - len(self._there)
                self._there += [now + self.start_seconds] * (units - len(self._there))
                self._done = True
            case Stop(units=units):
                self._there = sorted(self._there)[:units]
                self._done = True
        self._plan()
        return published(self.state, self.terms)

    @property
    def present(self) -> int:
        """Units that were ordered, and not stopped."""
        return len(self._there)

    @property
    def answering(self) -> int:
        return self.state.ready

    def counted_for(self) -> float:
        return self._time.now - self.counted_at

    def soon(self) -> None:
        """Something is to be seen."""
        self._at(self._time.now + SOON)

    def _plan(self) -> None:
        now = self._time.now
        if self._done or self.state.phase is Phase.STOPPING:
            self._at(now + SOON)
        elif self.state.phase is Phase.DRAINING:
            self._at(now + HEARD_BY_ALL)
        elif self.state.phase is Phase.STARTING:
            coming = [each for each in self._there if each > now]
            self._at(min([now + TICK_SECONDS, *coming]))
        else:
            self._at(now + TICK_SECONDS)

    def _at(self, when: float) -> None:
        """The earliest that is asked for counts; that a later one comes too does no harm."""
        if self._next <= self._time.now or when < self._next:
            self._next = when
            self._time.at(when, self._step_due, when)

    def _step_due(self, when: float) -> None:
        if when == self._next:
            self._due(self.name)
