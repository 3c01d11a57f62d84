"""Nothing happens before a deadline: steps every second until then do what the first one did."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.power.control import step
from router.core.power.deadlines import seconds_to_deadline
from router.core.power.savings import Savings
from router.core.power.states import Phase
from router.core.power.terms import PowerTerms
from router.core.power.units import Observation, UnitsState

TERMS = PowerTerms(usd_per_hour=1.0, min_on=100.0, min_off=40.0, start_timeout=80.0, drain=30.0, billing=600.0)
NOW = 1e6
ON = UnitsState(phase=Phase.ON, at=NOW, units=1, ready=1, target=1, started_at=NOW - 7200)
seconds = st.integers(0, 200).map(float)


@pytest.mark.parametrize(
    ("state", "wait"),
    [
        (UnitsState(at=NOW), math.inf),
        (UnitsState(at=NOW, rest=12.0), 12.0),
        (UnitsState(at=NOW, held=35.0), 5.0),
        (replace(ON, held=60.0), 40.0),
        (replace(ON, held=10.0), 20.0),
        (replace(ON, unneeded=99.0), 1.0),
        (replace(ON, started_at=NOW - 100), 500.0 - 330.0),
        (replace(ON, started_at=NOW - 300), math.inf),
        (replace(ON, ready=0, silent=70.0, started_at=NOW - 300), 10.0),
        (replace(ON, failures=1, lasted=79.0), 1.0),
        (replace(ON, phase=Phase.DRAINING, lasted=2.0), 1.0),
        (UnitsState(phase=Phase.STARTING, at=NOW, target=1, starting=75.0), 5.0),
        (UnitsState(phase=Phase.STARTING, at=NOW, target=1, unconfirmed=True, commanded=27.0), 3.0),
        (replace(ON, phase=Phase.STOPPING, target=0, commanded=72.0), 8.0),
    ],
)
def test_what_a_step_waits_for(state: UnitsState, wait: float) -> None:
    state = state if state.started_at else replace(state, started_at=NOW)
    assert seconds_to_deadline(state, replace(TERMS, billing=1.0) if wait != 170.0 else TERMS) == wait


@settings(max_examples=300, deadline=None)
@example(phase=Phase.STOPPING, held=80.0, lasted=0.0, unneeded=0.0, rest=0.0, saved=2.0, running=0, bought=0.0)
@given(
    phase=st.sampled_from([Phase.OFF, Phase.STARTING, Phase.ON, Phase.DRAINING, Phase.STOPPING]),
    held=seconds,
    lasted=seconds,
    unneeded=seconds,
    rest=st.sampled_from([0.0, 7.0]),
    saved=st.sampled_from([0.0, 0.9, 2.0]),
    running=st.integers(0, 1),
    bought=seconds,
)
def test_until_a_deadline_nothing_happens(
    phase: Phase, held: float, lasted: float, unneeded: float, rest: float, saved: float, running: int, bought: float
) -> None:
    there = int(phase not in (Phase.OFF, Phase.STARTING))
    state = UnitsState(phase=phase, at=NOW, units=there, ready=there, target=int(phase is not Phase.STOPPING and there))
    state = replace(state, held=held, commanded=held, lasted=lasted, unneeded=unneeded, rest=rest)
    state = replace(state, started_at=NOW - bought, target=int(phase in (Phase.STARTING, Phase.ON, Phase.DRAINING)))
    seen = Observation(units=there, ready=there, running=running, savings=Savings((saved,)))
    first = step(state, seen, TERMS, NOW)
    while first.changes:
        first = step(first.state, seen, TERMS, NOW)
    wait, state = seconds_to_deadline(first.state, TERMS), first.state
    for passed in range(1, math.ceil(min(wait, 300.0))):
        done = step(state, seen, TERMS, NOW + passed)
        assert (done.command, done.changes) == (None, ()), passed
        assert (done.state.wanted, done.state.reason) == (first.state.wanted, first.state.reason), passed
        state = done.state
