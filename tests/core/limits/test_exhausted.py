from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from router.core.limits.counters import Hold, counters_of
from router.core.limits.exhausted import Exhausted
from router.core.limits.limits import Limit, Verdict
from router.core.limits.periods import Periods
from router.core.values import Cell

RATE = Limit("key:app", "all", "", "requests", "minute", 3)
PERIODS = Periods(ZoneInfo("UTC"))


def held(*limits: Limit, at: float = 0.0, lease: float = 900.0) -> Hold:
    cell = Cell("gpu", "local", "chat", "search", "app")
    counters = counters_of(limits, at, PERIODS)
    return Hold("1", cell, at, lease, input=1, output=1, cost=0, eligible=False, counters=counters)


def test_until_the_minute_is_over_nothing_is_admitted_by_a_rate_that_is_used_up() -> None:
    known, verdict = Exhausted(), Verdict(RATE, used=3, held=0, asked=1)
    known.note(held(RATE), verdict)
    assert known.of(held(RATE, at=59.0).counters) is verdict
    assert known.of(held(RATE, at=60.0).counters) is None
    other = Verdict(replace(RATE, scope="key:other"), used=3, held=0, asked=1)
    known.note(held(other.limit, at=61.0), other)
    assert known.of(held(other.limit, RATE, at=62.0).counters) is other and list(known.known.values()) == [other]
    known.forget()
    assert not known.known


def test_several_rates_of_one_minute_are_known_beside_each_other() -> None:
    known = Exhausted()
    limits = [replace(RATE, scope=scope) for scope in ("all", "team:search", "key:app")]
    for limit in reversed(limits):
        known.note(held(*limits), Verdict(limit, used=3, held=0, asked=1))
    assert len(known.known) == 3


def test_a_limit_that_was_raised_is_another_one() -> None:
    known = Exhausted()
    known.note(held(RATE), Verdict(RATE, used=3, held=0, asked=1))
    assert known.of(held(replace(RATE, amount=4)).counters) is None


UNCERTAIN = {
    "running requests hold the rest": (RATE, 2, 900.0),
    "tokens": (replace(RATE, measure="tokens"), 3, 900.0),
    "a day": (replace(RATE, period="day"), 3, 900.0),
    "one side": (replace(RATE, side="cloud"), 3, 900.0),
    "one model": (replace(RATE, model="chat"), 3, 900.0),
    "a lease that ends within the minute": (RATE, 3, 30.0),
}


@pytest.mark.parametrize(("limit", "used", "lease"), UNCERTAIN.values(), ids=UNCERTAIN.keys())
def test_what_may_turn_out_otherwise_is_not_known(limit: Limit, used: int, lease: float) -> None:
    known = Exhausted()
    known.note(held(limit, RATE, lease=lease), Verdict(limit, used=used, held=1, asked=1))
    assert known.of(held(limit).counters) is None and not known.known
