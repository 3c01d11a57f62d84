"""From when until when units cost rent: what a bill is made of, as exactly as their driver can tell.

A run begins and ends between two looks. Where the driver tells afterwards when that was, the run is as long as it was;
so nothing is accounted for beyond `UnitsState.looked_at`, up to which it is known, and nothing has to be taken back.
Where the driver does not tell, a run lasts from the command that starts it until all of it is seen to be gone.
"""

from __future__ import annotations

from msgspec.structs import replace

from router.core.power.units import MOST_RUNS, Observation, Run, UnitsState


def with_runs(before: UnitsState, state: UnitsState, seen: Observation) -> UnitsState:
    """With what costs rent now: a run that came and went before anybody looked is paid all the same. `before` is the
    state before this step."""
    costing, run = state.costing, state.running
    runs = state.runs
    if run is not None:
        runs = (*runs[:-1], *_followed(before, run, state, seen))
    if costing and not (runs and not runs[-1].ended):
        there = bool(seen.units) and seen.began
        begun = max(there or state.at, before.looked_at, runs[-1].ended if runs else 0.0)
        runs = (*runs, Run(min(begun, state.at), units=costing))
    state = replace(state, possible=costing, runs=runs[-MOST_RUNS:])
    state = replace(state, looked_at=min(state.at, _looked_at(before, state, seen)))
    began = state.running is not None and seen.units and seen.began
    return replace(state, started_at=state.runs[-1].begun) if began else state


def _followed(before: UnitsState, run: Run, state: UnitsState, seen: Observation) -> tuple[Run, ...]:
    """The run that lasted, as it is known now; none where its driver tells that nothing of it ever was."""
    accounted, over = before.looked_at > run.begun, lived(run, seen)
    if seen.began and not accounted and (seen.units or over):
        run = replace(run, begun=min(max(seen.began, before.looked_at), state.at))
    if state.costing and not (seen.units == 0 and (before.units or over)):
        return (replace(run, units=max(run.units, state.costing)),)
    if seen.began is not None and not over and not accounted:
        return ()
    ended = min(seen.ended, state.at) if over else state.at
    return (replace(run, ended=max(run.begun, ended)),)


def _looked_at(before: UnitsState, state: UnitsState, seen: Observation) -> float:
    """How far it is known what costs rent. What the driver cannot tell is taken to be as it was; and what it does not
    see yet, although it would tell when it began, begins later."""
    if seen.units is None:
        return state.at
    run, known = state.running, max(before.looked_at, seen.ended, seen.at or state.at)
    if run is not None and seen.began is not None and not (seen.units and seen.began):
        return max(before.looked_at, min(known, run.begun))
    return known


def lived(run: Run, seen: Observation) -> bool:
    """Whether the driver tells when that run has ended."""
    return seen.units == 0 and seen.ended > run.begun
