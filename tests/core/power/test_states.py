from __future__ import annotations

import re

from support.compiled import interpreted_only

from router.core.power import states as module
from router.core.power.states import TABLE, Event, Phase


@interpreted_only
def test_the_documented_table_is_the_table() -> None:
    rows = re.findall(r"^    (\w+) +(\w+) +(\w+)$", module.__doc__ or "", re.MULTILINE)
    changes = [(phase, event, to) for phase in Phase for event, to in TABLE[phase].items() if to is not phase]

    assert rows[0] == ("phase", "event", "next")
    assert rows[1:] == changes


def test_every_phase_knows_every_event() -> None:
    assert all(set(TABLE[phase]) == set(Event) for phase in Phase)


def test_the_driver_may_lose_sight_of_units_in_any_phase() -> None:
    assert {TABLE[phase][Event.UNCLEAR] for phase in Phase} == {Phase.UNKNOWN}
