"""One step of one backend's control: what is kept, what is seen and the terms -> what is kept now, and a command.

The caller keeps the new state first, gives the command to the driver then, and tells the next step by
`Observation.acting`, `done` or `error` what became of it. So whoever takes over finds what was about to be done: a
command that may never have reached the driver is given again, which does no harm, since it says how many units there
are to be and not how many more.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from router.core.power.rule import span, wanted
from router.core.power.runs import lived, with_runs
from router.core.power.states import TABLE, Event, Phase
from router.core.power.terms import PowerTerms
from router.core.power.units import LONG_AGO, Observation, UnitsState
from router.core.resilience.backoff import backoff

FIRST_REST = 60.0
"""Seconds without a start after a failure; each further one doubles them."""
LONGEST_REST = 3600.0
HEARD_BY_ALL = 5.0
"""Seconds for which units drain at least: a worker that has not heard of it yet may still send a request."""
NEWEST_START = 0.3
"""Weight of the newest start in what starts are said to take."""


class Start(Struct, frozen=True, tag="start"):
    """So many units at least."""

    units: int


class Stop(Struct, frozen=True, tag="stop"):
    """So many units at most."""

    units: int


Command = Start | Stop


class PhaseChange(Struct, frozen=True):
    at: float
    before: Phase
    after: Phase
    units: int
    """There are to be so many."""
    reason: str
    explanation: str


class Step(Struct, frozen=True):
    state: UnitsState
    command: Command | None = None
    changes: tuple[PhaseChange, ...] = ()


def step(state: UnitsState, seen: Observation, terms: PowerTerms, now: float) -> Step:
    """`now` is in seconds since the epoch, by a clock that all controllers of a ledger share."""
    before, known = state.phase, state
    state = _told(_ordered(_aged(state, now, seen, terms), seen), seen)
    state = _within_time(_reconciled(state, seen), terms)
    want = wanted(state, seen, terms)
    state = replace(state, wanted=want.units, reason=want.reason, explanation=want.explanation, claim=want.claim)
    state, command = (state, None) if seen.acting else _act(state, seen, terms)
    state = with_runs(known, state, seen)
    if state.phase is before and command is None:
        return Step(state)
    reason, explanation = _why(state, seen)
    return Step(state, command, (PhaseChange(now, before, state.phase, state.target, reason, explanation),))


def _aged(state: UnitsState, now: float, seen: Observation, terms: PowerTerms) -> UnitsState:
    """With the time that has passed since the last step, as far as it is believed."""
    passed = min(max(0.0, now - state.at), terms.longest_step) if state.at else 0.0
    whole = state.before if state.phase is Phase.UNKNOWN else state.phase
    return replace(
        state,
        at=now,
        since=state.since or now,
        lasted=state.lasted + passed,
        held=state.held + passed,
        commanded=state.commanded + passed,
        starting=state.starting + passed if whole is Phase.STARTING else 0.0,
        silent=state.silent + passed if state.phase is Phase.ON and state.ready < state.units else 0.0,
        idle=0.0 if seen.running else state.idle + passed,
        unneeded=0.0 if seen.waiting or seen.captive else state.unneeded + passed,
        rest=max(0.0, state.rest - passed),
    )


def _ordered(state: UnitsState, seen: Observation) -> UnitsState:
    """A new order is tried at once, whatever failed before it."""
    return state if seen.order is None else replace(state, order=seen.order, failures=0, rest=0.0)


def _told(state: UnitsState, seen: Observation) -> UnitsState:
    """With what the driver said of the last command."""
    if seen.done:
        return replace(state, unconfirmed=False)
    if seen.error and state.phase is Phase.STARTING:
        return _failed(state, seen.error)
    if seen.error and state.phase is Phase.STOPPING:
        return _still_there(state, seen.error)
    return state


def _reconciled(state: UnitsState, seen: Observation) -> UnitsState:
    """With what is there, whoever made it so."""
    if seen.units is None:
        return _to(state, Event.UNCLEAR)
    run = state.running
    came_and_went = run is not None and not seen.acting and lived(run, seen)
    died = state.phase is Phase.STARTING and (came_and_went or state.units >= state.target > seen.units)
    state = replace(state, units=seen.units, ready=min(seen.ready, seen.units))
    event = _seen(state)
    if died or (state.phase is Phase.ON and event is Event.NONE_SEEN):
        return _failed(state, seen.why or "its units are gone")
    return _arrived(state, _to(state, event))


def _seen(state: UnitsState) -> Event:
    whole = state.before if state.phase is Phase.UNKNOWN else state.phase
    starts, stops = whole is Phase.STARTING, whole is Phase.STOPPING
    few = starts and state.units < state.target
    many = stops and state.units > state.target
    if state.phase is Phase.UNKNOWN and many:
        return Event.STOP
    if state.phase is Phase.UNKNOWN and (few or (starts and state.ready < state.units)):
        return Event.START
    if not state.units:
        return Event.NONE_SEEN
    return Event.SOME_SEEN if few or many or state.ready < state.units else Event.ALL_ANSWER


def _arrived(before: UnitsState, state: UnitsState) -> UnitsState:
    """What begins anew with a phase that was seen."""
    if state.phase is before.phase:
        return state
    whole = before.before if before.phase is Phase.UNKNOWN else before.phase
    if state.phase is Phase.OFF:
        return replace(state, target=0, unconfirmed=False)
    if state.phase is Phase.ON and whole is Phase.STARTING:
        return replace(state, target=state.units, held=0.0, unconfirmed=False, start_seconds=_learned(before))
    if state.phase not in (Phase.ON, Phase.STARTING) or whole is Phase.STARTING:
        return state
    if whole is Phase.OFF:
        return replace(state, target=state.units, held=0.0, started_at=state.at)
    return replace(state, target=state.units)


def _learned(state: UnitsState) -> float:
    if not state.start_seconds:
        return state.starting
    return state.start_seconds + NEWEST_START * (state.starting - state.start_seconds)


def _within_time(state: UnitsState, terms: PowerTerms) -> UnitsState:
    """With what takes too long, and what has lasted long enough."""
    long = terms.start_timeout
    if state.phase is Phase.STARTING and state.starting > long:
        if state.units:
            return _failed(state, f"it did not answer within {span(long)} of its start")
        return _failed(state, f"nothing of it was there {span(long)} after its start")
    if state.phase is Phase.ON and state.silent > long:
        return _failed(state, f"it has not answered for {span(long)}")
    if state.phase is Phase.STOPPING and state.commanded > long and not state.unconfirmed:
        return _still_there(state, f"it was still there {span(long)} after it was told to stop")
    if state.phase is Phase.ON and state.failures and state.lasted > long:
        return replace(state, failures=0, error="")
    if state.phase is Phase.FAILED and not state.units and not state.rest:
        return _to(state, Event.RESTED)
    return state


def _failed(state: UnitsState, error: str) -> UnitsState:
    return _again_later(replace(_to(state, Event.FAIL), starting=0.0, unconfirmed=False, commanded=LONG_AGO), error)


def _still_there(state: UnitsState, error: str) -> UnitsState:
    """Told to go once more after a rest."""
    return _again_later(replace(state, unconfirmed=True), error)


def _again_later(state: UnitsState, error: str) -> UnitsState:
    failures = state.failures + 1
    return replace(state, failures=failures, error=error, rest=backoff(failures, FIRST_REST, LONGEST_REST))


Acted = tuple[UnitsState, Command | None]


def _act(state: UnitsState, seen: Observation, terms: PowerTerms) -> Acted:
    match state.phase:
        case Phase.OFF | Phase.ON:
            return _change(state, seen, terms)
        case Phase.DRAINING:
            return _drain(state, seen, terms)
        case Phase.STARTING if state.wanted < state.target:
            return _stop(state, state.wanted)
        case Phase.STARTING if state.units < state.target:
            return _repeat(state, Start(state.target), terms)
        case Phase.STOPPING if state.units > state.target:
            return _repeat(state, Stop(state.target), terms)
        case Phase.FAILED if state.units > state.ready and state.commanded >= terms.repeat_after:
            return replace(state, target=state.ready, commanded=0.0), Stop(state.ready)
    return state, None


def _change(state: UnitsState, seen: Observation, terms: PowerTerms) -> Acted:
    if state.wanted > state.units:
        return _start(state)
    if state.wanted == state.units:
        return state, None
    if state.wanted:
        return _stop(state, state.wanted)
    return _drain(_to(state, Event.DRAIN), seen, terms)


def _drain(state: UnitsState, seen: Observation, terms: PowerTerms) -> Acted:
    if state.wanted:
        return _to(state, Event.KEEP), None
    if state.lasted < (max(terms.drain, HEARD_BY_ALL) if seen.running else HEARD_BY_ALL):
        return state, None
    return _stop(state, 0)


def _start(state: UnitsState) -> Acted:
    target = state.wanted
    return replace(_commanded(_to(state, Event.START), target), starting=0.0, started_at=state.at), Start(target)


def _stop(state: UnitsState, target: int) -> Acted:
    return _commanded(_to(state, Event.STOP), target), Stop(target)


def _commanded(state: UnitsState, target: int) -> UnitsState:
    return replace(state, target=target, unconfirmed=True, held=0.0, commanded=0.0, changed_at=state.at)


def _repeat(state: UnitsState, command: Command, terms: PowerTerms) -> Acted:
    """The same command once more, if it may never have reached the driver."""
    if not state.unconfirmed or state.rest or state.commanded < terms.repeat_after:
        return state, None
    return replace(state, commanded=0.0), command


def _to(state: UnitsState, event: Event) -> UnitsState:
    phase = TABLE[state.phase][event]
    if phase is state.phase:
        return state
    return replace(state, phase=phase, before=state.phase, since=state.at, lasted=0.0)


def _why(state: UnitsState, seen: Observation) -> tuple[str, str]:
    """Reason and explanation of a change."""
    if state.phase is Phase.FAILED:
        return "failed", f"{state.error[:1].upper()}{state.error[1:]}."
    if state.phase is Phase.UNKNOWN:
        return "unknown", f"The driver cannot tell: {seen.why}."
    return state.reason, state.explanation
