"""Records, and the decision behind one."""

from __future__ import annotations

import msgspec
import pytest
from support.control import API, NOON, POLICY

from router.admin.record_type import shown
from router.admin.request_types import RequestsQuery
from router.admin.sources.interface import Page, Sources
from router.core.values import Usage
from router.ledger.record import Record

RECORD = Record(
    kind="settled",
    id="01",
    request="req_1",
    at=NOON,
    key="app",
    team="search",
    model="chat",
    backend="api",
    zone="cloud",
    level="public",
)


class Kept:
    available = True

    def __init__(self, *records: Record, before: str | None = None) -> None:
        self.records = records
        self.before = before
        self.asked: list[RequestsQuery] = []

    async def page(self, query):
        self.asked.append(query)
        return Page(self.records, self.before, NOON)

    def search(self, query):
        """Runs in a process of its own: only what it answers is seen here."""
        return Page([msgspec.structs.replace(RECORD, id=f"{query.limit} from {query.before}")], "07", NOON)

    async def find(self, id):
        return next((each for each in self.records if id in (each.id, each.request)), None)


@pytest.fixture
def detail(start):
    """What is told of one record."""

    async def ask(record: Record, after=lambda plane: None) -> dict:
        plane = await start(Sources(records=Kept(record)))
        after(plane)
        answer = await plane.get(f"/api/requests/{record.request}")
        assert answer.status == 200, answer.body
        return answer.json

    return ask


async def test_a_page_of_records_with_its_filters(start):
    kept = Kept(RECORD)
    plane = await start(Sources(records=kept))
    answer = (await plane.get("/api/requests?team=search&failed=true&limit=7&before=02")).json
    assert answer == {
        "requests": [msgspec.json.decode(msgspec.json.encode(shown(RECORD)))],
        "before": None,
        "available": True,
        "looked_back_to": NOON,
        "dimensions": [],
    }
    assert kept.asked == [RequestsQuery(team=("search",), failed=True, limit=7, before="02")]


async def test_what_the_first_records_do_not_have_is_searched_for_in_all(start, policy):
    policy.write_text(f"{POLICY}\nledger: {{dimensions: [user]}}\n")
    plane = await start(Sources(records=Kept(RECORD, before="00")))
    answer = (await plane.get("/api/requests?user=u-17&limit=7")).json
    assert [each["id"] for each in answer["requests"]] == ["01", "6 from 00"]
    assert (answer["before"], answer["dimensions"]) == ("07", ["user"])
    assert (await plane.get("/api/requests?user=u-17&limit=1")).json["before"] == "00"


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "failed=perhaps", "colour=red", "kind=lost"])
async def test_a_filter_that_is_none_is_refused(query, plane):
    assert (await plane.get(f"/api/requests?{query}")).code == "bad_query"


async def test_no_records_are_kept(plane):
    assert (await plane.get("/api/requests")).json["available"] is False
    assert (await plane.get("/api/requests/01")).code == "unknown_request"


async def test_a_decision_is_explained_as_on_the_command_line(detail):
    told = await detail(RECORD)
    assert told["explanation"]["text"].startswith("model        chat\n")
    assert "kept by cost order" in told["explanation"]["text"]
    assert told["explanation"]["decision"]["request"]["key"] == "app"
    assert told["agrees"] and told["decided_by"] == told["in_force"]
    assert any("healthy" in each for each in told["assumed"])


async def test_a_restricted_request_stays_at_home_in_the_explanation_too(detail):
    told = await detail(msgspec.structs.replace(RECORD, level="restricted", backend="gpu", zone="local"))
    assert told["explanation"]["decision"]["permitted_zones"] == ["local"] and told["agrees"]


async def test_where_the_explanation_ends_elsewhere_it_says_so(detail):
    assert not (await detail(msgspec.structs.replace(RECORD, backend="gpu", zone="local")))["agrees"]


async def test_the_break_even_is_that_of_the_traffic(detail, settle, policy):
    terms = POLICY.replace("strategy: threshold, threshold_tokens_per_day: 500000,", "strategy: breakeven,")
    policy.write_text(terms)
    await settle(API, usage=Usage(input=2_000_000, output=0), cost=18_000_000)
    assert "below the break-even of 2,666,667" in (await detail(RECORD))["explanation"]["text"]


async def test_a_refusal(detail):
    refused = msgspec.structs.replace(RECORD, kind="refused", model="unheard-of", reason="model_not_found", backend="")
    told = await detail(refused)
    assert told["explanation"]["decision"]["outcome"] == "refused" and told["agrees"]


async def test_it_is_explained_by_the_policy_that_decided(detail):
    def edited(plane) -> None:
        plane.policy.write_text(POLICY.replace("strategy: threshold", "strategy: local_first"))
        plane.clock.now += 60
        for _ in range(2):  # a content counts once two looks have seen it
            plane.control.desk.look()

    told = await detail(RECORD, edited)
    assert told["decided_by"] != told["in_force"] and told["agrees"]
    assert told["explanation"]["decision"]["policy"] == told["decided_by"]


async def test_a_record_from_before_the_history_is_explained_by_what_is_in_force(detail):
    told = await detail(msgspec.structs.replace(RECORD, at=NOON - 1e6))
    assert told["decided_by"] == "" and any("not known any more" in each for each in told["assumed"])


async def test_a_key_that_is_gone_is_said(detail):
    told = await detail(msgspec.structs.replace(RECORD, key="revoked"))
    assert any("key is not in the policy" in each for each in told["assumed"])
