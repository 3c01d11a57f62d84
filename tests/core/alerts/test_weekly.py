"""The report of a week, by examples."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from router.core.alerts.gpu import GpuNet
from router.core.alerts.weekly import NearLimit, TeamWeek, Week, due, text_of, to_decide
from router.core.cost.net import Net

BERLIN = ZoneInfo("Europe/Berlin")
USD = 1_000_000_000
QUIET = Week(
    first="2026-11-16",
    last="2026-11-22",
    requests=10,
    net=Net(500 * USD, 100 * USD, 200 * USD),
    before=Net(0, 0, 0),
)
LOSING = GpuNet("gpu", Net(50 * USD, 0, 200 * USD), "2026-11-16", "2026-11-22", 7, could_not_leave=3)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-23T07:59:59", ""),
        ("2026-11-23T08:00:00", "2026-11-23"),
        ("2026-11-23T19:59:00", "2026-11-23"),
        ("2026-11-23T20:00:00", ""),
        ("2026-11-25T08:00:00", ""),
        ("2026-11-30T08:30:00", "2026-11-30"),
    ],
)
def test_it_is_due_from_its_hour_on_and_not_days_later(now, expected):
    assert due("mon", 8, at(now), BERLIN) == expected


def test_it_is_due_late_in_the_evening_until_the_next_morning():
    assert due("sun", 23, at("2026-11-23T08:00:00"), BERLIN) == "2026-11-22"


def test_a_quiet_week_has_nothing_to_decide():
    assert to_decide(QUIET) == []
    assert text_of(QUIET) == (
        "Last week the own GPUs saved $200: the cloud alone would have cost $500, against $100 for what was bought and"
        " $200 of rent.\n\nThere is nothing to decide."
    )


def test_it_is_compared_with_the_week_before():
    less = replace(QUIET, before=Net(0, 300 * USD, 100 * USD))
    assert less.beside_before == "That is $100 less than in the week before ($400)."
    assert replace(QUIET, before=Net(0, 1 * USD, 0)).beside_before.startswith("That is $299 more")


def test_what_can_be_decided_is_said():
    week = replace(
        QUIET,
        gpus=[LOSING, GpuNet("fine", Net(9 * USD, 0, 0), "", "", 7), GpuNet("unknown", Net(None, 0, USD), "", "", 7)],
        near=[NearLimit("team search: usd_per_month", 0.93), NearLimit("key app: usd_per_day", 0.6)],
        past_gpu="Tokens went past a GPU.",
        refused_edit=True,
    )
    gpu, past, near, edit = to_decide(week)
    assert gpu == (
        "gpu lost $150: keep it off, let the policy switch it (`power`), or send it more of the traffic."
        " 3 requests could not leave and needed it."
    )
    assert past == "Tokens went past a GPU."
    assert near == "team search: usd_per_month is 93% used: raise it, or let it end there."
    assert "breakeven check" in edit
    (alone,) = to_decide(replace(QUIET, gpus=[replace(LOSING, could_not_leave=0)]))
    assert alone.endswith("of the traffic.")


def test_text_has_teams_and_hours():
    team = TeamWeek("search", 1200, 40.0, 10.0, 30.0)
    text = text_of(replace(QUIET, teams=[team], hours_on=[("gpu", 33.5)], refused_edit=True))
    assert (
        "By team:\n- search: $50, 1,200 requests" in text
        and "- gpu: 33.5 h" in text
        and "To decide:\n- The policy's file" in text
    )
