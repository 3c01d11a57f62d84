from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from router.core.limits.limits import Limit
from router.core.limits.periods import Periods
from router.core.limits.standing import Standing, turn_of

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 25, 12, tzinfo=BERLIN).timestamp()


def limit(**fields: Any) -> Limit:
    given: dict[str, Any] = {
        "scope": "global",
        "side": "all",
        "model": "",
        "measure": "usd",
        "period": "day",
        "amount": 9,
    }
    return Limit(**(given | fields))


@pytest.mark.parametrize(
    ("used", "held", "left", "warned"),
    [(0, 0, 1000, False), (700, 99, 201, False), (700, 100, 200, True), (1001, 50, 0, True)],
)
def test_what_is_left_is_neither_used_nor_held(used: int, held: int, left: int, warned: bool) -> None:
    standing = Standing(limit(amount=1000, soft=0.8), used, held, 0, None)
    assert (standing.left, standing.warned) == (left, warned)


def test_a_limit_turns_with_its_period() -> None:
    turns = [turn_of(limit(period=period), NOON + 1, Periods(BERLIN)) for period in ("minute", "day", "month", "")]
    assert turns == [NOON + 60, NOON + 12 * 3600, NOON + 5 * 86_400 + 12 * 3600, None]


def test_money_is_shown_in_micro_usd() -> None:
    shown = [Standing(limit(measure=measure), 0, 0, 0, None).shown(1_020) for measure in ("usd", "tokens")]
    assert shown == [1.02, 1_020]


@pytest.mark.parametrize(
    ("measure", "charged", "begins"),
    [
        ("usd", 2_500_000, "$0.002500 of what is used was lent to workers whose machine is lost"),
        ("tokens", 1200, "1,200 tokens of what is used was lent"),
        ("usd", 0, ""),
    ],
)
def test_what_is_charged_of_lost_machines_is_explained_where_there_is_some(
    measure: str, charged: int, begins: str
) -> None:
    note = Standing(limit(measure=measure, amount=9_000_000), 3_000_000, 0, 0, None, charged).note
    assert note.startswith(begins) and note.endswith("until the limit starts anew." if begins else "")
    assert bool(note) == bool(charged)
