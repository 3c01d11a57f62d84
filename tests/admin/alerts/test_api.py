"""Alerts over HTTP."""

from __future__ import annotations

import msgspec
import pytest
from support.alerting import SECRET, VARIABLE, alerting, observation
from support.control import ADMIN, API, NOON, VIEWER

from router.core.alerts.states import moves
from router.core.audit.entry import read_entry
from router.ledger.audit import open_audit

REPORT = "  report: {day: mon, to: [ops]}\n"


@pytest.fixture
async def plane(start, policy, receiver):
    policy.write_text(alerting(receiver.url, REPORT))
    return await start()


async def fire(book, *seen) -> None:
    look = await book.look()
    made = moves(look.kept, seen, (), look.now, lambda: "c1")
    await book.write(look, [(move, ["ops"]) for move in made])


async def test_what_fires_is_shown_from_both_books(plane):
    await fire(plane.control.alerts.ledger, observation(key="limit|1"), observation(key="limit|2", hold=60))
    await fire(plane.control.alerts.local, observation(key="ledger_lost", condition="ledger_lost", severity="critical"))
    answer = (await plane.get("/api/alerts", VIEWER)).json
    assert answer["on"] and answer["ledger"] == ""
    assert {each["condition"] for each in answer["firing"]} == {"limit", "ledger_lost"}
    assert len(answer["history"]) == 2
    (target,) = answer["targets"]
    assert (target["name"], target["kind"], target["waiting"], target["failures"]) == ("ops", "webhook", 2, 0)
    assert "limit" in target["conditions"] and SECRET not in str(answer)


async def test_while_the_ledger_is_lost_the_rest_is_shown(start, settings, policy, receiver):
    policy.write_text(alerting(receiver.url))
    lost = msgspec.structs.replace(settings, redis="redis://127.0.0.1:1/0")
    plane = await start(None, lost)
    await fire(plane.control.alerts.local, observation(key="ledger_lost", condition="ledger_lost"))
    answer = (await plane.get("/api/alerts")).json
    assert answer["ledger"] and [each["condition"] for each in answer["firing"]] == ["ledger_lost"]
    assert (await plane.get("/api/report")).status == 503


async def test_without_alerts_it_says_so(start):
    plane = await start()
    answer = (await plane.get("/api/alerts")).json
    assert (answer["on"], answer["targets"], answer["firing"]) == (False, [], [])


async def test_the_button_sends_one_message_and_says_how_it_went(plane, receiver):
    receiver.answers = [200, 500]
    assert (await plane.post("/api/alerts/test", {"target": "ops"})).json == {
        "target": "ops",
        "delivered": True,
        "why": "",
    }
    assert receiver.told("test") == ["A test of this target"]
    again = (await plane.post("/api/alerts/test", {"target": "ops"})).json
    assert (again["delivered"], again["why"]) == (False, "answered with 500")
    assert (await plane.post("/api/alerts/test", {"target": "nobody"})).code == "unknown_target"


async def test_who_pressed_it_is_in_the_audit(plane, session_valkey):
    await plane.post("/api/alerts/test", {"target": "ops"})
    async with open_audit(session_valkey) as chain:
        entries = [read_entry(line) async for line in chain.lines()]
    assert [(each.action, each.subject, each.role) for each in entries] == [("alert.test", "ops", "admin")]


async def test_only_admins_may_press_it(plane, receiver):
    assert (await plane.post("/api/alerts/test", {"target": "ops"}, VIEWER)).status == 403
    assert receiver.received == []


async def test_the_week_is_told_with_what_there_is_to_decide(plane, settle):
    await settle(API, NOON - 86_400, cost=30_000_000)
    answer = (await plane.get("/api/report", VIEWER)).json
    assert (answer["first"], answer["last"], answer["sent"]) == ("2026-11-18", "2026-11-24", "mon")
    assert answer["bought_usd"] == 30.0 and answer["teams"][0]["team"] == "search"
    assert answer["decide"] == [] and VARIABLE not in str(answer) and ADMIN not in str(answer)


async def test_an_edit_on_the_dashboard_cannot_lead_a_target_into_the_own_network(start, policy, receiver):
    policy.write_text(alerting("https://ops.example.com/x", host="ops.example.com"))
    plane = await start()
    inward = policy.read_text().replace("1s}", "1s, private: true}")
    headers = {"if-match": plane.control.desk.text().text_version}
    refused = await plane.post("/api/policy/apply", {"text": inward}, headers=headers)
    assert refused.status == 422 and "would lead into the own network" in refused.body.decode()
