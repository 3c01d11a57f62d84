"""What a request is held against."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec
import pytest

from router.core.limits.counters import (
    BOTH,
    CLOUD,
    EXHAUSTED,
    LOCAL,
    NO_COUNTERS,
    CounterSets,
    counters_of,
    on_own_backends,
)
from router.core.limits.limits import Limit, Verdict
from router.core.limits.periods import Periods
from router.core.policy import Budget
from router.core.values import Candidate, KeyGrant, Permits

BERLIN = Periods(ZoneInfo("Europe/Berlin"))
MORNING = 1_779_267_600.0  # 2026-05-20 11:00 in Berlin


def limit(measure="usd", period="day", side="all", **fields) -> Limit:
    return Limit("key:app", side, "", measure, period, 1001, **fields)


@pytest.mark.parametrize(
    ("measure", "period", "place"),
    [
        ("usd", "minute", "limit:minute:29654460"),
        ("usd", "day", "limit:day:2026-05-20"),
        ("tokens", "month", "limit:month:2026-05"),
        ("concurrent", "", "limit:running"),
    ],
)
def test_each_period_counts_in_a_hash_of_its_own(measure, period, place):
    counters = counters_of((limit(measure, period),), MORNING, BERLIN)
    assert [(counter.key, counter.field) for counter in counters.all] == [(place, f"key:app|all||{measure}")]


def test_a_bill_holds_for_its_minute():
    counters = counters_of((limit(),), MORNING + 59.9, BERLIN)
    assert counters.until == MORNING + 60


def test_the_hold_keeps_what_expiry_needs():
    counters = counters_of((limit("tokens", side="cloud"), limit("concurrent", "")), MORNING, BERLIN)
    assert msgspec.msgpack.decode(counters.raw) == [
        ["limit:day:2026-05-20", "key:app|cloud||tokens", 2, CLOUD],
        ["limit:running", "key:app|all||concurrent", 4, 0],
    ]


def test_warnings_begin_at_a_share_of_the_limit():
    (counter,) = counters_of((limit(soft=0.8),), MORNING, BERLIN).all
    assert counter.warn_at == 801


@pytest.mark.parametrize(
    ("side", "holds", "uses"),
    [
        ("all", {LOCAL: True, CLOUD: True, BOTH: True}, {True: True, False: True}),
        ("local", {LOCAL: True, CLOUD: False, BOTH: True}, {True: True, False: False}),
        ("cloud", {LOCAL: False, CLOUD: True, BOTH: True}, {True: False, False: True}),
    ],
)
def test_a_side_counts_what_may_go_there_and_what_went_there(side, holds, uses):
    (counter,) = counters_of((limit(side=side),), MORNING, BERLIN).all
    assert {sides: counter.holds(sides) for sides in (LOCAL, CLOUD, BOTH)} == holds
    assert {own: counter.uses(own) for own in (True, False)} == uses


def test_without_limits_there_is_nothing_to_hold_against():
    assert counters_of((), MORNING, BERLIN) is NO_COUNTERS


@pytest.fixture
def grant():
    return KeyGrant("app", "search", Permits(), Budget(usd_per_day=1.0))


@pytest.fixture
def counter_sets(make):
    return CounterSets(make.plan().policy, BERLIN)


def test_counters_are_put_together_once_a_minute(counter_sets, grant):
    first = counter_sets.of(grant, "chat", MORNING)
    assert counter_sets.of(grant, "chat", MORNING + 59) is first
    later = counter_sets.of(grant, "chat", MORNING + 60)
    assert later is not first and later.all[0].limit == first.all[0].limit


def test_another_grant_of_the_same_name_has_counters_of_its_own(counter_sets, grant):
    counter_sets.of(grant, "chat", MORNING)
    richer = msgspec.structs.replace(grant, budget=Budget(usd_per_day=2.0))
    assert counter_sets.of(richer, "chat", MORNING).all[0].limit.amount == 2_000_000_000


def test_what_is_remembered_is_bounded(counter_sets, grant, monkeypatch):
    monkeypatch.setattr("router.core.limits.counters._REMEMBERED", 2)
    first = counter_sets.of(grant, "a", MORNING)
    for model in ("b", "c"):
        counter_sets.of(grant, model, MORNING)
    assert counter_sets.of(grant, "a", MORNING) is not first


def test_own_backends_are_what_is_left_when_the_cloud_is_exhausted(make):
    gpu, api = (Candidate(make.route(name), "threshold-below", "…") for name in ("gpu", "openai"))
    verdict = Verdict(limit(side="cloud"), 1000, 0, 300)
    assert on_own_backends((gpu, api), verdict) == (gpu,)
    (left,) = on_own_backends((api, gpu), verdict)
    assert (left.route, left.reason) == (gpu.route, EXHAUSTED)
    assert "usd_per_day" in left.explanation
