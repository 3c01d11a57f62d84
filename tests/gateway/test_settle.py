"""What is written down of a request, and what is not."""

from __future__ import annotations

import asyncio
import json
import logging
from hashlib import sha256

import pytest
from support.gateway import POLICY
from support.scripted import DONE, answer, event, usage_event
from support.waiting import until

from router.core.unknown_names import unknown

CARD = "4111111111111111"
ASK = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
CLOUD_ONLY = f'keys: [{{name: app, sha256: "{sha256(b"app").hexdigest()}", zones: [cloud]}}]\n'
KEY = {"authorization": "Bearer app"}


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        ({"model": CARD}, {}, "model_not_found"),
        ({}, {"x-breakeven-sensitivity": CARD}, "egress_denied"),
        ({}, {"x-breakeven-tags": f"phi, {CARD}"}, "egress_denied"),
        ({"metadata": {"sensitivity": CARD, "tags": [CARD]}}, {}, "egress_denied"),
    ],
)
async def test_names_that_clients_choose_are_not_written_down(serve, caplog, body, headers, code):
    caplog.set_level(logging.DEBUG)
    gateway = await serve(POLICY + CLOUD_ONLY)
    status, _, answered = await gateway.post(ASK | body, KEY | headers)
    assert (status >= 400, json.loads(answered)["error"]["code"]) == (True, code)
    [record] = gateway.ledger.records
    assert (record.reason, bool(record.detail)) == (code, True)
    assert CARD not in repr(record)
    assert CARD not in repr([vars(line) for line in caplog.records])


async def test_an_unknown_model_can_still_be_told_from_another(serve):
    gateway = await serve()
    _, _, answered = await gateway.post(ASK | {"model": "gpt-99"})
    assert "'gpt-99'" in json.loads(answered)["error"]["message"]
    [record] = gateway.ledger.records
    assert record.model == unknown("gpt-99") and unknown("gpt-99") in record.detail


async def test_without_a_sensitivity_section_tags_are_digests(serve):
    policy = POLICY[: POLICY.index("sensitivity:")] + POLICY[POLICY.index("cost: {strategy") :]
    gateway = await serve(policy)
    assert (await gateway.post(ASK, {"x-breakeven-tags": CARD}))[0] == 200
    [record] = gateway.ledger.records
    assert record.tags == (unknown(CARD),)


async def test_a_request_that_met_only_resting_backends_is_released_and_written_down_as_refused(serve, backends):
    gateway = await serve(POLICY.replace("backoff: 1ms", "backoff: 1ms, max_rest: 0s"))
    restricted = ASK | {"metadata": {"sensitivity": "restricted"}}
    backends["gpu"].default = answer(429, b"{}", "retry-after: 9\r\n")
    await gateway.post(restricted)
    await gateway.post(restricted)
    tried, refused = gateway.ledger.records
    assert (tried.kind, tried.status, tried.attempts) == ("settled", 429, 1)
    assert (refused.kind, refused.status, refused.reason) == ("refused", 429, "rate_limit_exceeded")
    assert not gateway.ledger.holds


@pytest.mark.parametrize(
    ("events", "status", "detail"),
    [
        ((event("Paris."), event(None, "stop"), usage_event(), DONE), 200, ""),
        ((event("Paris."), event(None, "stop")), 200, ""),
        ((event("Paris."),), 0, "the client left"),
    ],
)
async def test_a_client_that_has_its_whole_answer_need_not_wait_for_the_streams_end(
    gateway, backends, events, status, detail
):
    async def says_all_and_keeps_the_stream_open(reader, writer, request):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + b"".join(events))
        await reader.read()

    backends["gpu"].default = says_all_and_keeps_the_stream_open
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    body = json.dumps(ASK | {"stream": True, "stream_options": {"include_usage": True}}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    received = b""
    while events[-1] not in received:
        received += await asyncio.wait_for(reader.read(65536), 30)
    writer.close()
    await until(lambda: gateway.ledger.records)
    [record] = gateway.ledger.records
    assert (record.status, record.detail) == (status, detail)
