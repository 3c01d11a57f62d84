from __future__ import annotations

from zoneinfo import ZoneInfo

from support.control import NOON

from router.admin.ledger_session import Days
from router.admin.simulation.notes import notes_of
from router.admin.simulation.task import SimulationTask
from router.admin.simulation.traffic import Recorded

DAYS = Days("2026-11-19", "2026-11-25", ZoneInfo("Europe/Berlin"))
TASK = SimulationTask("", DAYS.first, DAYS.last, DAYS.timezone.key, NOON, "d.yaml", b"", "p.yaml", b"", frozenset())


def recorded(**counts: float) -> Recorded:
    found = Recorded(TASK)
    for name, count in counts.items():
        setattr(found, name, count)
    return found


def test_of_whole_records_there_is_nothing_to_say():
    assert list(notes_of(recorded(read=7, first=DAYS.begin + 80_000), DAYS)) == []


def test_each_thing_that_is_missing_is_told():
    begin, grounds, unknown, unreadable = notes_of(
        recorded(first=NOON - 3600, without_grounds=1, by_unknown=2, unreadable=1), DAYS
    )
    assert begin.startswith("Records begin on 2026-11-25 11:00 (Europe/Berlin)")
    assert grounds.startswith("1 request was recorded by a release that did not keep")
    assert unknown.startswith("2 requests were decided by versions of the policy that the history does not have")
    assert unreadable.startswith("1 entry of the ledger")
