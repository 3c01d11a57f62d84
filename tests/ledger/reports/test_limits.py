"""How budgets stand, as ledgers count them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec
import pytest

from router.core.limits.counters import counters_of
from router.core.limits.limits import Limit
from router.core.limits.periods import Periods
from router.core.values import Cell
from router.ledger.reports.limits import standings
from router.ledger.reports.totals import open_report

PERIODS = Periods(ZoneInfo("Europe/Berlin"))
API = Cell("openai", "cloud", "chat", "search", "app")
LIMITS = (
    Limit("global", "all", "", "usd", "month", 10_000),
    Limit("team:search", "cloud", "", "tokens", "day", 1000),
    Limit("key:app", "all", "", "requests", "minute", 5),
    Limit("key:app", "all", "", "concurrent", "", 2),
)


@pytest.fixture
async def stand(server, clock):
    """Used, held, at risk and left of each limit."""

    async def ask(*limits: Limit) -> list[tuple[int, int, int, int]]:
        async with open_report(server.url) as report:
            found = await standings(report, limits or LIMITS, frozenset({"local"}), clock.now, PERIODS)
        assert [each.limit for each in found] == list(limits or LIMITS)
        return [(each.used, each.held, each.risk, each.left) for each in found]

    return ask


async def test_nothing_was_used(stand):
    assert await stand() == [(0, 0, 0, 10_000), (0, 0, 0, 1000), (0, 0, 0, 5), (0, 0, 0, 2)]


async def test_a_running_request_is_held_and_a_settled_one_is_used(ledger, hold_of, settlement_of, clock, stand):
    counters = counters_of(LIMITS, clock.now, PERIODS)
    fields = {"counters": counters, "cell": API, "cost": 300, "input": 60, "output": 40}
    hold = hold_of(ledger, **fields, cost_at_risk=50, tokens_at_risk=7)
    await ledger.reserve(hold)
    assert await stand() == [(0, 300, 50, 9700), (0, 100, 7, 900), (0, 1, 0, 4), (0, 1, 0, 1)]
    ledger.settle(settlement_of(hold, cost=120))
    await ledger.flush()
    assert await stand() == [(120, 0, 0, 9880), (107, 0, 0, 893), (1, 0, 0, 4), (0, 0, 0, 2)]


async def test_a_limit_that_no_request_was_held_against_is_counted_from_the_totals(
    ledger, hold_of, settlement_of, clock, stand
):
    for days, cost in ((-6, 1000), (-1, 30), (0, 4)):
        at = clock.now + days * 86_400
        hold = hold_of(ledger, cell=API, at=at)
        await ledger.reserve(hold)
        ledger.settle(settlement_of(hold, cost=cost, cell=API, at=at))
    await ledger.flush()
    usd = {"side": "all", "model": "", "measure": "usd", "amount": 2000}
    asked = (
        Limit("global", period="month", **usd),
        Limit("global", period="day", **usd),
        Limit("team:search", period="month", **usd),
        Limit("key:app", period="month", **usd | {"model": "chat", "side": "cloud"}),
        Limit("key:app", period="month", **usd | {"side": "local"}),
        Limit("key:other", period="month", **usd),
        Limit("global", period="minute", **usd),
    )
    assert [used for used, *_ in await stand(*asked)] == [1034, 4, 1034, 1034, 0, 0, 0]
    # What a ledger says that holds a request against them now.
    hold = hold_of(ledger, counters=counters_of(asked, clock.now, PERIODS), cell=API, cost=1)
    await ledger.reserve(hold)
    assert [used for used, *_ in await stand(*asked)] == [1034, 4, 1034, 1034, 0, 0, 0]


BESIDE = {f"cmdstat_{name}" for name in ("ping", "info", "publish", "replconf", "subscribe")}
"""What sentinels and replicas ask meanwhile."""


async def test_limits_of_a_thousand_keys_are_read_in_a_few_calls(ledger, hold_of, settlement_of, clock, stand, server):
    """Whatever was counted: a page of them does not wait for days or cells."""
    for key in ("app-0", "app-999"):
        cell = msgspec.structs.replace(API, key=key)
        hold = hold_of(ledger, cell=cell)
        await ledger.reserve(hold)
        ledger.settle(settlement_of(hold, cost=77, cell=cell))
    await ledger.flush()
    limits = [Limit(f"key:app-{n}", "all", "", "usd", period, 100) for n in range(1000) for period in ("day", "month")]
    before = server.client.info("commandstats")
    used = [used for used, *_ in await stand(*limits)]
    after = server.client.info("commandstats")
    assert used == [77, 77, *[0] * 1996, 77, 77]
    asked = {name: each["calls"] - before.get(name, {"calls": 0})["calls"] for name, each in after.items()}
    reads = {name: calls for name, calls in asked.items() if name not in BESIDE}
    assert sum(reads.values()) < 20 and not asked.get("cmdstat_eval") and not asked.get("cmdstat_hscan")


async def test_what_was_used_in_micro_usd_and_what_was_taken_back(stand, server, clock):
    server.client.sadd("be:{ledger}:zones", "local", "cloud")
    month = PERIODS.ids(clock.now).month
    place = f"be:{{ledger}}:spent:month:{month}"
    server.client.hset(place, "global|cloud|", b"\xdc\0\3" + bytes([9, 40, 2]))  # of a former layout
    server.client.hset(place, "global|local|", b"\xdd\0\0\0\3" + msgspec.msgpack.encode(-10) + bytes([0, 0]))
    usd = {"model": "", "measure": "usd", "period": "month", "amount": 100_000}
    sides = [Limit("global", side=side, **usd) for side in ("all", "cloud", "local")]
    assert [used for used, *_ in await stand(*sides)] == [8990, 9000, 0]
    tokens = Limit("global", "cloud", "", "tokens", "month", 50)
    assert (await stand(tokens))[0][0] == 40
