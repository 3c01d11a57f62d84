from __future__ import annotations

from msgspec.structs import replace

from router.core.cost.rent import Past, RentState
from router.core.power.sightings import sighting_of
from router.core.power.states import Phase
from router.core.power.units import Run, UnitsState

ON = UnitsState(phase=Phase.ON, since=70.0, at=100.0, units=1, ready=1, started_at=10.0, runs=(Run(10.0),), idle=5.0)
LATER = UnitsState(phase=Phase.OFF, since=90.0, at=100.0, runs=(Run(10.0, 90.0),))


def test_one_that_is_on_began_with_its_run():
    seen = sighting_of(ON, 0, alone=True)

    assert (seen.state, seen.begun, seen.idle, seen.since) == (RentState.IDLE, 10_000, 5_000, 70_000)


def test_one_that_is_off_has_its_past():
    seen = sighting_of(LATER, 0, alone=True)

    assert (seen.state, seen.since, seen.past) == (RentState.OFF, 90_000, (Past(10_000, 90_000),))
    assert sighting_of(LATER, 1, alone=False).past == (), "it was not part of that run"


def test_of_several_units_each_is_what_it_is():
    starting = replace(ON, phase=Phase.STARTING, target=2, started_at=60.0)
    assert sighting_of(starting, 0, alone=False).state is RentState.IDLE
    assert (sighting_of(starting, 1, alone=False).state, sighting_of(starting, 1, alone=False).begun) == (
        RentState.STARTING,
        60_000,
    )
    stopping = replace(ON, phase=Phase.STOPPING, units=2, ready=2, target=1)
    assert sighting_of(stopping, 1, alone=False).state is RentState.STOPPING
    assert sighting_of(stopping, 0, alone=False).state is RentState.IDLE


def test_what_nobody_can_tell_is_taken_to_be_on():
    unknown = replace(ON, phase=Phase.UNKNOWN, possible=1)
    assert sighting_of(unknown, 0, alone=True).state is RentState.ASSUMED
    assert sighting_of(replace(ON, phase=Phase.FAILED, units=0), 0, alone=True).state is RentState.OFF
    draining = replace(ON, phase=Phase.DRAINING)
    assert (sighting_of(draining, 0, alone=True).state, sighting_of(draining, 0, alone=True).since) == (
        RentState.IDLE,
        0,
    )
    busy = sighting_of(replace(ON, units=1, phase=Phase.STOPPING, target=1), 0, alone=True)
    assert busy.state is RentState.IDLE
