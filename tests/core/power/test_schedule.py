from __future__ import annotations

import pytest

from router.core.power.schedule import parse_schedule


def held(text: str) -> list[tuple[int, int]]:
    schedule = parse_schedule(text)
    return [(day, hour) for day in range(7) for hour in range(24) if schedule.holds(day, hour)]


def test_hours_of_some_days() -> None:
    assert held("08-20 Mon-Fri") == [(day, hour) for day in range(5) for hour in range(8, 20)]
    assert held("23-24 Tue,Sat-Sun") == [(1, 23), (5, 23), (6, 23)]


def test_hours_of_every_day() -> None:
    assert held("06-07") == [(day, 6) for day in range(7)]
    assert len(held("00-24")) == len(held("05-05")) == 7 * 24


def test_a_night_belongs_to_the_day_on_which_it_starts() -> None:
    assert held("22-02 Sun") == [(0, 0), (0, 1), (6, 22), (6, 23)]


def test_days_go_past_the_end_of_a_week() -> None:
    assert held("09-10 Sat-Mon") == [(0, 9), (5, 9), (6, 9)]


@pytest.mark.parametrize("text", ["", "8-20", "08-25", "08-20 Mo-Fr", "08-20Mon", "08-20 Mon-", "24-04", "08-20 mon"])
def test_anything_else_is_no_schedule(text: str) -> None:
    with pytest.raises(ValueError, match='such as "08-20 Mon-Fri"'):
        parse_schedule(text)
