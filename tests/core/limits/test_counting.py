"""The counters in memory; tests/ledger/test_state_machine.py compares them with the server's."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from router.core.limits.counters import BOTH, CLOUD, LOCAL, CounterSets, Hold
from router.core.limits.counting import Counting
from router.core.limits.periods import Periods
from router.core.policy import Budget
from router.core.values import Cell

NOON = 1_779_271_200.0
USD = 1_000_000_000


@pytest.fixture
def held(make):
    """Makes holds of a dollar each; `budget` is the key's."""
    sets = CounterSets(make.plan().policy, Periods(ZoneInfo("UTC")))

    def hold(budget: Budget, sides: int = BOTH, local_first: bool = False, local_cost: int = 0) -> Hold:
        counters = sets.of(make.key(budget=budget), "chat", NOON)
        cell = Cell("openai", "cloud", "chat", "search", "app")
        return Hold(
            *("id", cell, NOON, 900.0, 10, 20, USD, True, counters, sides),
            local_first=local_first,
            local_cost=local_cost,
            cost_at_risk=5,
        )

    return hold


def test_what_is_held_counts_until_it_is_held_no_more(held):
    counting, hold = Counting(), held(Budget(usd_per_day=1.5))
    assert counting.admission(hold).sides == BOTH
    counting.hold(hold, BOTH)
    refused = counting.admission(hold)

    assert (refused.sides, refused.verdict.held, refused.verdict.asked) == (0, USD, USD)
    [kept] = counting.kept.values()
    assert (kept.used, kept.held, kept.risk) == (0, USD, 5)
    counting.hold(hold, BOTH, -1)
    assert counting.admission(hold).sides == BOTH and (kept.held, kept.risk) == (0, 0)


def test_what_stays_at_home_is_not_held_against_the_cloud(held):
    counting, hold = Counting(), held(Budget(cloud={"usd_per_day": 2.0}, requests_per_day=9))
    counting.hold(hold, LOCAL)
    assert {field.split("|", 1)[1]: kept.held for (_, field), kept in counting.kept.items()} == {"all||requests": 1}


def test_what_is_used_counts_on_its_side(held):
    counting, hold = Counting(), held(Budget(requests_per_day=9, cloud={"usd_per_day": 2.0}, concurrent_requests=3))
    counting.use(hold.counters, True, (USD, 30, 1, 0))
    counting.use(hold.counters, False, (USD, 30, 1, 0))

    used = {field.split("|", 1)[1]: kept.used for (_, field), kept in counting.kept.items()}
    assert used == {"all||requests": 2, "cloud||usd": USD}, "what runs at the same time is held, never used"


def test_a_request_that_may_stay_at_home_is_admitted_there(held):
    local_only = Budget(cloud={"usd_per_day": 0.5}, on_budget_exhausted="local_only")
    assert Counting().admission(held(local_only)).sides == LOCAL
    strict = Budget(cloud={"usd_per_day": 0.5})
    assert Counting().admission(held(strict)).sides == 0
    assert Counting().admission(held(strict, local_first=True)).sides == LOCAL, "it would have gone there anyway"
    assert Counting().admission(held(strict, sides=CLOUD)).sides == 0
    assert Counting().admission(held(strict, sides=LOCAL)).sides == LOCAL
    both = Budget(usd_per_day=0.5, on_budget_exhausted="local_only")
    assert Counting().admission(held(both, local_cost=USD)).sides == 0, "it has no room there either"


def test_soft_limits_are_told_and_periods_end(held):
    counting, hold = Counting(), held(Budget(usd_per_day=1.1, tokens_per_day=1000))
    counting.hold(hold, BOTH)

    assert [reached.limit.measure for reached in counting.reached(hold.counters)] == ["usd"]
    counting.forget("limit:day:2026-05-20")
    assert not counting.kept
    counting.forget("limit:day:2026-05-20")
