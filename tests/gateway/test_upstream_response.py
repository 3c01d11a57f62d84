"""One attempt's response: what is an answer, and what only says so."""

from __future__ import annotations

import asyncio
import json
import tracemalloc

import pytest
from support.compiled import interpreted_only
from support.gateway import POLICY, parse
from support.scripted import DONE, answer, completion, drip, event, raw, stream, usage_event
from support.waiting import until

from router.core.redaction import NOT_SHOWN
from router.core.values import Usage
from router.gateway.held_answers import HeldAnswers
from router.gateway.upstream_response import UpstreamResponse
from router.surfaces.openai.chat import Chat

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
RESTRICTED = {"model": "chat", "messages": [{"role": "user", "content": "card 4111 1111 1111 1111"}]}
ERROR = b'{"error":{"message":"CUDA out of memory","type":"internal_error","code":null}}'

NO_ANSWERS = {
    "an error object": ERROR,
    "an error beside choices": b'{"error":{"message":"no"},"choices":[]}',
    "a page": b"<html><body>Please log in</body></html>",
    "nothing": b"",
    "half of something": completion()[:60],
    "another object": b'{"status":"ok"}',
}


ROOM = POLICY + "server: {max_held_bytes: 500000, max_body_bytes: 300000}\n"


async def test_streams_that_hold_more_than_there_is_room_for_are_ended_and_all_is_let_go(serve, backends):
    gateway = await serve(ROOM)
    begun = b"data: " + b"x" * 150_000
    backends["gpu"].default = stream(event("first"), begun, begun, ends=False)
    status, _, body = await gateway.post(RESTRICTED | {"stream": True})
    assert status == 200 and b"upstream_stream_broken" in body and b"xxx" not in body
    assert gateway.state.answers.bytes == 0
    backends["gpu"].default = stream(event("first"), b"data: " + b"x" * 150_000, event("second", "stop"), DONE)
    await gateway.post(RESTRICTED | {"stream": True})
    assert gateway.state.answers.bytes == 0


async def test_an_answer_without_room_is_asked_for_elsewhere_and_counted_as_one_that_is_too_large(serve, backends):
    gateway = await serve(ROOM)
    backends["gpu"].default = backends["api"].default = answer(200, completion("x" * 300_000))
    status, headers, body = await gateway.post(RESTRICTED)
    error = json.loads(body)["error"]
    assert (status, error["code"], headers["x-should-retry"]) == (503, "too_much_held", "true")
    assert "server.max_held_bytes" in error["message"] and gateway.state.answers.bytes == 0
    backends["api"].default = answer()
    status, headers, body = await gateway.post(ASK)
    assert (status, headers["x-breakeven-backend"]) == (200, "api")
    assert "no room for the answer" in headers["x-breakeven-reason"]
    assert [record.kind for record in gateway.ledger.records].count("attempt") == 2


ENDINGS = {
    "an answer": answer(200, completion("x" * 100_000)),
    "half of one": raw(b"HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n" + b"x" * 100_000),
    "no answer": answer(200, b"x" * 100_000),
    "an error": answer(500, b"x" * 100_000),
    "too large": answer(200, completion("x" * 2_000_000)),
    "a stream": stream(event("x" * 100_000), event(None, "stop"), DONE),
    "half of a stream": stream(event("a"), b"data: " + b"x" * 100_000, ends=False),
}


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
async def test_however_it_ends_nothing_is_counted_for_it_any_more(serve, backends, ending, streams):
    gateway = await serve(POLICY + "server: {max_answer_bytes: 1000000}\n")
    backends["gpu"].default = backends["api"].default = ending
    await gateway.post(ASK | {"stream": streams})
    await until(lambda: not gateway.service.clients)
    assert gateway.state.answers.bytes == 0


@interpreted_only
async def test_of_all_that_is_kept_the_largest_goes_where_there_is_no_room(gateway):
    room, surface, route = HeldAnswers(250_000), Chat(), gateway.state.plan.models["chat"].routes[0]
    loop = asyncio.get_running_loop()

    def opened(kind: bytes, streams: bool):
        reading = surface.read(json.dumps(ASK | {"stream": streams}).encode())
        exchange = UpstreamResponse(loop, surface=surface, reading=reading, route=route, most=10**6, answers=room)
        exchange.on_head(200, [(b"content-type", kind)])
        return exchange

    event_stream = b"text/event-stream"
    one, other, small = opened(event_stream, True), opened(b"application/json", False), opened(event_stream, True)
    one.on_body(b"data: " + b"x" * 194)
    one.on_body(b"x" * 149_800)
    assert room.bytes == 150_000
    small.on_body(b"data: " + b"x" * 59_994)
    other.on_body(b"x" * 99_999)
    assert room.bytes == 249_999 and not small.ready.done(), "little has room, and is not counted"
    other.on_body(b"xx")
    assert "keeps 250,000 bytes" in str(one.ready.exception()) and room.bytes == 100_001
    other.on_end()
    assert room.bytes == 100_001, "until it is written"
    for each in (one, other, small):
        each.abandon()
    assert room.bytes == 0


@interpreted_only
async def test_pieces_of_a_few_bytes_take_no_more_than_they_are(gateway):
    surface = Chat()
    exchange = UpstreamResponse(
        asyncio.get_running_loop(),
        surface=surface,
        reading=surface.read(json.dumps(ASK).encode()),
        route=gateway.state.plan.models["chat"].routes[0],
        most=10**6,
    )
    exchange.on_head(200, [])
    tracemalloc.start()
    for n in range(100_000):
        exchange.on_body(b"%02d" % (n % 100))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 500_000 and exchange.body[:6] == b"000102" and len(exchange.body) == 200_000


@interpreted_only
async def test_of_an_answer_that_is_long_an_outline_is_read_and_the_client_gets_all_of_it(gateway, monkeypatch):
    read = []
    monkeypatch.setattr(Chat, "has_result", lambda self, answer: bool(read.append(len(answer.choices))) or True)
    surface, route = Chat(), gateway.state.plan.models["chat"].routes[0]
    body = completion()[:-1].replace(b'"choices": [', b'"choices": [' + b"{}, " * 100_000) + b"}"
    exchange = UpstreamResponse(
        asyncio.get_running_loop(),
        surface=surface,
        reading=surface.read(json.dumps(ASK).encode()),
        route=route,
        most=1_000_000,
    )
    exchange.on_head(200, [(b"content-type", b"application/json")])
    exchange.on_body(body)
    exchange.on_end()
    assert exchange.ready.done() and exchange.ready.exception() is None and exchange.body == body
    assert 0 < read[0] <= 257 and exchange.usage == surface.usage_of(completion())
    assert len(exchange.outline) < 10_000


async def test_an_event_of_very_many_lines_breaks_the_stream_with_that_reason(gateway, backends, caplog):
    many = b"data:\n" * 20_000 + b"\n"
    backends["gpu"].default = stream(event("first"), many, event("second"), DONE)
    status, _, body = await gateway.post(RESTRICTED | {"stream": True})
    assert status == 200 and b"first" in body and b"second" not in body and many not in body
    assert body.endswith(b"\n\n") and b"upstream_stream_broken" in body
    assert any("has more than 10,000 lines" in str(record.__dict__.get("why")) for record in caplog.records)


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
async def test_what_says_200_and_is_no_answer_is_a_failure(gateway, backends, body, status):
    backends["gpu"].default = answer(status, body)
    for _ in range(6):
        answered, headers, content = await gateway.post(ASK)
        assert (answered, headers["x-breakeven-backend"], content) == (200, "api", completion())
    assert len(backends["gpu"].requests) == 5, "its circuit opened"


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
async def test_what_is_no_answer_is_never_charged_as_one(gateway, backends, body):
    backends["gpu"].default = answer(200, body)
    status, headers, content = await gateway.post(RESTRICTED)
    assert status >= 500 and headers["x-should-retry"] == "false"
    assert "error" in json.loads(content)
    [row] = gateway.rows()
    assert (row.requests, row.errors) == (1, 1)


SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"


@pytest.mark.parametrize(("path", "names"), [("chat/completions", ["error"]), ("messages", ["type", "error"])])
async def test_another_protocol_is_no_answer(gateway, backends, caplog, path, names):
    backends["gpu"].default = raw(SWITCHED + b"\x81\x05hello", close=False)
    status, headers, _ = await gateway.post(ASK, path="/v1/chat/completions")
    assert (status, headers["x-breakeven-backend"]) == (200, "api")
    assert headers["x-breakeven-reason"] == "failover from gpu: answer not understood"
    status, _, body = await gateway.post(RESTRICTED | {"max_tokens": 9}, path=f"/v1/{path}")
    assert status == 503 and set(names) <= set(json.loads(body))
    assert all(record.exc_info is None and "\n" not in record.getMessage() for record in caplog.records)


@interpreted_only
@pytest.mark.parametrize(("encoding", "decodings"), [(b"", 0), (b"identity", 0), (b"gzip", 1)])
async def test_usage_is_read_where_an_answer_is_judged(gateway, encoding, decodings):
    class Counting(Chat):
        decoded = 0

        def usage_of(self, body):
            self.decoded += 1
            return super().usage_of(body)

    surface, route = Counting(), gateway.state.plan.models["chat"].routes[0]
    reading = surface.read(json.dumps(ASK).encode())
    loop = asyncio.get_running_loop()
    answered = UpstreamResponse(loop, surface=surface, reading=reading, route=route, most=10_000)
    answered.on_head(200, [(b"content-type", b"application/json")] + [(b"content-encoding", encoding)] * bool(encoding))
    answered.on_body(completion()[:50])
    answered.on_body(completion()[50:])
    answered.on_end()
    assert (answered.usage, surface.decoded) == (Usage(11, output=7), decodings)


async def test_an_error_that_came_with_status_200_keeps_its_words(gateway, backends):
    backends["gpu"].default = answer(200, ERROR)
    status, headers, body = await gateway.post(RESTRICTED)
    assert (status, headers["content-type"], body) == (502, "application/json", ERROR)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"message": "CUDA out of memory"}, 502),
        ({"message": "Overloaded", "type": "overloaded_error"}, 529),
        ({"message": "no", "code": 503}, 503),
    ],
)
async def test_an_early_error_event_fails_over_and_keeps_its_words_when_it_was_the_last(
    gateway, backends, error, status
):
    backends["gpu"].default = stream(b": hello\n\n", b"data: " + json.dumps({"error": error}).encode() + b"\n\n")
    backends["api"].default = stream(event("Paris", "stop"), DONE)
    answered, headers, _ = await gateway.post(ASK | {"stream": True})
    assert (answered, headers["x-breakeven-backend"]) == (200, "api")
    answered, headers, body = await gateway.post(RESTRICTED | {"stream": True})
    assert (answered, headers["content-type"], json.loads(body)) == (status, "application/json", {"error": error})


async def test_an_early_error_event_about_the_request_is_its_answer(gateway, backends):
    error = {"error": {"message": "max_tokens is too large", "type": "BadRequestError", "code": 400}}
    backends["gpu"].default = stream(b"data: " + json.dumps(error).encode() + b"\n\n", DONE)
    status, _, body = await gateway.post(ASK | {"stream": True})
    assert (status, json.loads(body)) == (400, error)
    assert not backends["api"].requests


async def test_a_refusal_of_content_in_a_stream_is_not_tried_elsewhere(gateway, backends):
    error = {"error": {"message": "Filtered", "code": "content_filter"}}
    backends["gpu"].default = stream(b"data: " + json.dumps(error).encode() + b"\n\n")
    status, _, body = await gateway.post(ASK | {"stream": True})
    assert (status, json.loads(body)) == (400, error)
    assert not backends["api"].requests


async def test_a_stream_of_nothing_but_its_end_is_empty(gateway, backends):
    backends["gpu"].default = stream(DONE)
    backends["api"].default = stream(event("Paris", "stop"), DONE)
    assert (await gateway.post(ASK | {"stream": True}))[1]["x-breakeven-backend"] == "api"


async def received(gateway, body):
    """Every byte of an answer as it came, to the end of the connection."""
    content = json.dumps(body).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(content), content)
    )
    found = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return found


FAILED = b"data: " + ERROR + b"\n\n"
BEHIND = {
    "in one segment": (event("Pa"), FAILED + DONE),
    "one by one": (event("Pa"), FAILED, event("ris", "stop"), usage_event(), DONE),
    "in pieces": (event("Pa"), FAILED[:9], FAILED[9:] + DONE[:8], DONE[8:]),
}


@pytest.mark.parametrize("kind", ["openai", "vllm"])
@pytest.mark.parametrize("events", BEHIND.values(), ids=BEHIND.keys())
async def test_nothing_follows_a_late_error_event_and_the_connection_breaks(serve, backends, events, kind):
    gateway = await serve(POLICY.replace("gpu: {zone: local, kind: openai", f"gpu: {{zone: local, kind: {kind}"))
    backends["gpu"].default = stream(*events)
    answered = await received(gateway, RESTRICTED | {"stream": True})
    assert not answered.endswith(b"0\r\n\r\n")
    assert parse(answered)[2] == event("Pa") + FAILED
    [row] = gateway.rows()
    assert (row.requests, row.errors) == (1, 1)


async def test_after_an_error_event_nobody_waits_for_a_backend_that_stays(gateway, backends):
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    first, failed, done = (b"%x\r\n%b\r\n" % (len(each), each) for each in (event("Pa"), FAILED, DONE))
    backends["gpu"].default = drip(head + first, failed + done)
    answered = await received(gateway, RESTRICTED | {"stream": True})
    assert parse(answered)[2] == event("Pa") + FAILED and not answered.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("ends", [True, False], ids=["ends", "is reset"])
async def test_a_stream_is_whole_once_every_choice_has_finished(gateway, backends, ends):
    events = (event("Pa"), event("ris", "stop"), usage_event())
    backends["gpu"].default = stream(*events, ends=ends)
    asked = ASK | {"stream": True, "stream_options": {"include_usage": True}}
    _, _, body = await gateway.post(asked)
    assert body == b"".join(events), "nothing is invented"
    [row] = gateway.rows()
    assert (row.errors, row.estimated, row.output) == (0, 0, 7)


async def test_a_stream_is_over_when_it_says_so_though_the_connection_stays_open(gateway, backends):
    content = event("Paris", "stop") + DONE
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    backends["gpu"].default = raw(head + b"%x\r\n%b\r\n" % (len(content), content), close=False)
    _, _, body = await gateway.post(ASK | {"stream": True})
    assert body == content
    [row] = gateway.rows()
    assert row.errors == 0


async def test_a_stream_of_two_choices_is_not_whole_after_one(gateway, backends):
    backends["gpu"].default = stream(event("Pa"), event("ris", "stop"))
    _, _, body = await gateway.post(ASK | {"stream": True, "n": 2})
    assert b"upstream_stream_broken" in body
    [row] = gateway.rows()
    assert row.errors == 1


@pytest.mark.parametrize("name", ["Text/Event-Stream", "text/event-stream ; charset=UTF-8", "TEXT/EVENT-STREAM;x=y"])
async def test_a_stream_is_known_by_its_content_type_as_the_standard_says(gateway, backends, name):
    content = event("Paris", "stop") + usage_event() + DONE
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {name}\r\ncontent-length: {len(content)}\r\n\r\n"
    backends["gpu"].default = raw(head.encode() + content, close=False)
    _, _, body = await gateway.post(ASK | {"stream": True})
    assert body == event("Paris", "stop") + DONE


@pytest.mark.parametrize("content", [completion(), b"\x1f\x8b..."])
@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip", "br"])
async def test_an_encoded_answer_that_was_not_asked_for_is_none(gateway, backends, coding, content):
    backends["gpu"].default = answer(200, content, f"content-encoding: {coding}\r\n")
    _, headers, body = await gateway.post(ASK)
    assert (headers["x-breakeven-backend"], body) == ("api", completion())
    assert "content-encoding" not in headers


async def test_identity_is_no_encoding(gateway, backends):
    backends["gpu"].default = answer(200, completion(), "content-encoding: Identity\r\n")
    _, headers, _ = await gateway.post(ASK)
    assert headers["x-breakeven-backend"] == "gpu"


async def test_a_stream_that_was_not_asked_for_is_no_answer_and_is_counted(gateway, backends):
    backends["gpu"].default = stream(event("Paris", "stop"), usage_event(), DONE)
    _, headers, body = await gateway.post(ASK)
    assert (headers["x-breakeven-backend"], body) == ("api", completion())
    [row] = [each for each in gateway.rows() if each.cell.backend == "gpu"]
    assert row.output > 0 and row.requests == 0


async def test_an_answer_that_is_no_stream_is_none_where_one_was_asked_for(gateway, backends):
    backends["gpu"].default = answer(200, completion())
    backends["api"].default = stream(event("Paris", "stop"), DONE)
    _, headers, _ = await gateway.post(ASK | {"stream": True})
    assert headers["x-breakeven-backend"] == "api"


@pytest.mark.parametrize(
    "events",
    [
        [b'data: {"choices":[]}\n\n', DONE],
        [b"event: ping\ndata: {}\n\n", usage_event(), DONE],
        [b'event: error\ndata: {"message":"overloaded"}\n\n'],
        [b'event: error\ndata: {"error":{"message":"overloaded"}}\n\n', DONE],
    ],
)
async def test_a_stream_without_a_word_of_an_answer_is_none(gateway, backends, events):
    backends["gpu"].default = stream(*events)
    backends["api"].default = stream(event("Paris", "stop"), DONE)
    _, headers, body = await gateway.post(ASK | {"stream": True})
    assert (headers["x-breakeven-backend"], body) == ("api", event("Paris", "stop") + DONE)


async def test_what_comes_before_the_first_choice_reaches_the_client_with_it(gateway, backends):
    filtered = b'data: {"choices":[],"prompt_filter_results":[]}\n\n'
    backends["gpu"].default = stream(filtered, event("Paris", "stop"), DONE)
    _, _, body = await gateway.post(ASK | {"stream": True})
    assert body == filtered + event("Paris", "stop") + DONE


async def test_an_error_event_by_name_in_the_middle_breaks_the_stream(gateway, backends):
    backends["gpu"].default = stream(event("Pa"), b'event: error\ndata: {"message":"gone"}\n\n', DONE)
    await gateway.post(ASK | {"stream": True})
    [row] = gateway.rows()
    assert row.errors == 1


@pytest.mark.parametrize("status", [201, 204, 206, 299, 600, 999])
async def test_a_status_that_is_no_answer_of_these_endpoints_is_a_failure(gateway, backends, status):
    backends["gpu"].default = answer(status, completion())
    _, headers, _ = await gateway.post(ASK)
    assert headers["x-breakeven-backend"] == "api"
    told, _, body = await gateway.post(RESTRICTED)
    assert told in (502, 503) and json.loads(body)["error"]["message"]


SECRET = "gpu-secret-0123456789"
ESCAPED = "".join(f"\\u{ord(each):04x}" for each in SECRET).encode()
FORMS = (SECRET.encode(), ESCAPED, b"gpu%2Dsecret%2D0123456789")


@pytest.fixture
async def gateway_with_key(serve, monkeypatch):
    monkeypatch.setenv("GPU_KEY", SECRET)
    keyed = POLICY.replace("kind: openai, url: %(gpu)s", "kind: openai, api_key: env:GPU_KEY, url: %(gpu)s")
    return await serve(keyed + "secrets: {GPU_KEY: [127.0.0.1]}\n")


@pytest.mark.parametrize(
    "content",
    [
        b'{"error":{"message":"bad header Authorization: Bearer gpu-secret-0123456789"}}',
        b'{"detail":[{"input":"gpu-secret-0123456789","msg":"Bearer gpu-secret-0123456789?"}]}',
        b"<p>gpu-secret-0123456789</p>",
        b'{"error":{"message":"bad key %b"}}' % ESCAPED,
        b'{"detail":"Authorization: Bearer gpu%2Dsecret%2D0123456789"}',
    ],
)
@pytest.mark.parametrize("status", [200, 400, 422, 500])
async def test_a_backend_that_repeats_its_key_tells_it_to_nobody(gateway_with_key, backends, status, content):
    backends["gpu"].default = answer(status, content)
    _, _, body = await gateway_with_key.post(RESTRICTED)
    assert SECRET in backends["gpu"].heads[-1] and not any(form in body for form in FORMS)


@pytest.mark.parametrize("said", [b"Bearer gpu-secret-0123456789", ESCAPED])
@pytest.mark.parametrize("end", [b"\n\n", b"\n", b""])
async def test_nor_does_one_that_repeats_it_in_a_stream(gateway_with_key, backends, said, end):
    error = b'data: {"error":{"message":"%b"}}%b' % (said, end)
    backends["gpu"].default = stream(event("Pa"), error)
    _, _, body = await gateway_with_key.post(RESTRICTED | {"stream": True})
    assert b"error" in body and not any(form in body for form in FORMS)


async def test_an_error_that_begins_a_stream_keeps_its_status_where_it_is_not_shown(gateway_with_key, backends):
    error = b'data: {"error":{"message":"bad key %b","type":"invalid_request_error","code":400}}\n\n' % ESCAPED
    backends["gpu"].default = stream(error)
    status, _, body = await gateway_with_key.post(RESTRICTED | {"stream": True})
    assert (status, json.loads(body)["error"]["message"]) == (400, NOT_SHOWN.decode())


@pytest.mark.parametrize(
    ("value", "expected"),
    [("7", "7"), ("3600", "60"), ("soon", None), ("-5", "1"), ("Fri, 31 Dec 2100 23:59:59 GMT", "60")],
)
async def test_a_time_to_come_back_is_one_that_sdks_can_use(gateway, backends, value, expected):
    backends["gpu"].default = answer(429, b'{"error":{"message":"slow"}}', f"retry-after: {value}\r\n")
    status, headers, _ = await gateway.post(RESTRICTED)
    assert status == 429
    assert headers.get("retry-after") == expected or (expected is None and 1 <= int(headers["retry-after"]) <= 60)


CUT = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: 10\r\n\r\n%b"


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ({}, raw(CUT % (b"application/json", completion()))),
        ({}, raw(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{}")),
        ({"stream": True}, raw(CUT % (b"text/event-stream", event("Paris")))),
    ],
)
async def test_what_could_not_be_read_may_have_been_as_long_as_was_asked_for(gateway, backends, asked, fault):
    backends["gpu"].default = fault
    await gateway.post(ASK | {"max_tokens": 33} | asked)
    [row] = [each for each in gateway.rows() if each.cell.backend == "gpu"]
    assert row.output >= 33 and row.estimated


async def test_an_error_that_begins_a_stream_came_after_the_input_was_read(gateway, backends):
    backends["gpu"].default = stream(b'event: error\ndata: {"error":{"message":"overloaded"}}\n\n')
    backends["api"].default = stream(event("Paris", "stop"), DONE)
    await gateway.post(ASK | {"stream": True})
    [row] = [each for each in gateway.rows() if each.cell.backend == "gpu"]
    assert (row.input > 0, row.output) == (True, 0)


async def test_usage_of_nothing_is_none(gateway, backends):
    nothing = completion().replace(b'"usage":', b'"usage":{"prompt_tokens":0,"completion_tokens":0},"was":')
    backends["gpu"].default = answer(200, nothing)
    await gateway.post(ASK)
    [row] = gateway.rows()
    assert row.input > 0 and row.output > 0 and row.estimated
