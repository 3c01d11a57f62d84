"""The units of one backend in virtual time: the shipped rule decides, and a driver that does what it is told obeys."""

from __future__ import annotations

import math
from collections.abc import Callable
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from router.core.backend_kinds import Backend
from router.core.power.control import PhaseChange, Start, Stop, step
from router.core.power.deadlines import STEP, seconds_to_deadline
from router.core.power.demand import DEMAND_SECONDS, Demand, Figures, leaves
from router.core.power.of_backend import Hours, power_of, terms_of
from router.core.power.outlook import published
from router.core.power.rule import by_cost, units_of
from router.core.power.savings import NOTHING_SEEN, observe
from router.core.power.states import Phase
from router.core.power.units import ALONE, Observation, Turn, UnitsState
from router.core.resilience.worker_status import PowerState
from router.simulate.shape import Shape
from router.simulate.virtual_time import VirtualTime

_SHORTEST = 0.001
"""Seconds between two steps: a wait that is over but for what sums of seconds are off does not stop time."""


class PoweredUnits:
    """Steps are made when they can change something: when something was seen, or the rule waits for a time that has
    come. `due` is called when there is to be one, or demand is to be looked at, which is every `look_seconds`."""

    def __init__(
        self,
        name: str,
        backend: Backend,
        timezone: ZoneInfo,
        shape: Shape,
        time: VirtualTime,
        due: Callable[[str], None],
        look_seconds: float = DEMAND_SECONDS,
    ) -> None:
        self.name = name
        power = power_of(backend)
        start = shape.start if shape.start is not None else power.start_time
        self.start_seconds = start
        timeout = max(terms_of(backend).start_timeout, 2 * start)
        # No clock jumps here: whatever has passed since the last step is believed.
        self.terms = replace(terms_of(backend), start_timeout=timeout, longest_step=math.inf)
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
        self._look_seconds = look_seconds
        self._captive = 0
        """Requests that only these units may serve, of which no step knows yet."""
        self._by_cost = by_cost(self.savings, self.terms, 0)
        """What their cost said at the last step."""
        self._step_at = time.now
        self._next = 0.0

    @property
    def looks(self) -> bool:
        """Whether it is time to look at demand."""
        return self.counted is None or self._time.now - self.counted_at >= self._look_seconds

    @property
    def steps(self) -> bool:
        """Whether a step may change something."""
        return self._time.now >= self._step_at

    def look(self, demand: Demand) -> None:
        if demand.slot is not None:
            self.savings = observe(self.savings, demand.slot, self.terms)
        self.counted, self.counted_at = demand.counted, self._time.now
        self.leaves = leaves(self.state, self.terms, demand.slot, self.leaves)
        self._captive += demand.captive
        said = by_cost(self.savings, self.terms, units_of(self.state))
        if self._captive or (said.units, said.reason) != (self._by_cost.units, self._by_cost.reason):
            self._step_at = self._time.now
        self._plan()

    def step(self, running: int, waiting: int, turn: Turn = ALONE) -> PowerState:
        now, state = self._time.now, self.state
        ready = sum(each <= now for each in self._there)
        seen = Observation(
            units=len(self._there),
            ready=ready,
            at=now,
            running=running,
            waiting=waiting,
            captive=self._captive,
            savings=self.savings,
            scheduled=self._hours.wanted(now, state.seconds_to_serve(self.terms)),
            turn=turn,
            done=self._done,
        )
        done = step(state, seen, self.terms, now)
        self.state, self._done, self._captive = done.state, False, 0
        self._by_cost = by_cost(self.savings, self.terms, units_of(self.state))
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
        self._step_at = now + (STEP if waiting else max(_SHORTEST, self._wait()))
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
        self._step_at = min(self._step_at, self._time.now + STEP)
        self._plan()

    @property
    def now(self) -> UnitsState:
        """The state with the time that has passed since the last step, as others on its card see it."""
        passed = self._time.now - self.state.at
        return replace(self.state, held=self.state.held + passed, rest=max(0.0, self.state.rest - passed))

    def _wait(self) -> float:
        """Seconds until another step may change something, although nothing is seen until then."""
        now, state = self._time.now, self.state
        if self.changed or state.phase is Phase.STOPPING:
            return STEP
        coming = [each - now for each in self._there if each > now]
        hours = self._hours.changes_in(now, state.seconds_to_serve(self.terms))
        return min([seconds_to_deadline(state, self.terms), hours, *coming])

    def _plan(self) -> None:
        look_at = self._time.now if self.counted is None else self.counted_at + self._look_seconds
        self._at(min(self._step_at, look_at))

    def _at(self, when: float) -> None:
        """The earliest that is asked for counts; that a later one comes too does no harm."""
        if self._next <= self._time.now or when < self._next:
            self._next = when
            self._time.at(when, self._step_due, when)

    def _step_due(self, when: float) -> None:
        if when == self._next:
            self._due(self.name)
