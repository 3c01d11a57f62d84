"""Control against a small rental, whatever happens: clocks jump, controllers are killed, drivers fail or lose sight."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from router.core.power.control import LONGEST_REST, Command, Start, Step, Stop, step
from router.core.power.savings import Savings
from router.core.power.states import Phase
from router.core.power.terms import Order, PowerTerms
from router.core.power.units import Observation, UnitsState

TICK = 30.0
START_SECONDS = 300.0
HOUR = 3600.0


def was(state: UnitsState) -> Phase:
    """The phase, or the last one that was known."""
    return state.before if state.phase is Phase.UNKNOWN else state.phase


class Rental:
    """Units by when they were ordered, in seconds that really passed."""

    def __init__(self) -> None:
        self.ordered: list[float] = []
        self.hangs = False
        """What is ordered never answers."""
        self.refuses = False
        self.most = 0

    def carry_out(self, command: Command, passed: float) -> str:
        """What it says when it will not."""
        if self.refuses:
            return "it said 403"
        if isinstance(command, Start):
            missing = command.units - len(self.ordered)
            self.ordered += [passed + (1e9 if self.hangs else 0.0)] * missing
        else:
            del self.ordered[command.units :]
        self.most = max(self.most, len(self.ordered))
        return ""

    def ready(self, passed: float) -> int:
        return sum(passed - since >= START_SECONDS for since in self.ordered)


class Control(RuleBasedStateMachine):
    @initialize(units=st.integers(1, 3))
    def begin(self, units: int) -> None:
        self.terms = PowerTerms(usd_per_hour=1.0, units=units)
        self.rental, self.kept = Rental(), UnitsState()
        self.passed, self.skew = 0.0, 1e9
        self.jumps: list[float] = []
        self.savings, self.waiting, self.running, self.order = Savings(), 0, 0, Order.AUTO
        self.ledger_ok = self.clear = True
        self.told = ("", False)
        self.changed = self.on_since = -1e9

    @rule(usd=st.lists(st.sampled_from([0.0, 0.7, 0.9, 1.5]), max_size=3))
    def demand(self, usd: list[float]) -> None:
        self.savings = Savings(tuple(sorted(usd, reverse=True)))

    @rule(waiting=st.integers(0, 50), running=st.integers(0, 3))
    def requests(self, waiting: int, running: int) -> None:
        self.waiting, self.running = waiting, running

    @rule(order=st.sampled_from(Order))
    def an_order(self, order: Order) -> None:
        self.turn(order=order)

    @rule(ok=st.booleans())
    def ledger(self, ok: bool) -> None:
        self.ledger_ok = ok

    @rule(clear=st.booleans(), refuses=st.booleans(), hangs=st.booleans())
    def driver(self, clear: bool, refuses: bool, hangs: bool) -> None:
        self.clear, self.rental.refuses, self.rental.hangs = clear, refuses, hangs

    @rule()
    def a_unit_dies(self) -> None:
        del self.rental.ordered[:1]

    @rule(by=st.sampled_from([-HOUR, -300.0, 300.0, HOUR]))
    def the_clock_jumps(self, by: float) -> None:
        self.skew += by
        self.jumps.append(self.passed)

    @rule(ticks=st.integers(1, 40))
    def time_passes(self, ticks: int) -> None:
        for _ in range(ticks):
            self.passed += TICK
            self.turn()

    @rule(acted=st.booleans())
    def the_controller_is_killed_before_it_hears_of_its_command(self, acted: bool) -> None:
        self.passed += TICK
        done = self.look()
        self.keep(done)
        if acted and done.command is not None:
            self.rental.carry_out(done.command, self.passed)

    @rule()
    def the_controller_is_killed_before_it_keeps_anything(self) -> None:
        self.passed += TICK
        self.look()

    def look(self, order: Order | None = None) -> Step:
        error, done = self.told
        seen = Observation(
            units=len(self.rental.ordered) if self.clear else None,
            ready=self.rental.ready(self.passed),
            running=self.running,
            waiting=self.waiting,
            savings=self.savings,
            order=order,
            ledger_ok=self.ledger_ok,
            done=done,
            error=error,
        )
        self.told = ("", False)
        return step(self.kept, seen, self.terms, self.passed + self.skew)

    def keep(self, done: Step) -> None:
        before, self.kept = self.kept, done.state
        if done.command is not None:
            self.judge(before, done)
        if done.state.phase is Phase.ON and was(before) not in (Phase.ON, Phase.DRAINING):
            self.on_since = self.passed

    def turn(self, order: Order | None = None) -> None:
        done = self.look(order)
        self.keep(done)
        if done.command is not None:
            error = self.rental.carry_out(done.command, self.passed)
            self.told = (error, not error)

    def judge(self, before: UnitsState, done: Step) -> None:
        """A command is for a reason that allows it now."""
        after, command = done.state, done.command
        again = was(before) in (Phase.STARTING, Phase.STOPPING) and after.phase is was(before)
        if again or after.phase is Phase.FAILED:
            return
        if isinstance(command, Start):
            assert after.reason in ("saves", "waiting", "order", "schedule", "always")
            if after.reason == "waiting":
                assert command.units == 1
            if after.reason == "saves":
                assert self.ledger_ok
                assert self.lasted(self.changed) >= self.terms.min_off
        if isinstance(command, Stop):
            assert self.ledger_ok
            if after.reason not in ("order", "never"):
                assert self.lasted(self.on_since) >= self.terms.min_on
                assert not self.waiting
        self.changed = self.passed

    def lasted(self, since: float) -> float:
        """Seconds since then, and what a clock that jumped may have added to them."""
        jumped = sum(each >= since for each in self.jumps)
        return self.passed - since + jumped * self.terms.longest_step

    @invariant()
    def there_are_never_more_units_than_allowed(self) -> None:
        assert not hasattr(self, "rental") or self.rental.most <= self.terms.units

    def teardown(self) -> None:
        """When all is well again a request that waits is served, and when none comes any more nothing stays on."""
        if not hasattr(self, "rental"):
            return
        self.driver(clear=True, refuses=False, hangs=False)
        self.rental.ordered = [min(since, self.passed) for since in self.rental.ordered]
        self.ledger_ok, self.savings, self.waiting, self.running = True, Savings(), 1, 0
        self.an_order(Order.AUTO)
        self.until(LONGEST_REST + self.terms.start_timeout + 2 * START_SECONDS, lambda: self.kept.serves)
        self.waiting = 0
        self.until(self.terms.min_on + LONGEST_REST, lambda: not self.rental.ordered)
        self.time_passes(1)
        assert (self.kept.phase, self.kept.units) == (Phase.OFF, 0)

    def until(self, seconds: float, reached: object) -> None:
        end = self.passed + seconds
        while not reached():  # type: ignore[operator]
            assert self.passed < end, self.kept
            self.time_passes(1)


TestControl = pytest.mark.timeout(300)(Control.TestCase)
TestControl.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
