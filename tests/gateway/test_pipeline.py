"""The main job, end to end in one process: what the client sees, what the backends get, what the ledger says."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest
from support.gateway import POLICY, join_chunks
from support.scripted import DONE, USAGE, answer, completion, event, stream, usage_event

ASK = {"model": "chat", "messages": [{"role": "user", "content": "What is the capital of France?"}]}
RESTRICTED = {"model": "chat", "messages": [{"role": "user", "content": "My card is 4111 1111 1111 1111"}]}


async def test_the_answer_is_the_backends_bytes_and_says_where_it_ran(gateway):
    status, headers, body = await gateway.post(ASK)
    assert (status, body) == (200, completion())
    assert headers["x-breakeven-backend"] == "gpu"
    assert headers["x-breakeven-zone"] == "local"
    assert headers["x-breakeven-sensitivity"] == "public"
    assert headers["x-breakeven-reason"] == "local-first"
    assert headers["x-request-id"]


async def test_only_the_models_name_changes_on_the_way(gateway, backends):
    body = b'{ "messages" : [{"role":"user","content":"h\\u00e9"}],  "model":"chat", "x_unknown": {"model": "chat"} }'
    await gateway.post(body)
    assert backends["gpu"].received.endswith(body.replace(b'"model":"chat"', b'"model":"tiny-llama"'))


async def test_an_alias_is_a_model(gateway, backends):
    status, _, _ = await gateway.post(ASK | {"model": "gpt-4o-mini"})
    assert status == 200
    assert backends["gpu"].requests[0]["model"] == "tiny-llama"


async def test_the_clients_credentials_and_cookies_stay_here(gateway, backends):
    await gateway.post(
        ASK, {"authorization": "Bearer client-secret", "cookie": "c=1", "openai-beta": "x", "x-patient": "p"}
    )
    head = backends["gpu"].heads[0].lower()
    assert "client-secret" not in head and "cookie" not in head and "x-patient" not in head
    assert "openai-beta: x" in head


async def test_usage_is_asked_for_in_a_stream_and_kept_from_a_client_that_did_not(gateway, backends):
    events = (event("Pa"), event("ris"), event(None, "stop"), usage_event(), DONE)
    backends["gpu"].default = stream(*events)
    status, headers, body = await gateway.post(ASK | {"stream": True})
    assert status == 200 and headers["content-type"] == "text/event-stream"
    assert body == b"".join((events[0], events[1], events[2], DONE))
    assert backends["gpu"].requests[0]["stream_options"] == {"include_usage": True}
    [row] = gateway.rows()
    assert (row.input, row.output, row.estimated) == (USAGE["prompt_tokens"], USAGE["completion_tokens"], 0)


async def test_usage_reaches_a_client_that_asked(gateway, backends):
    events = (event("Paris", "stop"), usage_event(), DONE)
    backends["gpu"].default = stream(*events)
    _, _, body = await gateway.post(ASK | {"stream": True, "stream_options": {"include_usage": True}})
    assert body == b"".join(events)


async def test_the_ledger_counts_both_prices(gateway):
    await gateway.post(ASK)
    [row] = gateway.rows()
    assert (row.requests, row.errors, row.input, row.output) == (1, 0, 11, 7)
    assert (row.cell.backend, row.cell.model, row.cell.team, row.cell.key) == ("gpu", "chat", "default", "anonymous")
    assert row.cost == 0
    assert row.counterfactual == 5_850  # 11 tokens at $0.15 and 7 at $0.60 a million, in nano-USD


async def test_a_restricted_request_goes_to_our_own_zone_whatever_is_cheaper(serve, backends):
    gateway = await serve(POLICY.replace("local_first", "cloud_first"))
    _, headers, _ = await gateway.post(RESTRICTED)
    assert headers["x-breakeven-backend"] == "gpu"
    assert headers["x-breakeven-sensitivity"] == "restricted"
    assert headers["x-breakeven-reason"] == "only-permitted"


async def test_a_restricted_request_is_refused_when_our_own_zone_is_down(gateway, backends):
    backends["gpu"].default = answer(500, b"{}")
    for _ in range(8):
        status, headers, _ = await gateway.post(RESTRICTED)
        assert status in (500, 503)
    assert (status, headers["retry-after"].isdigit()) == (503, True)
    assert (headers["x-breakeven-backend"], headers["x-breakeven-reason"]) == ("none", "backend_unavailable")
    assert headers["x-breakeven-sensitivity"] == "restricted"
    assert not backends["api"].received


async def test_failover_before_the_first_byte(gateway, backends):
    backends["gpu"].script.append(answer(503, b'{"error":{}}', "retry-after: 30\r\n"))
    status, headers, body = await gateway.post(ASK)
    assert (status, body) == (200, completion())
    assert headers["x-breakeven-backend"] == "api"
    assert headers["x-breakeven-reason"] == "failover from gpu: HTTP 503"
    [row] = gateway.rows()
    assert row.cell.backend == "api" and row.cost == 5_850


async def test_a_backend_that_asked_for_rest_is_left_alone(gateway, backends):
    backends["gpu"].script.append(answer(503, b"{}", "retry-after: 30\r\n"))
    await gateway.post(ASK)
    _, headers, _ = await gateway.post(ASK)
    assert headers["x-breakeven-backend"] == "api"
    assert headers["x-breakeven-reason"] == "unhealthy"
    assert len(backends["gpu"].requests) == 1


async def test_an_error_in_the_first_event_fails_over(gateway, backends):
    backends["gpu"].script.append(stream(b'data: {"error":{"message":"out of memory"}}\n\n'))
    backends["api"].default = stream(event("Paris", "stop"), DONE)
    _, headers, body = await gateway.post(ASK | {"stream": True})
    assert headers["x-breakeven-backend"] == "api"
    assert body == event("Paris", "stop") + DONE


async def test_a_stream_that_breaks_off_ends_with_an_error_and_without_done(gateway, backends):
    backends["gpu"].default = stream(event("Pa"), event("ris"), ends=False)
    _, _, body = await gateway.post(ASK | {"stream": True})
    assert body.startswith(event("Pa") + event("ris"))
    last = json.loads(body.removeprefix(event("Pa") + event("ris")).removeprefix(b"data: "))
    assert last["error"]["code"] == "upstream_stream_broken"
    assert b"[DONE]" not in body
    [row] = gateway.rows()
    assert (row.errors, row.output, row.estimated) == (1, 2, 1)


async def test_a_client_error_is_relayed_as_it_is(gateway, backends):
    refusal = b'{"error":{"message":"This model\'s maximum context length is 2048 tokens","code":400}}'
    backends["gpu"].default = answer(400, refusal)
    status, _, body = await gateway.post(ASK)
    assert (status, body) == (400, refusal)
    assert not backends["api"].requests
    [row] = gateway.rows()
    assert (row.requests, row.errors, row.output) == (1, 1, 0)


async def test_the_last_error_is_relayed_when_nobody_answers_and_sdks_are_told_not_to_insist(gateway, backends):
    backends["gpu"].default = answer(500, b'{"error":{"message":"gpu"}}')
    backends["api"].default = answer(500, b'{"error":{"message":"api"}}')
    status, headers, body = await gateway.post(ASK)
    assert status == 500 and b"error" in body
    assert headers["x-should-retry"] == "false"


async def test_what_a_provider_says_of_our_credentials_is_not_shown(gateway, backends):
    for backend in backends.values():
        backend.default = answer(401, b'{"error":{"message":"Incorrect API key provided: sk-ours"}}')
    status, _, body = await gateway.post(ASK)
    assert status == 503 and b"sk-ours" not in body


@pytest.mark.parametrize("status", [400, 422, 500, 200])
async def test_an_error_that_repeats_all_that_was_asked_is_told_in_few_words(gateway, backends, status):
    said = {"error": {"message": "No such field: " + "a\\u0041 " * 500_000 + "sk-ours", "type": "bad", "code": None}}
    for backend in backends.values():
        backend.default = answer(status, json.dumps(said).encode())
    status, _, body = await gateway.post(ASK)
    assert status >= 400 and len(body) < 20_000 and b"sk-ours" not in body
    assert b"and is not shown" in body or b"No such field" in body


async def test_a_client_that_leaves_frees_its_backend(gateway, backends):
    backends["gpu"].default = stream(event("Pa"), *[event("x")] * 1000, gap=0.01)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    body = json.dumps(ASK | {"stream": True}).encode()
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    await reader.readuntil(b"Pa")
    writer.transport.abort()
    await asyncio.wait_for(backends["gpu"].left.wait(), 1)
    [row] = gateway.rows()
    assert row.estimated == 1 and row.output >= 1


async def test_gzip_bodies_are_inflated(gateway, backends):
    status, _, _ = await gateway.post(gzip.compress(json.dumps(ASK).encode()), {"content-encoding": "gzip"})
    assert status == 200
    assert backends["gpu"].requests[0]["messages"] == ASK["messages"]


async def test_many_requests_on_one_connection(gateway):
    body = json.dumps(ASK).encode()
    one = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(one * 3)
    for _ in range(3):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(len(completion())) == completion()
    writer.close()


async def test_a_large_body_with_expect_continue(gateway, backends):
    body = json.dumps(ASK | {"padding": "x" * 20_000_000}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: %d\r\n\r\n"
    writer.write(head % len(body))
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    assert backends["gpu"].requests[0]["padding"] == "x" * 20_000_000
    writer.close()


async def test_an_http_1_0_client_gets_a_stream_that_ends_with_the_connection(gateway, backends):
    backends["gpu"].default = stream(event("Paris", "stop"), DONE)
    body = json.dumps(ASK | {"stream": True}).encode()
    head = b"POST /v1/chat/completions HTTP/1.0\r\ncontent-length: %d\r\n\r\n" % len(body)
    _, headers, answered = await gateway.exchange(head + body)
    assert "transfer-encoding" not in headers
    assert answered == event("Paris", "stop") + DONE


def test_chunks_are_joined_by_the_helper():
    assert join_chunks(b"3\r\nabc\r\n0\r\n\r\n") == b"abc"


async def test_a_providers_time_to_come_back_is_kept(gateway, backends):
    backends["gpu"].default = answer(429, b'{"error":{"message":"slow down"}}', "retry-after: 7\r\n")
    status, headers, body = await gateway.post(RESTRICTED)
    assert (status, headers["retry-after"], headers["x-should-retry"]) == (429, "7", "true")
    assert body == b'{"error":{"message":"slow down"}}'


async def test_an_image_cannot_be_read_and_stays_in_our_own_zone(serve, backends):
    gateway = await serve(POLICY.replace("local_first", "cloud_first"))
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0KGgo" * 100_000}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}]
    status, headers, _ = await gateway.post(ASK | {"messages": messages})
    assert (status, headers["x-breakeven-backend"], headers["x-breakeven-sensitivity"]) == (200, "gpu", "restricted")
    assert backends["gpu"].requests[0]["messages"] == messages
    assert not backends["api"].received


async def test_without_a_sensitivity_section_images_go_where_everything_goes(serve, backends):
    policy = POLICY.replace("local_first", "cloud_first")
    open_to_all = policy[: policy.index("sensitivity:")] + policy[policy.index("cost: {strategy") :]
    gateway = await serve(open_to_all)
    image = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}
    _, headers, _ = await gateway.post(ASK | {"messages": [{"role": "user", "content": [image]}]})
    assert (headers["x-breakeven-backend"], headers["x-breakeven-sensitivity"]) == ("api", "none")


async def test_patterns_are_told_in_words_to_who_names_no_model(serve):
    gateway = await serve(
        POLICY.replace("serves: {chat: tiny-llama}", 'serves: {chat: tiny-llama, "c-*": "c-*"}').replace(
            "models: {", 'models: {"c-*": {backends: [gpu]}, '
        )
    )
    _, _, body = await gateway.post({"messages": []})
    assert "any name that begins with c-." in body.decode() and "chat" in body.decode()


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
async def test_who_names_no_model_is_told_which_there_are(gateway, path):
    status, _, body = await gateway.post({"messages": [], "max_tokens": 5, "input": "Hi"}, path=path)
    assert status == 400 and "You must provide a model. This key may use: chat, gpt-4o-mini." in body.decode()
