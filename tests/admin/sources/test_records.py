"""Request records, page by page."""

from __future__ import annotations

import msgspec
import pytest
from support.control import API, GPU, NOON
from support.recorded import settled, write

from router.admin.sources.interface import Sources
from router.admin.sources.records import AT_FIRST, LedgerRecords
from router.core.values import Cell, Grounds, RequestOutcome
from router.ledger.record import Record, batch_blob, pack_refused

STREAM = "be:{ledger}:requests"


@pytest.fixture
async def plane(start, session_valkey):
    return await start(Sources(records=LedgerRecords(session_valkey)))


@pytest.fixture
def refuse(valkey):
    def write(request: str, reason: str = "egress_denied") -> None:
        packed = pack_refused(
            at=NOON,
            key="app",
            team="search",
            model="chat",
            course=RequestOutcome(reason=reason, status=403, request=request, detail="zone"),
        )
        valkey.xadd(STREAM, {"n": 1, "b": batch_blob([packed])})

    return write


async def page(plane, query: str = "") -> dict:
    answer = await plane.get(f"/api/requests{query}")
    assert answer.status == 200, answer.body
    return answer.json


def ids(page: dict) -> list[str]:
    return [each["request"] for each in page["requests"]]


async def test_a_record_with_everything_that_is_known(plane, settle):
    course = RequestOutcome(
        *("req_1", "public", ("phi",), "cheapest", 200, True, 2, 1500, 20_000, 30_000, "retried", "images"),
        grounds=Grounds(policy="0123456789ab", estimated_input=90, states=("gpu full",), candidates=("api",)),
        dimensions=("user=u-17",),
    )
    await settle(API, cost=400, counterfactual=7, course=course, local=False)
    (record,) = (await page(plane))["requests"]
    assert record.pop("id")
    assert record == {
        "request": "req_1",
        "kind": "settled",
        "at": NOON,
        "key": "app",
        "team": "search",
        "model": "chat",
        "backend": "api",
        "zone": "cloud",
        "level": "public",
        "tags": ["phi"],
        "reason": "cheapest",
        "status": 200,
        "stream": True,
        "attempts": 2,
        "input": 100,
        "cached": 30,
        "cache_write": 0,
        "output": 7,
        "estimated": False,
        "cost_micro_usd": 400,
        "counterfactual_micro_usd": 7,
        "error": False,
        "eligible": True,
        "sent_ms": 1.5,
        "first_byte_ms": 20.0,
        "duration_ms": 30.0,
        "detail": "retried",
        "captive": False,
        "local": False,
        "endpoint": "images",
        "service": "",
        "cache_write_1h": 0,
        "audio_input": 0,
        "audio_cached": 0,
        "audio_output": 0,
        "image_input": 0,
        "image_cached": 0,
        "image_output": 0,
        "sound_ms": 0,
        "characters": 0,
        "images": 0,
        "image_kind": "",
        "searches": 0,
        "policy": "0123456789ab",
        "estimated_input": 90,
        "max_output_tokens": None,
        "seen_input": 0,
        "seen_cached": 0,
        "seen_output": 0,
        "cloud_price": None,
        "previous": "",
        "states": ["gpu full"],
        "side": "",
        "candidates": ["api"],
        "rule": "",
        "decided": "",
        "waits": False,
        "modalities": [],
        "quality_floor": 0.0,
        "answers": 1,
        "fetch": "",
        "pinned": "",
        "uses": [],
        "key_zones": [],
        "listed": [],
        "blocked": [],
        "dimensions": ["user=u-17"],
        "via": "",
    }


async def test_pages_the_latest_first(plane, settle):
    for n in range(5):
        await settle(GPU, course=RequestOutcome(f"r{n}"))
    first = await page(plane, "?limit=2")
    second = await page(plane, f"?limit=2&before={first['before']}")
    third = await page(plane, f"?limit=2&before={second['before']}")
    assert [ids(each) for each in (first, second, third)] == [["r4", "r3"], ["r2", "r1"], ["r0"]]
    assert third["before"] is None and first["available"]


async def test_a_page_that_is_none_is_refused(plane):
    answer = await plane.get("/api/requests?before=yesterday")
    assert (answer.status, answer.code) == (400, "bad_query")


async def test_filters(plane, settle, refuse):
    await settle(GPU, course=RequestOutcome("gpu", "restricted", reason="only-permitted"))
    await settle(API, course=RequestOutcome("api", "public", reason="cheapest"), error=True)
    await settle(Cell("api", "cloud", "embed", "sales", "bot"), course=RequestOutcome("bot", "public"), held=False)
    refuse("no")
    for query, found in (
        ("", ["no", "bot", "api", "gpu"]),
        ("backend=gpu", ["gpu"]),
        ("zone=cloud", ["bot", "api"]),
        ("team=sales", ["bot"]),
        ("key=bot", ["bot"]),
        ("model=chat", ["no", "api", "gpu"]),
        ("level=restricted", ["gpu"]),
        ("reason=permitted", ["gpu"]),
        ("kind=refused", ["no"]),
        ("kind=unheld", ["bot"]),
        ("failed=true", ["no", "api"]),
        ("failed=true&backend=api", ["api"]),
    ):
        assert ids(await page(plane, f"?{query}")) == found, query


async def test_one_is_found_by_either_id(plane, settle, refuse):
    await settle(API, course=RequestOutcome("req_1", "public", reason="threshold-below"))
    refuse("req_2")
    record = (await page(plane))["requests"][1]
    for id in (record["id"], "req_1"):
        told = (await plane.get(f"/api/requests/{id}")).json
        assert told["record"] == record and told["agrees"]
    assert (await plane.get("/api/requests/req_2")).json["record"]["detail"] == "zone"
    assert (await plane.get("/api/requests/req_3")).code == "unknown_request"


async def test_a_settlement_is_found_rather_than_the_charge_that_it_took_back(valkey, session_valkey):
    def record(kind: str) -> bytes:
        return msgspec.msgpack.encode(Record(kind, "01", NOON, "app", "search", "chat", request="r"))

    records = LedgerRecords(session_valkey)
    valkey.xadd(STREAM, {"n": 1, "b": batch_blob([record("held")])})
    assert (await records.find("r")).kind == "held"
    valkey.xadd(STREAM, {"n": 2, "b": batch_blob([record("settled"), record("lifted")])})
    assert (await records.find("01")).kind == "settled"
    assert await records.find("") is None


async def test_only_those_to_one_endpoint(plane, settle):
    for endpoint in ("chat", "images"):
        await settle(API, course=RequestOutcome("r", endpoint=endpoint))
    assert [each["endpoint"] for each in (await page(plane, "?endpoint=images"))["requests"]] == ["images"]


async def test_one_is_searched_for_by_what_is_known_of_it(plane, settle, refuse):
    said = {"dimensions": ("user=u-17", "metadata.project=apollo")}
    await settle(GPU, NOON - 3600, course=RequestOutcome("req_1", tags=("phi", "eu"), status=200, **said))
    await settle(API, course=RequestOutcome("req_22", status=429))
    for query, found in (
        ("id=req_2", ["req_22"]),
        ("tag=eu", ["req_1"]),
        ("tag=e", []),
        ("user=u-17", ["req_1"]),
        ("user=u-1", []),
        ("metadata=project%3Dapollo", ["req_1"]),
        ("status=429", ["req_22"]),
        ("from=2026-11-25T10:30:00Z", ["req_22"]),
        ("to=2026-11-25T10:30:00Z", ["req_1"]),
        ("from=2026-11-25T11:00:00%2B01:00&to=2026-11-25T11:00:00Z", ["req_1"]),
    ):
        assert ids(await page(plane, f"?{query}")) == found, query


@pytest.mark.parametrize("query", ["from=yesterday", "from=2026-11-25T10:30:00", "status=7", "metadata=project", "id="])
async def test_what_cannot_be_searched_for_is_refused(plane, query):
    assert (await plane.get(f"/api/requests?{query}")).code == "bad_query"


async def test_a_search_goes_on_beyond_the_newest_records_and_says_how_far_it_came(plane, valkey):
    old = NOON - 86_400
    write(valkey, [settled(old, 0, API, "", dimensions=("user=u-17",))])
    write(valkey, (settled(NOON, number, API, "") for number in range(1, AT_FIRST + 500)))
    found = await page(plane, "?user=u-17")
    assert ids(found) == ["req_0"]
    assert (found["before"], found["looked_back_to"]) == (None, old)
    late = await page(plane, "?user=u-17&from=2026-11-25T10:00:00Z")
    assert (ids(late), late["before"]) == ([], None)
