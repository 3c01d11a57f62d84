"""Limits on every ledger: all of a hold is admitted, or none, and what is settled takes its place."""

from __future__ import annotations

import asyncio
from zoneinfo import ZoneInfo

import msgspec
import pytest

from router.core.limits.counters import BOTH, CLOUD, LOCAL, NO_COUNTERS, CounterSet, counters_of
from router.core.limits.limits import Limit
from router.core.limits.periods import Periods
from router.core.values import Cell, Usage

GPU = Cell("gpu", "local", "chat", "search", "app")
API = Cell("openai", "cloud", "chat", "search", "app")
MORNING = 1_779_267_600.0
PERIODS = Periods(ZoneInfo("Europe/Berlin"))


def limit(measure="usd", amount=1000, *, scope="key:app", side="all", period="day", soft=1.0, **fields) -> Limit:
    return Limit(scope, side, fields.get("model", ""), measure, period, amount, soft, fields.get("spare", False))


def counters(*limits: Limit, at: float = MORNING) -> CounterSet:
    return counters_of(limits, at, PERIODS)


@pytest.fixture
def reserve(book, hold_of):
    """Asks for a hold; gives it and the ledger's answer."""

    async def ask(counters: CounterSet, **fields):
        hold = hold_of(book.ledger, **({"counters": counters, "cost": 300, "input": 60, "output": 40} | fields))
        return hold, await book.ledger.reserve(hold)

    return ask


async def admitted(reserve, counters: CounterSet, times: int, **fields) -> list[int]:
    return [(await reserve(counters, **fields))[1].sides for _ in range(times)]


async def test_a_limit_admits_what_fits(reserve):
    assert await admitted(reserve, counters(limit(amount=900)), 4) == [BOTH, BOTH, BOTH, 0]


async def test_the_answer_names_the_limit_and_its_figures(reserve):
    daily = limit(amount=500)
    await reserve(counters(daily))
    _, answer = await reserve(counters(daily))
    verdict = answer.verdict
    assert (verdict.limit, verdict.used, verdict.held, verdict.asked) == (daily, 0, 300, 300)


async def test_a_settlement_takes_the_place_of_its_hold(book, reserve, settlement_of):
    daily = counters(limit(amount=500))
    hold, _ = await reserve(daily)
    book.ledger.settle(settlement_of(hold, cost=100))
    await book.rows()
    assert await admitted(reserve, daily, 2) == [BOTH, 0]


async def test_limits_follow_when_it_is_known_what_the_background_took(ledger, hold_of, settlement_of):
    """Of the day, and of all scopes and sides that it was counted in; memory has no such counters."""
    daily = counters(limit(amount=1000), limit("tokens", 1000, scope="global"), limit(amount=1000, side="cloud"))
    asked = {"counters": daily, "cost": 900, "input": 60, "output": 840}
    hold = hold_of(ledger, **asked)
    await ledger.reserve(hold)
    booked = settlement_of(hold, usage=Usage(60, output=840, estimated=True), cost=900)
    ledger.settle(booked)
    refused = await ledger.reserve(hold_of(ledger, **asked))
    assert (refused.sides, refused.verdict.used) == (0, 900)
    ledger.correct(booked, settlement_of(hold, usage=Usage(60, output=20), cost=80))
    await ledger.flush()
    assert (await ledger.reserve(hold_of(ledger, **asked))).sides == BOTH


async def test_a_release_gives_everything_back(book, reserve):
    daily = counters(limit(amount=300), limit("requests", 1), limit("concurrent", 1, period=""))
    hold, _ = await reserve(daily)
    book.ledger.release(hold.id)
    await book.rows()
    assert await admitted(reserve, daily, 2) == [BOTH, 0]


@pytest.mark.parametrize(
    ("measure", "amount", "period"), [("tokens", 250, "minute"), ("requests", 2, "minute"), ("concurrent", 2, "")]
)
async def test_everything_is_measured(reserve, measure, amount, period):
    assert await admitted(reserve, counters(limit(measure, amount, period=period)), 3) == [BOTH, BOTH, 0]


async def test_what_is_settled_still_counts_but_runs_no_more(book, reserve, settlement_of):
    both = counters(limit("requests", 2), limit("concurrent", 1, period=""))
    for _ in range(2):
        hold, answer = await reserve(both)
        assert answer.sides == BOTH
        book.ledger.settle(settlement_of(hold))
        await book.rows()
    _, answer = await reserve(both)
    assert answer.verdict.limit.measure == "requests"


async def test_nothing_is_held_where_one_scope_refuses(reserve):
    narrow, wide = limit(amount=300), limit(amount=600, scope="global")
    assert await admitted(reserve, counters(wide, narrow), 3) == [BOTH, 0, 0]
    assert await admitted(reserve, counters(wide), 2) == [BOTH, 0]


async def test_scopes_share_what_is_theirs(reserve):
    team = limit(amount=600, scope="team:search")
    one, other = counters(team, limit(amount=10_000)), counters(team, limit(amount=10_000, scope="key:bot"))
    assert await admitted(reserve, one, 1) + await admitted(reserve, other, 2) == [BOTH, BOTH, 0]


async def test_the_next_minute_begins_with_nothing_used(reserve):
    per_minute = limit(amount=300, period="minute")
    assert await admitted(reserve, counters(per_minute), 2) == [BOTH, 0]
    assert await admitted(reserve, counters(per_minute, at=MORNING + 60), 2, at=MORNING + 60) == [BOTH, 0]


async def test_without_money_for_the_cloud_a_request_that_prefers_it_is_refused(reserve):
    assert await admitted(reserve, counters(limit(amount=300, side="cloud")), 2) == [BOTH, 0]


async def test_unless_the_budget_leaves_the_own_side_open(reserve):
    spared = limit(amount=300, side="cloud", spare=True)
    assert await admitted(reserve, counters(spared), 2) == [BOTH, LOCAL]
    assert await admitted(reserve, counters(spared), 1, sides=CLOUD) == [0]


async def test_one_limit_that_does_not_is_enough_to_refuse(reserve):
    spared, strict = limit(amount=300, side="cloud", spare=True), limit(amount=300, scope="team:search")
    assert await admitted(reserve, counters(spared, strict), 2) == [BOTH, 0]


async def test_a_request_that_stays_at_home_anyway_is_not_refused_for_the_cloud(reserve):
    cloud = counters(limit(amount=300, side="cloud"))
    assert await admitted(reserve, cloud, 3, local_first=True) == [BOTH, LOCAL, LOCAL]
    assert await admitted(reserve, cloud, 1, sides=LOCAL) == [LOCAL]


async def test_what_costs_nothing_is_never_refused_for_money(book, reserve, settlement_of):
    money = counters(limit(amount=300))
    hold, _ = await reserve(money)
    book.ledger.settle(settlement_of(hold, cost=900))
    await book.rows()
    assert await admitted(reserve, money, 2, sides=LOCAL, local_cost=0) == [LOCAL, LOCAL]


async def test_each_side_counts_what_it_served(book, reserve, settlement_of):
    sides = counters(limit("requests", 1, side="local"), limit("requests", 1, side="cloud"))
    hold, _ = await reserve(sides)
    assert (await reserve(sides))[1].sides == 0
    book.ledger.settle(settlement_of(hold, cell=GPU, local=True))
    await book.rows()
    assert await admitted(reserve, sides, 2, sides=CLOUD) == [CLOUD, 0]


async def test_models_are_limited_apart(reserve):
    chat = limit(amount=300, model="chat")
    assert await admitted(reserve, counters(chat), 2) == [BOTH, 0]
    assert await admitted(reserve, counters(limit(amount=300, model="embed")), 2) == [BOTH, 0]


async def test_a_soft_limit_warns_and_admits(reserve):
    daily = counters(limit(amount=1000, soft=0.6))
    answers = [(await reserve(daily))[1] for _ in range(3)]
    assert [answer.sides for answer in answers] == [BOTH] * 3
    assert [[(each.used, each.held) for each in answer.warnings] for answer in answers] == [[], [(0, 600)], [(0, 900)]]


async def test_a_charge_takes_the_place_of_a_hold_that_nobody_settled(book, reserve, clock):
    daily = counters(limit(amount=300), limit("concurrent", 1, period=""))
    await reserve(daily, lease=60.0)
    clock.now += 200
    await book.ledger.sweep()
    _, answer = await reserve(daily)
    assert (answer.verdict.limit.measure, answer.verdict.used, answer.verdict.held) == ("usd", 300, 0)


async def test_a_late_settlement_corrects_the_counters(book, reserve, settlement_of, clock):
    daily = counters(limit(amount=300), limit("concurrent", 1, period=""))
    hold, _ = await reserve(daily, lease=60.0)
    clock.now += 200
    await book.ledger.sweep()
    book.ledger.settle(settlement_of(hold, cost=0))
    await book.rows()
    assert await admitted(reserve, daily, 2) == [BOTH, 0]


async def test_what_went_on_without_a_hold_is_used(book, reserve, hold_of, settlement_of):
    daily = counters(limit(amount=300))
    book.ledger.record(settlement_of(hold_of(book.ledger), cost=200), daily)
    await book.rows()
    _, answer = await reserve(daily)
    assert (answer.verdict.used, answer.verdict.held) == (200, 0)


async def test_no_bill_no_limit(reserve):
    assert await admitted(reserve, NO_COUNTERS, 50) == [BOTH] * 50


async def test_a_crowd_gets_what_there_is_and_no_more(book, hold_of, settlement_of):
    daily = counters(limit(amount=100 * 300), limit("requests", 1000), limit(amount=10**9, scope="global"))
    holds = [hold_of(book.ledger, counters=daily, cost=300) for _ in range(500)]
    answers = await asyncio.gather(*(book.ledger.reserve(hold) for hold in holds))
    passed = [hold for hold, answer in zip(holds, answers, strict=True) if answer.sides]
    assert len(passed) == 100
    for hold in passed:
        book.ledger.settle(settlement_of(hold, cost=300, usage=Usage(60, output=40)))
    (row,) = await book.rows()
    assert (row.requests, row.cost) == (100, 30_000)
    assert not (await book.ledger.reserve(hold_of(book.ledger, counters=daily, cost=1))).sides


@pytest.mark.parametrize("ending", ["settle", "release"])
@pytest.mark.parametrize(("sides", "risk"), [(LOCAL, 7), (CLOUD, 90), (BOTH, 90)])
async def test_what_a_request_may_take_beyond_its_hold_ends_with_it(
    server, ledger, hold_of, settlement_of, sides, risk, ending
):
    daily = counters(limit())
    figures = {"cost": 300, "local_cost": 300, "cost_at_risk": 90, "local_cost_at_risk": 7}
    hold = hold_of(ledger, counters=daily, sides=sides, **figures)
    await ledger.reserve(hold)
    place, field = "be:{ledger}:" + daily.all[0].key, daily.all[0].field
    assert msgspec.msgpack.decode(server.client.hget(place, field)) == [0, 300, risk]
    if ending == "settle":
        ledger.settle(settlement_of(hold, cost=1, local=sides == LOCAL))
    else:
        ledger.release(hold.id)
    await ledger.flush()
    assert msgspec.msgpack.decode(server.client.hget(place, field)) == [int(ending == "settle"), 0, 0]
