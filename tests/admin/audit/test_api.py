"""GET /api/audit: a page of entries, searched, and all of it as it is kept."""

from __future__ import annotations

import pytest
from support.audited import anchor_of, chain, checked, note, receipt_note, record_line
from support.control import ADMIN, VIEWER

from router.admin.audit import api
from router.core.audit.entry import Actor
from router.ledger.redis_keys import AUDIT_KEY

BOB = Actor("bob", "", "command", "host7")
LINES = chain(
    [
        note("gpu", old={"order": "auto"}, new={"order": "on"}),
        receipt_note(record_line()),
        note("app", "key.revoke", actor=BOB),
        *(note(f"unit-{number}") for number in range(4)),
    ]
)


@pytest.fixture
async def audited(plane, valkey):
    valkey.rpush(AUDIT_KEY, *LINES)
    return plane


async def numbers(plane, query: str = "") -> list[int]:
    answer = await plane.get(f"/api/audit{query}", ADMIN)
    assert answer.status == 200, answer.body
    return [each["entry"]["seq"] for each in answer.json["entries"]]


async def test_latest_first_with_what_changed_and_the_anchor(audited):
    answer = (await audited.get("/api/audit", ADMIN)).json
    assert [each["entry"]["seq"] for each in answer["entries"]] == [7, 6, 5, 4, 3, 1]
    assert answer["entries"][-1]["summary"] == "order: auto -> on"
    assert (answer["total"], answer["before"], answer["anchor"]) == (7, None, str(anchor_of(LINES)))
    assert answer["actions"]["key.revoke"] == "a client key was ended"


async def test_page_by_page_comes_all_of_it_once(audited):
    found, before = [], ""
    while True:
        answer = (await audited.get(f"/api/audit?limit=2&receipts=true{before}", ADMIN)).json
        found += [each["entry"]["seq"] for each in answer["entries"]]
        if answer["before"] is None:
            break
        before = f"&before={answer['before']}"
    assert found == [7, 6, 5, 4, 3, 2, 1]


async def test_a_search(audited):
    assert await numbers(audited, "?who=BOB") == [3]
    assert await numbers(audited, "?action=key") == await numbers(audited, "?action=key.revoke") == [3]
    assert await numbers(audited, "?subject=unit&limit=1") == [7]
    assert await numbers(audited, "?text=auto") == [1]
    assert await numbers(audited, "?action=egress.receipt") == [2]


async def test_a_page_looks_at_so_many_and_says_from_where_to_go_on(audited, monkeypatch):
    monkeypatch.setattr(api, "LOOK_AT", 3)
    answer = (await audited.get("/api/audit?text=auto", ADMIN)).json
    assert (answer["entries"], answer["before"]) == ([], 4)
    answer = (await audited.get("/api/audit?text=auto&before=4", ADMIN)).json
    assert (answer["entries"], answer["before"]) == ([], 1)
    assert await numbers(audited, "?text=auto&before=1") == [1]


async def test_what_is_no_entry_is_told(audited, valkey):
    valkey.rpush(AUDIT_KEY, "broken")
    answer = (await audited.get("/api/audit", ADMIN)).json
    assert (answer["unreadable"], answer["total"], answer["anchor"]) == (1, 8, "")


async def test_without_entries(plane):
    answer = (await plane.get("/api/audit", ADMIN)).json
    assert (answer["entries"], answer["before"], answer["total"], answer["anchor"]) == ([], None, 0, "")
    assert (await plane.get("/api/audit/export", ADMIN)).body == b""


async def test_all_of_it_is_what_is_kept_byte_for_byte(audited, monkeypatch):
    answer = await audited.get("/api/audit/export", ADMIN)
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.jsonl"'
    assert answer.body == b"".join(line + b"\n" for line in LINES)
    assert checked(answer.body.splitlines(), anchor_of(LINES)) == []


async def test_people_are_in_it_so_it_is_for_admins(audited):
    assert (await audited.get("/api/audit", VIEWER)).status == 403
    assert (await audited.get("/api/audit/export", VIEWER)).status == 403


async def test_a_ledger_that_is_lost_says_so(plane, valkey):
    valkey.set(AUDIT_KEY, "something else")
    assert (await plane.get("/api/audit", ADMIN)).code == "ledger_unavailable"
    assert (await plane.get("/api/audit/export", ADMIN)).code == "ledger_unavailable"
