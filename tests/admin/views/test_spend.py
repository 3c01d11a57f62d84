"""Numbers that equal the ledger's."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from itertools import pairwise

import msgspec
import pytest
from support.control import API, GPU, NOON, POLICY

from router.admin.sources.interface import Sources
from router.admin.sources.records import LedgerRecords
from router.core.values import Cell, RequestOutcome, Usage
from router.ledger.redis_keys import pack_cell

DAY = 86_400
MIDNIGHT = NOON - 12 * 3600
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
async def traffic(settle):
    """Today: one local request that saves 250, one in the cloud that costs 400. Eight days ago: one in the cloud."""
    await settle(GPU, counterfactual=250)
    await settle(API, cost=400, usage=Usage(input=200, cached=0, output=10))
    await settle(API, NOON - 8 * DAY, cost=1000, error=True)


async def spend(plane, query: str = "") -> dict:
    answer = await plane.get(f"/api/spend{query}")
    assert answer.status == 200, answer.body
    return answer.json


async def test_today_to_the_micro_dollar(plane, traffic):
    today = await spend(plane)
    total = today["total"]
    assert (today["first"], today["last"], today["timezone"]) == ("2026-11-25", "2026-11-25", "Europe/Berlin")
    assert (total["requests"], total["errors"], total["input"], total["cached"], total["output"]) == (2, 0, 300, 30, 17)
    assert (total["cost_micro_usd"], total["counterfactual_micro_usd"]) == (400, 250)
    assert (total["local_tokens"], total["cloud_tokens"]) == (107, 210)
    assert (total["cloud_alone_micro_usd"], total["bought_micro_usd"], total["not_bought_micro_usd"]) == (650, 400, 250)


async def test_rent_is_what_the_ledger_has_and_is_taken_off(plane, traffic, rent):
    await rent({"busy": 40_000, "idle": 10_000})
    today = await spend(plane)
    assert (today["total"]["rent_micro_usd"], today["rent_unused_micro_usd"]) == (50_000, 10_000)
    assert today["total"]["net_micro_usd"] == 250 - 50_000
    assert {row["name"]: row["rent_micro_usd"] for row in today["rows"]} == {"api": 0, "gpu": 40_000}
    assert sum(row["net_micro_usd"] for row in today["rows"]) == 250 - 40_000


async def test_rent_in_which_units_worked_is_shared_by_tokens(plane, settle, rent):
    await settle(GPU, usage=Usage(input=300, output=0))
    await settle(Cell("gpu", "local", "chat", "sales", "bot"), usage=Usage(input=90, output=10))
    await rent({"busy": 40_000, "idle": 10_000})
    found = await spend(plane, "?by=team")
    assert {row["name"]: row["rent_micro_usd"] for row in found["rows"]} == {"search": 30_000, "sales": 10_000}
    sales = await spend(plane, "?by=model&team=sales")
    assert (sales["total"]["rent_micro_usd"], sales["rent_unused_micro_usd"]) == (10_000, None)


async def test_without_a_cloud_price_there_is_none(plane, settle):
    await settle(GPU, eligible=False)
    total = (await spend(plane))["total"]
    assert (total["cloud_alone_micro_usd"], total["not_bought_micro_usd"], total["net_micro_usd"]) == (None,) * 3


async def test_what_could_not_leave_is_told_by_itself(plane, settle, rent):
    await settle(GPU, eligible=False, captive=True, cost=7)
    await settle(GPU, counterfactual=250)
    await rent({"busy": 40_000})
    found = await spend(plane)
    assert found["could_not_leave"] == {
        "requests": 1,
        "tokens": 107,
        "cost_micro_usd": 7,
        "rent_micro_usd": 20_000,
    }
    assert (found["total"]["bought_micro_usd"], found["total"]["cloud_alone_micro_usd"]) == (0, 250)


async def test_a_gateway_without_traffic_has_paid_nothing_that_it_knows_of(plane):
    nothing = await spend(plane, "?range=7d")
    assert nothing["total"]["rent_micro_usd"] == 0 and nothing["rows"] == [] and nothing["total"]["requests"] == 0
    assert [point["requests"] for point in nothing["series"]] == [0] * 7


@pytest.mark.parametrize(
    ("query", "first", "requests"),
    [
        ("?range=today", "2026-11-25", 2),
        ("?range=7d", "2026-11-19", 2),
        ("?range=30d", "2026-10-27", 3),
        ("?range=month", "2026-11-01", 3),
        ("?from=2026-11-17&to=2026-11-17", "2026-11-17", 1),
        ("?from=2026-11-17", "2026-11-17", 3),
    ],
)
async def test_ranges(query, first, requests, plane, traffic):
    answer = await spend(plane, query)
    assert (answer["first"], answer["total"]["requests"]) == (first, requests)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("?from=2026-02-30", "days such as"),
        ("?from=2026-11-26", "not be after"),
        ("?from=2020-01-01", "at most 400 days"),
        ("?to=2026-11-01", "needs a `from`"),
    ],
)
async def test_a_range_that_is_none_is_refused(query, says, plane):
    answer = await plane.get(f"/api/spend{query}")
    assert (answer.status, answer.code) == (400, "bad_range") and says in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("backend", [("api", "cloud", False, 400), ("gpu", "local", True, 0)]),
        ("zone", [("cloud", "cloud", False, 400), ("local", "local", True, 0)]),
        ("model", [("chat", "", False, 400)]),
        ("team", [("search", "", False, 400)]),
        ("key", [("app", "", False, 400)]),
    ],
)
async def test_rows_by_every_dimension_dearest_first(by, rows, plane, traffic):
    found = (await spend(plane, f"?by={by}"))["rows"]
    assert [(row["name"], row["zone"], row["local"], row["cost_micro_usd"]) for row in found] == rows
    assert sum(row["local_tokens"] for row in found) == 107


async def test_filters_meet(plane, settle):
    await settle(GPU, counterfactual=1)
    await settle(Cell("api", "cloud", "chat", "sales", "app"), cost=10)
    await settle(Cell("api", "cloud", "embed", "sales", "other"), cost=100)
    for query, cost, requests in (
        ("team=sales", 110, 2),
        ("team=sales&model=embed", 100, 1),
        ("key=app", 10, 2),
        ("zone=local", 0, 1),
        ("backend=api&model=chat", 10, 1),
        ("team=nobody", 0, 0),
        ("team=sales&team=search", 110, 3),
        ("team=sales&team=search&team=sales&key=app", 10, 2),
        ("team=sales&team=nobody&model=embed", 100, 1),
    ):
        answer = await spend(plane, f"?{query}")
        assert (answer["total"]["cost_micro_usd"], answer["total"]["requests"]) == (cost, requests), query
        assert sum(point["requests"] for point in answer["series"]) == requests
        assert answer["rent_unused_micro_usd"] is None


async def test_the_series_of_a_few_days_is_hourly(plane, traffic):
    answer = await spend(plane)
    assert answer["step"] == "hour" and len(answer["series"]) == 13  # 00 to 12, the hour that has just begun
    assert [point["at"] for point in answer["series"][:2]] == [MIDNIGHT, MIDNIGHT + 3600]
    last = answer["series"][-1]
    assert (last["local_tokens"], last["cloud_tokens"], last["requests"], last["cloud_alone_micro_usd"]) == (
        107,
        210,
        2,
        650,
    )


async def test_the_series_of_many_days_is_daily(plane, traffic):
    answer = await spend(plane, "?range=30d")
    assert answer["step"] == "day" and len(answer["series"]) == 30
    assert answer["series"][-1]["day"] == "2026-11-25" and answer["series"][-9]["cost_micro_usd"] == 1000


async def test_the_month_is_forecast_from_its_days_since_traffic_began(plane, traffic, rent):
    await rent({"busy": 40_000}, "2026-11-24")
    forecast = (await spend(plane, "?range=month"))["forecast"]
    assert forecast["day"] == "2026-11-30"
    assert forecast["bought_micro_usd"] == 1400 + 1000 / 8 * 5.5  # eight days are over, and five and a half left
    assert forecast["rent_micro_usd"] == 40_000 + 40_000 / 8 * 5.5
    assert forecast["net_low_micro_usd"] < forecast["net_micro_usd"] < forecast["net_high_micro_usd"]
    assert (await spend(plane, "?range=30d"))["forecast"] is None


async def test_the_lines_to_draw(plane):
    lines = (await spend(plane))["lines"]
    assert lines["threshold_tokens_per_day"] == 500_000
    assert lines["break_even_tokens_per_day"] == pytest.approx(24 / 1.25e-6)
    assert lines["capacity_tokens_per_day"] == 86_400_000


async def test_names_to_choose_from_are_the_policys_at_first(plane):
    assert (await spend(plane))["choices"] == {
        "backends": ["gpu", "api"],
        "zones": ["local", "cloud"],
        "models": ["chat"],
        "teams": ["search"],
        "keys": ["app"],
    }


async def test_names_to_choose_from_are_also_those_that_were_counted(plane, settle):
    await settle(Cell("old", "eu", "best", "sales", "bot"), NOON - 10 * DAY)
    await settle(Cell("api", "cloud", "embed", "research", "notebooks"))
    for query in ("?range=30d", "?range=30d&team=search"):
        assert (await spend(plane, query))["choices"] == {
            "backends": ["gpu", "api", "old"],
            "zones": ["local", "cloud", "eu"],
            "models": ["chat", "best", "embed"],
            "teams": ["search", "research", "sales"],
            "keys": ["app", "bot", "notebooks"],
        }


async def test_names_are_text_whatever_is_in_them(plane, settle):
    await settle(Cell("api", "cloud", MARKUP, MARKUP, MARKUP), cost=1)
    answer = await plane.get("/api/spend?by=model")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json["rows"][0]["name"] == MARKUP
    assert (await spend(plane, "?model=%3Cimg%20src=x%20onerror=alert(1)%3E"))["total"]["cost_micro_usd"] == 1


async def test_rows_as_csv(plane, traffic, settle):
    await settle(Cell("api", "cloud", "chat", "search", '=cmd("x"),1'), cost=1)
    answer = await plane.get("/api/spend?by=key&format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="breakeven-key-2026-11-25-2026-11-25.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert [(row["key"], row["cost_micro_usd"]) for row in rows] == [("app", "400"), ('\'=cmd("x"),1', "1")]
    assert [(row["cost_usd"], row["net_usd"]) for row in rows] == [
        ("0.000400000", "0.000250000"),
        ("0.000001000", "0.000000000"),
    ]


async def test_a_lost_ledger_is_said(start, settings):
    plane = await start(given=msgspec.structs.replace(settings, redis="unix:///nowhere/valkey.sock"))
    answer = await plane.get("/api/spend")
    assert (answer.status, answer.code) == (503, "ledger_unavailable") and answer.headers["retry-after"] == "5"


@pytest.fixture
def ninety_days(valkey) -> int:
    """50 keys in 7 teams use 10 models on two backends, in each hour; answers how many requests a day has."""
    figures = msgspec.msgpack.encode([1000, 1, 2_000_000, 300_000, 400_000, 5_000_000, 6_000_000, 0, 0, 0])
    cells = {
        pack_cell(Cell(backend, zone, f"model-{n % 10}", f"team-{n // 10 % 7}", f"application-{n // 10}")): figures
        for n in range(500)
        for backend, zone in (("gpu", "local"), ("api", "cloud"))
    }
    with valkey.pipeline() as pipe:
        pipe.set("be:{ledger}:timezone", "Europe/Berlin")
        for n in range(90):
            day = date(2026, 11, 25) - timedelta(days=n)
            pipe.hset(f"be:{{ledger}}:day:{day}", mapping=cells)
            pipe.expire(f"be:{{ledger}}:day:{day}", 86_400 * (400 - n))
        for hour in range(24):
            pipe.hset(f"be:{{ledger}}:hour:{int(NOON) // 3600 - hour}", mapping=cells)
        pipe.execute()
    return 1_000_000


@pytest.mark.parametrize(
    ("query", "rows", "share"),
    [
        ("", 2, 1),
        ("by=backend", 2, 90),
        ("by=model", 10, 90),
        ("by=team", 7, 90),
        ("by=key", 50, 90),
        ("by=key&team=team-3", 7, 90 * 7 / 50),
        ("by=backend&model=model-3", 2, 9),
        ("by=model&team=team-3&backend=api", 10, 90 * 7 / 100),
        ("by=model&key=application-7", 10, 90 / 50),
        ("by=key&model=model-3", 50, 9),
    ],
)
async def test_ninety_days_of_fifty_keys_and_ten_models_are_less_than_a_megabyte(
    query, rows, share, plane, ninety_days, valkey
):
    taken = [valkey.info("stats")["total_net_output_bytes"]]
    for _ in range(2):  # the second time from what was kept, which mostly is there before anybody asks
        answer = await spend(plane, f"?from=2026-08-28&{query}" if query else "")
        taken.append(valkey.info("stats")["total_net_output_bytes"])
    first, then = (after - before for before, after in pairwise(taken))
    # By three dimensions of which nothing is kept, 3 % more travel the first time.
    assert first < (1_100_000 if query == "by=model&team=team-3&backend=api" else 1_000_000) and then < 1_000_000
    assert len(answer["rows"]) == rows
    assert answer["total"]["requests"] == pytest.approx(ninety_days * share)
    assert sum(point["requests"] for point in answer["series"]) == answer["total"]["requests"] or not query


async def test_what_was_added_up_is_kept_as_long_as_its_day(plane, ninety_days, valkey):
    first = await spend(plane, "?from=2026-08-28&by=key")
    kept = sorted(key.decode() for key in valkey.keys("be:{ledger}:summed:2*"))
    assert (kept[0], kept[-1]) == ("be:{ledger}:summed:2026-08-28", "be:{ledger}:summed:2026-11-24")
    assert abs(valkey.ttl(kept[0]) - valkey.ttl("be:{ledger}:day:2026-08-28")) <= 1
    assert await spend(plane, "?from=2026-08-28&by=key") == first


async def test_a_late_correction_of_a_past_day_shows(plane, settle, valkey):
    await settle(API, NOON - 8 * DAY, cost=1000)
    assert (await spend(plane, "?range=30d"))["total"]["cost_micro_usd"] == 1000
    assert valkey.exists("be:{ledger}:summed:2026-11-17")
    await settle(API, NOON - 8 * DAY, cost=10, held=False)
    assert (await spend(plane, "?range=30d"))["total"]["cost_micro_usd"] == 1010


async def test_a_name_that_nothing_has_is_told(plane, traffic):
    assert (await spend(plane, "?team=search"))["unknown"] == []
    [told] = (await spend(plane, "?team=saerch"))["unknown"]
    assert told.startswith('no policy, no stored key and nothing that was counted in these days has the team "saerch"')
    assert 'did you mean "search"? there are: search' in told
    assert len((await spend(plane, "?team=saerch&team=search&team=lgeal"))["unknown"]) == 2


async def test_several_teams_are_named_and_a_key_that_two_of_them_have_is_one_row(plane, settle):
    for team in ("search", "sales", "legal"):
        await settle(Cell("api", "cloud", "chat", team, "app"), NOON - 8 * DAY, cost=100)
        await settle(Cell("api", "cloud", "chat", team, f"of-{team}"), cost=10)
    for query in ("range=30d&", "range=30d&"):  # the second time from what was kept
        found = await spend(plane, f"?{query}by=key&team=search&team=legal")
        rows = {row["name"]: row["cost_micro_usd"] for row in found["rows"]}
        assert rows == {"app": 200, "of-search": 10, "of-legal": 10}
        assert found["teams"] == ["legal", "search"] and found["total"]["cost_micro_usd"] == 220


@pytest.fixture
async def told(start, policy, session_valkey, settle):
    """A policy that keeps two dimensions, and three requests, one of them of another team."""
    policy.write_text(f"{POLICY}\nledger: {{dimensions: [user, metadata.project]}}\n")
    plane = await start(Sources(records=LedgerRecords(session_valkey)))
    for user, cell, cost in (("u-1", API, 400), ("u-2", API, 300), ("u-1", GPU, 0)):
        course = RequestOutcome("r", tags=("phi",), dimensions=(f"user={user}", f"metadata.project=of {user}"))
        await settle(cell, cost=cost, course=course)
    await settle(Cell("api", "cloud", "chat", "sales", "bot"), cost=50)
    return plane


async def test_rows_by_what_records_keep_come_to_the_same_as_the_totals(told, rent):
    await rent({"busy": 40_000, "idle": 10_000})
    for by, names in (
        ("user", {"u-1": 400, "u-2": 300, "(no user)": 50}),
        ("metadata.project", {"of u-1": 400, "of u-2": 300, "(no metadata.project)": 50}),
        ("tag", {"phi": 700, "(no tag)": 50}),
    ):
        found = await spend(told, f"?by={by}")
        assert {row["name"]: row["cost_micro_usd"] for row in found["rows"]} == names
        assert sum(row["rent_micro_usd"] for row in found["rows"]) == 40_000
        assert found["total"]["cost_micro_usd"] == 750 and found["dimensions"] == ["user", "metadata.project"]
        assert found["notes"][0].lower().startswith(("users are", "values of metadata.project are", "tags are"))


async def test_rows_by_user_can_be_of_one_team(told):
    found = await spend(told, "?by=user&team=sales")
    assert {row["name"]: row["cost_micro_usd"] for row in found["rows"]} == {"(no user)": 50}
    found = await spend(told, "?by=user&team=sales&team=search")
    assert {row["name"]: row["cost_micro_usd"] for row in found["rows"]} == {"u-1": 400, "u-2": 300, "(no user)": 50}
    answer = await told.get("/api/spend?by=user&team=search&format=csv")
    assert [line.split(",")[0] for line in answer.body.decode().splitlines()] == ["user", "u-1", "u-2"]


async def test_by_what_nothing_is_told_apart_by_is_refused(plane):
    assert (await plane.get("/api/spend?by=colour")).code == "bad_query"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("spend?by=nope", "the address says by=nope, which it cannot be"),
        ("requests?status=abc", "the address says status=abc, which it cannot be: it is a whole number"),
        ("keys?offset=-5", "the address says offset=-5, which it cannot be: it is a whole number from 0 on"),
    ],
)
async def test_an_address_that_cannot_be_read_says_so_in_words(plane, path, said):
    message = (await plane.get(f"/api/{path}")).json["error"]["message"]
    assert message.startswith(said) and "`$" not in message
