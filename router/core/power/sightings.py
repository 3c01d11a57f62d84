"""How each unit is to be billed, from what is known of all of a backend's together."""

from __future__ import annotations

from msgspec.structs import replace

from router.core.cost.rent import Past, RentState, Sighting
from router.core.power.states import Phase
from router.core.power.units import UnitsState

_GONE = (Phase.OFF, Phase.FAILED)


def sighting_of(state: UnitsState, number: int, *, alone: bool) -> Sighting:
    """One of several began and ended with a look, since phases are those of all together. What may be on is on until
    its driver says that it is off: that nobody can look saves nobody its rent."""
    phase = state.phase
    since = milliseconds(state.since) if alone else 0
    past = tuple(
        Past(milliseconds(run.begun), milliseconds(run.ended)) for run in state.runs if run.ended and number < run.units
    )
    if number >= state.costing:
        return Sighting(RentState.OFF, since=since if phase in _GONE else 0, past=past)
    found = Sighting(RentState.IDLE, milliseconds(state.idle), begun=milliseconds(_begun(state, number)), past=past)
    if phase is Phase.UNKNOWN:
        return replace(found, state=RentState.ASSUMED)
    if phase is Phase.STARTING and number >= state.ready:
        return replace(found, state=RentState.STARTING)
    if phase is Phase.STOPPING and number >= state.target:
        return replace(found, state=RentState.STOPPING, since=since)
    return replace(found, since=since) if phase is Phase.ON else found


def _begun(state: UnitsState, number: int) -> float:
    """The first of several began with the run; further ones may have been asked for later."""
    return state.running.begun if state.running is not None and not number else state.started_at


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
