"""A request's grounds are those of its last decision."""

from __future__ import annotations

from support.compiled import interpreted_only
from support.scripted import answer, completion

from router.core.values import NO_GROUNDS
from router.gateway.context import RequestContext

ASK = {"model": "chat", "max_tokens": 50, "messages": [{"role": "user", "content": "hello there"}]}


async def test_a_record_has_the_grounds_of_its_decision(gateway, backends):
    backends["gpu"].default = answer(200, completion())
    assert (await gateway.post(ASK, {"x-breakeven-quality": "0"}))[0] == 200
    [record] = gateway.ledger.records
    assert (record.policy, record.candidates, record.side) == (gateway.state.plan.version, ("gpu", "api"), "local")
    assert (record.max_output_tokens, record.previous, record.waits, record.decided) == (50, "cloud", False, "")
    assert 0 < record.estimated_input < 100


async def test_what_came_after_the_decision_leaves_its_reason_beside(gateway, backends):
    backends["gpu"].default = answer(500, b"{}")
    assert (await gateway.post(ASK))[0] == 200
    [record] = [each for each in gateway.ledger.records if each.kind == "settled"]
    assert record.reason.startswith("failover from gpu") and record.decided == "local-first"


@interpreted_only
def test_what_was_not_decided_has_no_grounds():
    empty = dict.fromkeys(("surface", "serving", "key", "keyring", "body", "reading", "facts", "request"))
    context = RequestContext(**empty, at=0.0, arrived=0.0, deadline=0.0, states={})
    assert context.grounds("kept-there") is NO_GROUNDS
