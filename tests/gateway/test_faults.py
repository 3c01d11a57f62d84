"""Every way a backend can fail, for a request that may go elsewhere and for one that may not."""

from __future__ import annotations

import json

import pytest
from support.gateway import POLICY
from support.scripted import DONE, answer, completion, event, raw, silence, stream

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
RESTRICTED = {"model": "chat", "messages": [{"role": "user", "content": "card 4111 1111 1111 1111"}]}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"

BEFORE_THE_ANSWER = {
    "reset before the head": raw(b""),
    "silence": silence(),
    "garbage": raw(b"\x00\x01\x02 this is not HTTP\r\n\r\n"),
    "a header bomb": raw(b"HTTP/1.1 200 OK\r\nx-bomb: " + b"x" * 100_000 + b"\r\n\r\n"),
    "a body shorter than announced": raw(HEAD + b"content-length: 500\r\n\r\n{}"),
    "a body that never comes": raw(HEAD + b"content-length: 500\r\n\r\n", close=False),
    "a chunk cut off": raw(HEAD + b"transfer-encoding: chunked\r\n\r\nff\r\n{}"),
    "a chunk with a bad size": raw(HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    "an empty stream": stream(),
    "a stream that begins with an error": stream(b'data: {"error":{"message":"no"}}\n\n'),
    "a stream that begins with garbage": stream(b"data: <html>\n\n"),
    "429 without a time": answer(429, b"{}"),
    "429 with a time": answer(429, b"{}", "retry-after: 7\r\n"),
    "500": answer(500, b"{}"),
    "502": answer(502, b"<html>bad gateway</html>"),
    "503": answer(503, b"{}"),
    "504": answer(504, b"{}"),
    "529": answer(529, b"{}"),
    "our key refused": answer(401, b"{}"),
    "our bill": answer(402, b"{}"),
    "our key refused in other words": answer(403, b'{"error":{"code":"permission_denied"}}'),
    "forbidden by who knows whom": answer(403, b"<html>Forbidden</html>"),
    "our quota": answer(429, b'{"error":{"message":"You exceeded your quota","code":"insufficient_quota"}}'),
    "a model that it does not know": answer(404, b'{"error":{"code":"model_not_found","message":"no such model"}}'),
    "a page that does not exist": answer(404, b"<html>Not Found</html>"),
    "200 with an error": answer(200, b'{"error":{"message":"no"}}'),
    "200 with a page": answer(200, b"<html>hello</html>"),
    "200 with nothing": answer(200, b""),
    "200 with half an answer": answer(200, completion()[:50]),
    "204": raw(b"HTTP/1.1 204 No Content\r\n\r\n", close=False),
    "a stream that ends in its first event": stream(event("Par")[:-1]),
    "a stream of comments": stream(b": ping\n\n", b": ping\n\n"),
    "a stream of nothing but its end": stream(DONE),
    "a redirect": answer(302, b"", "location: https://elsewhere.example/\r\n"),
}


@pytest.mark.parametrize("fault", BEFORE_THE_ANSWER.values(), ids=BEFORE_THE_ANSWER.keys())
async def test_a_failure_before_the_answer_is_not_seen_by_a_client_that_may_go_elsewhere(gateway, backends, fault):
    backends["gpu"].default = fault
    status, headers, body = await gateway.post(ASK)
    assert (status, body) == (200, completion())
    assert headers["x-breakeven-backend"] == "api"
    row, *failed = gateway.rows()
    assert (row.cell.backend, row.requests, row.errors) == ("api", 1, 0)
    assert [(each.cell.backend, each.requests, each.errors) for each in failed] in ([], [("gpu", 0, 0)])
    assert not gateway.ledger.holds


@pytest.mark.parametrize("fault", BEFORE_THE_ANSWER.values(), ids=BEFORE_THE_ANSWER.keys())
async def test_a_restricted_request_is_never_sent_elsewhere(serve, backends, fault):
    gateway = await serve(POLICY.replace("deadline: 5s", "deadline: 900ms"))
    backends["gpu"].default = fault
    status, headers, said = await gateway.post(RESTRICTED)
    passes = status == 429 and b"insufficient_quota" not in said
    assert status >= 300 and headers["x-should-retry"] == ("true" if passes else "false")
    assert ("retry-after" in headers) == passes
    assert not backends["api"].received
    assert not gateway.ledger.holds
    [row] = gateway.rows()
    assert (row.requests, row.errors) == (1, 1)
    assert [record.output for record in gateway.ledger.records if record.kind == "settled"] == [0]


async def test_refused_connections_fail_over(gateway, backends):
    await backends["gpu"].stop()
    status, headers, _ = await gateway.post(ASK)
    assert (status, headers["x-breakeven-backend"]) == (200, "api")
    assert headers["x-breakeven-reason"] == "failover from gpu: connection refused"


async def test_a_backend_that_keeps_failing_is_left_alone_after_five_times(gateway, backends):
    backends["gpu"].default = answer(500, b"{}")
    for _ in range(8):
        assert (await gateway.post(ASK))[0] == 200
    assert len(backends["gpu"].requests) == 5


MID_STREAM = {
    "a reset": stream(event("Pa"), ends=False),
    "an end without [DONE]": stream(event("Pa")),
    "half an event": stream(event("Pa"), event("ris")[:20]),
    "silence": raw(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        + b"%x\r\n%b\r\n" % (len(event("Pa")), event("Pa")),
        close=False,
    ),
}


@pytest.mark.parametrize("fault", MID_STREAM.values(), ids=MID_STREAM.keys())
async def test_a_stream_that_fails_half_way_never_looks_complete(gateway, backends, fault):
    backends["gpu"].default = fault
    status, _, body = await gateway.post(ASK | {"stream": True})
    assert status == 200 and body.startswith(event("Pa"))
    assert b"[DONE]" not in body
    last = body.rstrip(b"\n").rpartition(b"\n\n")[2]
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "upstream_stream_broken"
    assert not backends["api"].requests
    [row] = gateway.rows()
    assert (row.errors, row.estimated) == (1, 1)


async def test_an_error_event_of_the_backend_is_handed_on_once(gateway, backends):
    failure = b'data: {"error":{"message":"CUDA out of memory"}}\n\n'
    backends["gpu"].default = stream(event("Pa"), failure)
    _, _, body = await gateway.post(ASK | {"stream": True})
    assert body == event("Pa") + failure


async def test_a_stream_of_one_byte_at_a_time(gateway, backends):
    whole = event("Paris", "stop") + DONE
    backends["gpu"].default = stream(*[whole[i : i + 1] for i in range(len(whole))])
    _, _, body = await gateway.post(ASK | {"stream": True})
    assert body == whole


async def test_bytes_after_an_answer_are_not_taken_for_the_next_one(gateway, backends):
    smuggled = HEAD + b"content-length: 2\r\n\r\n{}" + HEAD + b"content-length: 4\r\n\r\nevil"
    backends["gpu"].script.append(raw(smuggled, close=False))
    await gateway.post(ASK)
    _, _, body = await gateway.post(ASK)
    assert body == completion()


async def test_an_idle_connection_that_the_backend_closed_is_no_failure(gateway, backends):
    await gateway.post(ASK)
    for writer in list(backends["gpu"].writers):
        writer.transport.abort()
    status, headers, _ = await gateway.post(ASK)
    assert (status, headers["x-breakeven-backend"]) == (200, "gpu")


async def test_half_a_character_in_an_answer_passes_as_it_came(gateway, backends):
    half = completion("Paris X").replace(b"X", b"\\ud83d")
    backends["gpu"].default = answer(200, half)
    status, headers, body = await gateway.post(ASK)
    assert (status, body, headers["x-breakeven-backend"]) == (200, half, "gpu")
    assert gateway.rows()[0].estimated == 0
