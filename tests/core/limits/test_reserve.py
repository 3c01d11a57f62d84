"""From a decision to the hold that the ledger is asked for."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from router.core.cost.timeline import always, built
from router.core.limits.counters import BOTH, NO_COUNTERS, CounterSets
from router.core.limits.estimate import DEFAULT_OUTPUT_TOKENS, PRIOR_OUTPUT_TOKENS, Learned, WorstCase
from router.core.limits.periods import Periods
from router.core.limits.reserve import HoldMaker
from router.core.policy import Budget
from router.core.units import UnitRates, Units
from router.core.values import Candidate, Cell, Decision, PriceTier, Rates, Tariff
from router.surfaces.registry import SURFACES

NOON = 1_779_271_200.0
BODY = b'{"model": "chat", "messages": [{"role": "user", "content": "Hello there"}]%b}'


@pytest.fixture
def holding(make):
    """Makes holds of requests that prefer the cloud; `budget` is the key's."""
    plan = make.plan()
    gpu, api = plan.models["chat"].routes
    decision = Decision("chat", "", (), frozenset(), (Candidate(api, "", ""), Candidate(gpu, "", "")))

    def hold(more=b"", budget=None, bounds=None):
        counter_sets = CounterSets(plan.policy, Periods(ZoneInfo("UTC")))
        made = HoldMaker(plan, counter_sets, bounds or WorstCase())
        key = make.key(budget=budget)
        return made.hold("00000001x", NOON, "req-1", decision, key, SURFACES["chat"].read(BODY % more), {})

    return hold


def test_without_limits_it_is_what_the_request_is_likely_to_take(holding):
    hold = holding(bounds=Learned())
    assert (hold.id, hold.at, hold.request) == ("00000001x", NOON, "req-1")
    assert hold.cell == Cell("openai", "cloud", "chat", "search", "app")
    assert (hold.counters, hold.output) == (NO_COUNTERS, DEFAULT_OUTPUT_TOKENS)
    assert 0 < hold.input < len(BODY)


def test_where_the_policy_wants_the_worst_case_it_is_that_without_limits_too(holding):
    hold, likely = holding(b', "max_tokens": 9000'), holding(b', "max_tokens": 9000', bounds=Learned())
    assert (hold.counters, hold.output, likely.output) == (NO_COUNTERS, 9000, DEFAULT_OUTPUT_TOKENS)
    assert hold.input > likely.input and hold.cost > likely.cost


def test_against_limits_it_is_the_worst_case_on_the_dearest_candidate(holding):
    hold = holding(b', "max_tokens": 1000', Budget(usd_per_day=1.0))
    assert hold.input > len(BODY % b"")
    assert (hold.output, hold.sides, hold.local_first) == (1000, BOTH, False)
    assert hold.cost == pytest.approx(1000 * (hold.input * 0.15 + 1000 * 0.6), abs=1)
    assert (hold.local_cost, hold.local_cell) == (0, Cell("gpu", "local", "chat", "search", "app"))
    assert (hold.cost_at_risk, hold.tokens_at_risk) == (0, 0)


def test_what_a_learned_hold_leaves_out_is_at_risk(holding):
    worst = holding(b', "max_tokens": 8000', Budget(usd_per_day=1.0))
    learned = holding(b', "max_tokens": 8000', Budget(usd_per_day=1.0), Learned())
    assert learned.output == PRIOR_OUTPUT_TOKENS
    assert learned.cost + learned.cost_at_risk == worst.cost
    assert learned.input + learned.output + learned.tokens_at_risk == worst.input + worst.output


def test_what_goes_on_in_the_background_is_held_as_it_is_booked(make):
    plan = make.plan()
    gpu, api = plan.models["chat"].routes
    decision = Decision("chat", "", (), frozenset(), (Candidate(api, "", ""), Candidate(gpu, "", "")))
    reading = SURFACES["chat"].read(BODY % b', "max_tokens": 8000')
    key, counter_sets = make.key(budget=Budget(usd_per_day=1.0)), CounterSets(plan.policy, Periods(ZoneInfo("UTC")))
    holds = [
        HoldMaker(plan, counter_sets, bounds).hold(
            "00000001x", NOON, "req-1", decision, key, replace(reading, background=True), {}
        )
        for bounds in (Learned(), WorstCase())
    ]
    assert holds[0] == holds[1] and (holds[0].output, holds[0].cost_at_risk, holds[0].tokens_at_risk) == (8000, 0, 0)


def test_terms_are_worked_out_once_for_a_decision(make, monkeypatch):
    plan = make.plan()
    holding = HoldMaker(plan, CounterSets(plan.policy, Periods(ZoneInfo("UTC"))), WorstCase())
    decisions = [
        Decision("chat", "", (), frozenset(), (Candidate(route, "", ""),)) for route in plan.models["chat"].routes
    ]
    first = holding.terms(decisions[0], NOON)
    assert holding.terms(decisions[0], NOON) is first
    monkeypatch.setattr("router.core.limits.reserve.MOST", 1)
    holding.terms(decisions[1], NOON)
    assert holding.terms(decisions[0], NOON) is not first


def test_terms_are_worked_out_anew_when_other_prices_count(make):
    plan = make.plan()
    holding = HoldMaker(plan, CounterSets(plan.policy, Periods(ZoneInfo("UTC"))), WorstCase())
    hourly = built(0, [], [6 * 3600], lambda now: Tariff((PriceTier(0, make.free if now else make.gpt_4o_mini),)))
    route = make.route("openai", prices=hourly)
    decision = Decision("chat", "", (), frozenset(), (Candidate(route, "", ""),))
    first = holding.terms(decision, NOON)
    assert holding.terms(decision, NOON + 3600) is first
    assert holding.terms(decision, NOON + 15 * 3600) is not first


def test_the_service_that_is_asked_for_is_held(make):
    plan = make.plan()
    dear = (PriceTier(0, Rates(1.0, 1.0, 1.0, 1.0)),)
    route = make.route("openai", prices=always(Tariff((PriceTier(0, make.gpt_4o_mini),), {"priority": dear})))
    decision = Decision("chat", "", (), frozenset(), (Candidate(route, "", ""),))
    holding = HoldMaker(plan, CounterSets(plan.policy, Periods(ZoneInfo("UTC"))), WorstCase())
    costs = [
        holding.hold("id", NOON, "req", decision, make.key(), SURFACES["chat"].read(BODY % more), {}).cost
        for more in (b"", b', "service_tier": "priority"', b"")
    ]
    assert costs[0] == costs[2] < costs[1]


@pytest.mark.parametrize("budget", [None, {"usd_per_day": 1.0}])
def test_units_are_held_at_their_dearest_price(make, budget):
    plan = make.plan()
    rates = replace(make.gpt_4o_mini, units=UnitRates(second=0.0001))
    route = make.route("openai", rates=rates)
    decision = Decision("chat", "", (), frozenset(), (Candidate(route, "", ""),))
    holding = HoldMaker(plan, CounterSets(plan.policy, Periods(ZoneInfo("UTC"))), WorstCase())
    plain = SURFACES["chat"].read(BODY % b"")
    key = make.key(budget=budget and Budget(**budget))
    long = replace(plain, units=Units(milliseconds=90_000))
    holds = [holding.hold("id", NOON, "req", decision, key, each, {}) for each in (plain, long)]
    assert holds[1].cost - holds[0].cost == 90 * 100_000
    assert holds[1].local_cost == holds[0].local_cost
