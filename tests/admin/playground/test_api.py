"""Requests that are tried, through a real gateway."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from support.control import ADMIN, VIEWER
from support.scripted import DONE, answer, event, silence, stream, usage_event
from support.waiting import until

from router.admin.errors import ApiError
from router.admin.handler_context import HandlerRequest, Who
from router.admin.playground.api import attempt, offered
from router.admin.request_types import Attempt
from router.core.audit.entry import read_entry
from router.core.values import Grounds
from router.ledger.redis_keys import AUDIT_KEY

PROMPT = "Where is the Louvre?"


async def test_an_answer_comes_event_by_event_with_where_it_ran_and_what_it_cost(trying):
    tried = await trying()
    tried.backends["gpu"].default = stream(event("In "), event("Paris."), event(None, "stop"), usage_event(), DONE)
    head, *middle, end = await tried.lines()
    assert {name: head["answered"][name] for name in ("status", "backend", "zone", "level", "reason")} == {
        "status": 200, "backend": "gpu", "zone": "local", "level": "public", "reason": "local-first",
    }  # fmt: skip
    said = [line["event"]["choices"][0]["delta"].get("content") for line in middle if line["event"]["choices"]]
    assert said == ["In ", "Paris.", None]
    record = end["record"]
    assert (record["key"], record["team"], record["via"]) == ("app", "search", "playground")
    assert (record["input"], record["output"]) == (11, 7) and record["request"] == head["answered"]["request"]
    assert PROMPT not in repr(tried.gateway.ledger.records)


@pytest.mark.parametrize(("side", "backend"), [("own", "gpu"), ("cloud", "api")])
async def test_the_same_can_be_asked_of_either_side(trying, side, backend):
    tried = await trying()
    head, *_ = await tried.lines(side=side)
    assert head["answered"]["backend"] == backend


@pytest.mark.parametrize(
    "attempt",
    [
        {"key": "ward"},
        {"sensitivity": "restricted"},
        {"prompt": "My card is 4111 1111 1111 1111."},
        {
            "body": {
                "model": "chat",
                "messages": [{"role": "user", "content": "hi"}],
                "stream": True,
                "metadata": {"sensitivity": "secret"},
            }
        },
    ],
)
async def test_what_may_not_leave_does_not_whoever_tries_it(trying, attempt):
    tried = await trying()
    head, body, end = await tried.lines(side="cloud", **attempt)
    assert (head["answered"]["status"], head["answered"]["backend"]) == (403, "none")
    assert "zone" in body["body"]["error"]["message"]
    assert end["record"]["kind"] == "refused" and end["record"]["via"] == "playground"
    assert tried.received["api"] == 0
    head, *_ = await tried.lines(side="own", **attempt)
    assert head["answered"]["backend"] == "gpu" and tried.received["api"] == 0


async def test_who_leaves_ends_it_at_the_backend_too(trying):
    tried = await trying()
    tried.backends["gpu"].default = silence()
    running = asyncio.create_task(tried.lines())
    await until(lambda: tried.received["gpu"] == 1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await until(lambda: any(each.detail == "the client left" for each in tried.gateway.ledger.records))


async def test_nothing_that_is_tried_is_kept_and_who_tried_is_noted_without_it(trying, caplog, valkey):
    tried = await trying()
    caplog.set_level(logging.INFO)
    body = {"model": "chat", "messages": [{"role": "user", "content": PROMPT}], "store": True}
    await tried.lines(body=body)
    assert b'"store":false' in tried.backends["gpu"].received.replace(b" ", b"")
    assert PROMPT not in repr([vars(each) for each in caplog.records])
    lines = valkey.lrange(AUDIT_KEY, 0, -1)
    entry = read_entry(lines[-1])
    assert (entry.action, entry.subject, entry.role, entry.new) == (
        "playground.try",
        "app",
        "admin",
        {"endpoint": "chat", "side": ""},
    )
    assert PROMPT.encode() not in b"".join(lines)


async def test_what_cannot_be_noted_is_not_tried(trying, monkeypatch):
    tried = await trying()
    monkeypatch.setattr(tried.plane.control.audit, "_redis", "redis://127.0.0.1:1/0")
    assert await tried.refused() == (503, "audit_unavailable")
    assert tried.received == {"gpu": 0, "api": 0}


async def test_what_others_keep_at_a_backend_cannot_be_named(trying):
    tried = await trying()
    body = {"model": "chat", "input": "Go on", "previous_response_id": "resp_1"}
    assert await tried.refused(endpoint="responses", body=body) == (400, "names_what_is_kept")
    body = {"model": "chat", "input": "Go on", "background": True}
    assert await tried.refused(endpoint="responses", body=body) == (400, "background")


@pytest.mark.parametrize("depth", [900, 990, 1000, 5000, 100_000])
async def test_a_body_that_is_nested_too_deeply_is_refused(trying, depth):
    tried = await trying()
    body = '{"key": "app", "body": {"model": "chat", "a": ' + "[" * depth + "]" * depth + "}}"
    headers = {"content-type": "application/json"}
    answer = await tried.plane.ask("POST", "/api/playground", ADMIN, headers, data=body)
    assert answer.status in (200, 400) if depth < 1000 else (answer.status, answer.code) == (400, "bad_body")


async def test_who_may_try_is_said_by_the_policy(trying):
    tried = await trying("playground: {access: admin, requests_per_minute: 2}")
    assert await tried.refused(VIEWER) == (403, "no_playground")
    told = (await tried.plane.get("/api/playground")).json
    assert not told["allowed"] and "from the role admin on; yours is viewer" in told["why_not"] and told["keys"] == []
    told = (await tried.plane.get("/api/playground", ADMIN)).json
    assert told["allowed"] and told["levels"] == ["public", "restricted"]
    assert told["keys"] == [{"name": "app", "team": "search"}, {"name": "ward", "team": "hospital"}]
    assert told["models"] == ["chat", "gpt-4o-mini"]
    assert [(await tried.lines())[0]["answered"]["status"] for _ in range(2)] == [200, 200]
    assert await tried.refused() == (429, "too_many_requests")


async def test_nobody_may_where_it_is_off_and_the_gateway_knows_no_tickets_then(trying):
    tried = await trying("playground: {access: nobody}")
    assert await tried.refused() == (403, "no_playground")
    assert tried.gateway.state.keyring._tickets.__class__.__name__ == "NoTickets"


async def test_a_key_that_is_not_there_cannot_be_chosen(trying):
    tried = await trying()
    assert await tried.refused(key="root") == (404, "unknown_key")
    assert await tried.refused(prompt="") == (400, "bad_body")


async def test_a_gateway_without_keys_takes_it_as_anybodys(trying):
    tried = await trying(keys="")
    assert (await tried.plane.get("/api/playground", ADMIN)).json["keys"] == [{"name": "anonymous", "team": "default"}]
    head, *_, end = await tried.lines(key="anonymous", side="cloud")
    assert head["answered"]["backend"] == "api" and end["record"]["via"] == "playground"


async def test_a_control_plane_without_a_gateway_says_so(plane):
    told = (await plane.get("/api/playground", ADMIN)).json
    assert told["why_not"] == "this control plane has no gateway beside it"


async def test_an_error_of_a_backend_is_shown_as_clients_see_it(trying):
    tried = await trying()
    error = b'{"error": {"message": "no such voice", "type": "invalid_request_error"}}'
    tried.backends["gpu"].default = answer(400, error)
    head, body, _ = await tried.lines()
    assert head["answered"]["status"] == 400 and body["body"]["error"]["message"] == "no such voice"


async def test_members_may_with_the_keys_of_their_own_teams_where_the_policy_says_so(trying):
    ann = Who("member", None, "10.0.0.9", "ann", frozenset({"search"}))
    tried = await trying("playground: {access: member}")
    told = await offered(tried.plane.control, HandlerRequest(None, ann))
    assert told.allowed and [each.name for each in told.keys] == ["app"]
    with pytest.raises(ApiError) as refused:
        await attempt(tried.plane.control, HandlerRequest(None, ann, body=Attempt("ward", "chat", PROMPT)))
    assert refused.value.answer.error.code == "unknown_key" and tried.received == {"gpu": 0, "api": 0}


async def test_a_name_that_was_another_teams_key_is_the_one_that_works_now(trying):
    tried = await trying("playground: {access: member}\nserver: {stored_keys: true}")
    first = (await tried.plane.post("/api/keys", {"name": "shared", "team": "search"})).json["key"]["id"]
    assert (await tried.plane.post(f"/api/keys/{first}/revoke", {})).status == 200
    assert (await tried.plane.post("/api/keys", {"name": "shared", "team": "legal"})).status == 200
    for who, team, keys in (("ann", "search", ["app"]), ("leo", "legal", ["shared"])):
        told = await offered(
            tried.plane.control,
            HandlerRequest(None, Who("member", None, "10.0.0.9", who, frozenset({team}))),
        )
        assert [(each.name, each.team) for each in told.keys] == [(name, team) for name in keys]


async def test_a_member_is_told_what_came_of_a_request_and_nothing_of_the_whole_gateway(trying):
    tried = await trying("playground: {access: member}")
    cookie, session = tried.plane.control.sessions.open("member", "ann", teams=frozenset({"search"}))
    headers = {"cookie": f"breakeven_session={cookie}", "x-csrf-token": session.csrf}
    body = {"key": "app", "model": "chat", "prompt": PROMPT}
    end = (await tried.plane.post("/api/playground", body, "", headers=headers)).body.splitlines()[-1]
    told = json.loads(end)
    record = told["own_record"]
    assert {name: record[name] for name in ("backend", "zone", "reason", "level", "status", "input", "output")} == {
        "backend": "gpu", "zone": "local", "reason": "local-first", "level": "public", "status": 200, "input": 11,
        "output": 7,
    }  # fmt: skip
    assert {"cost_micro_usd", "duration_ms", "tags"} <= record.keys() and "record" not in told
    assert not {*Grounds.__struct_fields__, "cloud_price_micro_usd_per_token"} & record.keys()
    *_, all_of_it = await tried.lines()
    assert {"seen_input", "states", "candidates"} <= all_of_it["record"].keys() and "own_record" not in all_of_it


async def test_members_may_not_by_default(trying):
    ann = Who("member", None, "10.0.0.9", "ann", frozenset({"search"}))
    tried = await trying()
    assert not (await offered(tried.plane.control, HandlerRequest(None, ann))).allowed


async def test_a_namesake_takes_nobodys_turns(trying):
    tried = await trying("playground: {access: member, requests_per_minute: 1}")
    for subject in ("https://login.example 1", "https://login.example 666"):
        cookie, session = tried.plane.control.sessions.open(
            "member", "ann", subject=subject, teams=frozenset({"search"})
        )
        headers = {"cookie": f"breakeven_session={cookie}", "x-csrf-token": session.csrf}
        body = {"key": "app", "model": "chat", "prompt": PROMPT}
        answers = [(await tried.plane.post("/api/playground", body, "", headers=headers)).status for _ in range(2)]
        assert answers == [200, 429]
