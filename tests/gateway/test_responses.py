"""Responses through a whole gateway, between a client's bytes and backends that answer as documented."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support.gateway import POLICY, Gateway
from support.responses import ADDED, COMPLETED, CREATED, DELTA, IN_PROGRESS, event, response
from support.scripted import ScriptedBackend, answer, raw, stream

from router.core.pins import Pin
from router.ledger.errors import LedgerUnavailable

PATH = "/v1/responses"
ASK = {"model": "chat", "input": "Capital of France?"}
STREAM = {**ASK, "stream": True}
Backends = dict[str, ScriptedBackend]


def types(body: bytes) -> list[str]:
    return [line.removeprefix("event: ") for line in body.decode().splitlines() if line.startswith("event: ")]


def last(body: bytes) -> Any:
    return json.loads(body.decode().strip().splitlines()[-1].removeprefix("data: "))


async def test_an_answer_is_the_backends_very_bytes_and_its_usage_is_booked(
    gateway: Gateway, backends: Backends
) -> None:
    backends["gpu"].default = answer(body=response())
    status, headers, body = await gateway.post(ASK, path=PATH)
    assert (status, body) == (200, response())
    assert headers["x-breakeven-backend"] == "gpu"
    assert backends["gpu"].requests[0] == {"model": "tiny-llama", "input": "Capital of France?", "path": PATH}
    (row,) = gateway.rows()
    assert (row.input, row.cached, row.output, row.estimated) == (11, 4, 7, 0)


async def test_a_stream_is_the_backends_very_bytes(gateway: Gateway, backends: Backends) -> None:
    events = (CREATED, IN_PROGRESS, ADDED, DELTA, COMPLETED)
    backends["gpu"].default = stream(*events)
    status, _, body = await gateway.post(STREAM, path=PATH)
    assert (status, body) == (200, b"".join(events))
    (row,) = gateway.rows()
    assert (row.input, row.output, row.errors) == (11, 7, 0)


async def test_another_backend_takes_over_until_the_first_part_of_an_answer(
    gateway: Gateway, backends: Backends
) -> None:
    backends["gpu"].default = stream(CREATED, IN_PROGRESS, ends=False)
    backends["api"].default = stream(CREATED, ADDED, DELTA, COMPLETED)
    status, headers, body = await gateway.post(STREAM, path=PATH)
    assert (status, headers["x-breakeven-backend"]) == (200, "api")
    assert types(body)[0] == "response.created" and types(body)[-1] == "response.completed"


async def test_a_stream_that_breaks_ends_as_a_failed_response(gateway: Gateway, backends: Backends) -> None:
    backends["gpu"].default = stream(CREATED, IN_PROGRESS, ADDED, DELTA, ends=False)
    status, _, body = await gateway.post(STREAM, path=PATH)
    assert status == 200
    assert types(body)[-1] == "response.failed"
    told = last(body)
    assert told["sequence_number"] == 4
    assert (told["response"]["id"], told["response"]["status"]) == ("resp_1", "failed")
    assert told["response"]["error"]["code"] == "server_error"
    (row,) = gateway.rows()
    assert (row.errors, row.estimated) == (1, 1)


async def test_a_failure_of_the_backends_in_the_midst_is_the_end(gateway: Gateway, backends: Backends) -> None:
    failed = event(
        "response.failed", 4, response={"id": "resp_1", "status": "failed", "error": {"code": "server_error"}}
    )
    backends["gpu"].default = stream(CREATED, ADDED, DELTA, failed)
    status, _, body = await gateway.post(STREAM, path=PATH)
    assert (status, types(body)[-1]) == (200, "response.failed")
    assert types(body).count("response.failed") == 1
    (row,) = gateway.rows()
    assert row.errors == 1


FAILED = response(status="failed", error={"code": "server_error", "message": "Oops."}, output=[])
FAILED_EVENT = event("response.failed", 1, response=json.loads(FAILED))


@pytest.mark.parametrize(
    ("ask", "behaviour"),
    [
        (ASK, answer(body=FAILED)),
        (STREAM, stream(CREATED, FAILED_EVENT)),
        (STREAM, stream(event("error", 1, message="x"))),
    ],
)
async def test_what_failed_before_it_began_is_tried_elsewhere(
    gateway: Gateway, backends: Backends, ask: Any, behaviour: Any
) -> None:
    backends["gpu"].default = behaviour
    backends["api"].default = stream(CREATED, DELTA, COMPLETED) if "stream" in ask else answer(body=response())
    status, headers, _ = await gateway.post(ask, path=PATH)
    assert (status, headers["x-breakeven-backend"]) == (200, "api")


async def test_what_failed_everywhere_is_an_error(gateway: Gateway, backends: Backends) -> None:
    backends["gpu"].default = backends["api"].default = answer(body=FAILED)
    status, _, body = await gateway.post(ASK, path=PATH)
    assert status == 502
    assert json.loads(body)["error"]["message"] == "Oops."


async def test_what_failed_for_the_client_is_its_answer(gateway: Gateway, backends: Backends) -> None:
    refused = response(status="failed", error={"code": "invalid_prompt", "message": "No."}, output=[])
    backends["gpu"].default = answer(body=refused)
    status, _, body = await gateway.post(ASK, path=PATH)
    assert (status, body) == (200, refused)
    assert not backends["api"].requests


async def test_what_is_missing_that_the_client_named_is_its_business(gateway: Gateway, backends: Backends) -> None:
    told = {"message": "Prompt with id 'pmpt_model' not found.", "type": "invalid_request_error", "code": 404}
    error = json.dumps({"error": told}).encode()
    backends["gpu"].default = answer(404, error)
    for _ in range(2):
        status, headers, body = await gateway.post(ASK | {"prompt": {"id": "pmpt_model"}}, path=PATH)
        assert (status, body, headers["x-breakeven-backend"]) == (404, error, "gpu")


RESTRICTED = [
    {"instructions": "Her card is 4111 1111 1111 1111."},
    {"input": [{"type": "function_call_output", "call_id": "c", "output": "Her card is 4111 1111 1111 1111."}]},
    {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}]},
    {"input": [{"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}]},
    {"prompt": {"id": "pmpt_1"}},
    {"metadata": {"sensitivity": "restricted"}},
]


@pytest.mark.parametrize("fields", RESTRICTED, ids=lambda fields: next(iter(fields)))
async def test_what_is_restricted_or_cannot_be_read_stays(gateway: Gateway, backends: Backends, fields: Any) -> None:
    backends["gpu"].default = raw(b"")
    [replica] = gateway.fleet.backends["gpu"].replicas
    gateway.ledger.pins.pins["file-1"] = Pin("gpu", replica.identity, "", "default", "anonymous", ("public",))
    await gateway.post({**ASK, **fields}, path=PATH)
    assert backends["gpu"].requests and not backends["api"].requests


@pytest.mark.parametrize("ask", [ASK, STREAM], ids=["whole", "stream"])
async def test_items_of_a_stored_response_are_named_where_they_are(
    serve: Callable[..., Awaitable[Gateway]], backends: Backends, ask: Any
) -> None:
    gateway = await serve(POLICY.replace("default: public", "default: public\n  unreadable: public"))
    events = stream(CREATED, DELTA, COMPLETED)
    for backend in backends.values():
        backend.default = events if "stream" in ask else answer(body=response())
    named = {"model": "chat", "input": [{"type": "item_reference", "id": "msg_1"}], "stream": "stream" in ask}
    status, _, body = await gateway.post(named, path=PATH)
    assert (status, json.loads(body)["error"]["message"]) == (404, "Item with id 'msg_1' not found.")
    backends["gpu"].script.append(answer(503, b"{}"))
    _, headers, _ = await gateway.post(ask, path=PATH)
    assert headers["x-breakeven-backend"] == "api"
    _, headers, _ = await gateway.post(named, path=PATH)
    assert headers["x-breakeven-backend"] == "api"


async def test_what_a_provider_sealed_goes_back_where_the_policy_lets_it(
    serve: Callable[..., Awaitable[Gateway]], backends: Backends
) -> None:
    """The second turn of an agent that keeps nothing at the provider."""
    gateway = await serve(
        POLICY.replace("default: public", "default: public\n  sealed: public").replace("local_first", "cloud_first")
    )
    backends["api"].default = answer(body=response())
    thought = {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}
    said = [{"role": "user", "content": "Hi"}, thought, {"role": "user", "content": "And now?"}]
    _, headers, _ = await gateway.post({**ASK, "input": said}, path=PATH)
    assert headers["x-breakeven-backend"] == "api"
    said.append({"role": "user", "content": "Her card is 4111 1111 1111 1111."})
    await gateway.post({**ASK, "input": said}, path=PATH)
    assert len(backends["api"].requests) == 1


async def test_an_mcp_server_outside_gets_nothing_that_may_not_leave(gateway: Gateway, backends: Backends) -> None:
    mcp = {"type": "mcp", "server_label": "s", "server_url": "https://mcp.example.org/"}
    status, _, body = await gateway.post({**ASK, "tools": [mcp], "instructions": "4111 1111 1111 1111"}, path=PATH)
    assert (status, json.loads(body)["error"]["type"]) == (403, "permission_error")
    assert not backends["gpu"].requests and not backends["api"].requests


LOST = [
    ({"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}}, "a hosted tool that has to be called"),
    ({"tools": [{"type": "custom", "name": "f", "format": {"type": "grammar"}}]}, "tools with a grammar"),
]


@pytest.mark.parametrize(("fields", "named"), LOST)
async def test_what_a_vllm_would_leave_out_goes_elsewhere_or_nowhere(
    serve: Callable[..., Awaitable[Gateway]], backends: Backends, fields: Any, named: str
) -> None:
    policy = POLICY.replace("gpu: {zone: local, kind: openai", "gpu: {zone: local, kind: vllm")
    gateway = await serve(policy)
    backends["api"].default = answer(body=response())
    _, headers, _ = await gateway.post({**ASK, **fields}, path=PATH)
    assert headers["x-breakeven-backend"] == "api"
    private = {**ASK, **fields, "metadata": {"sensitivity": "restricted"}}
    status, _, body = await gateway.post(private, path=PATH)
    assert status == 400 and named in json.loads(body)["error"]["message"]
    assert not any("input" in request for request in backends["gpu"].requests)


async def test_what_is_only_offered_goes_where_it_is_had_and_else_to_a_vllm_which_goes_on_without(
    serve: Callable[..., Awaitable[Gateway]], backends: Backends
) -> None:
    """As Codex asks by default: a restricted request would have nowhere to go."""
    gateway = await serve(POLICY.replace("gpu: {zone: local, kind: openai", "gpu: {zone: local, kind: vllm"))
    backends["api"].default = backends["gpu"].default = answer(body=response())
    offering = {**ASK, "tools": [{"type": "function", "name": "shell"}, {"type": "web_search"}], "tool_choice": "auto"}
    _, headers, _ = await gateway.post(offering, path=PATH)
    assert headers["x-breakeven-backend"] == "api"
    _, headers, _ = await gateway.post({**offering, "metadata": {"sensitivity": "restricted"}}, path=PATH)
    assert headers["x-breakeven-backend"] == "gpu"
    assert [request["tools"] for request in backends["gpu"].requests if "tools" in request] == [offering["tools"]]


async def test_what_goes_on_in_the_background_is_charged_what_was_asked_for(
    gateway: Gateway, backends: Backends
) -> None:
    backends["gpu"].default = answer(body=response(status="queued", output=[], usage=None))
    await gateway.post({**ASK, "background": True, "max_output_tokens": 900}, path=PATH)
    (row,) = gateway.rows()
    assert (row.output, row.estimated) == (900, 1)


async def test_what_went_on_in_the_background_is_booked_once_it_is_seen_and_once_alone(
    serve: Callable[..., Awaitable[Gateway]], backends: Backends
) -> None:
    gateway = await serve(POLICY.replace("local_first", "cloud_first"))
    backends["api"].default = answer(body=response(status="queued", output=[], usage=None))
    await gateway.post({**ASK, "background": True, "max_output_tokens": 900}, path=PATH)
    (booked,) = gateway.rows()
    get = f"GET {PATH}/resp_1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()
    assert (await gateway.exchange(get))[0] == 200
    assert [row for row in gateway.rows() if row.cell == booked.cell] == [booked]
    backends["api"].default = answer(body=response())
    for _ in range(2):
        assert (await gateway.exchange(get))[2] == response()
        (row,) = [row for row in gateway.rows() if row.cell == booked.cell]
        assert (row.requests, row.input, row.output, row.estimated) == (1, 11, 7, 0)
        assert 0 < row.cost < booked.cost and 0 <= row.eligible_tokens <= 18
    kinds = [record.kind for record in gateway.ledger.records if record.endpoint == "responses" and record.cost]
    assert kinds == ["settled", "withdrawn", "final"]


async def test_what_another_response_took_corrects_nothing(
    serve: Callable[..., Awaitable[Gateway]], backends: Backends
) -> None:
    gateway = await serve(POLICY.replace("local_first", "cloud_first"))
    backends["api"].default = answer(body=response(status="queued", output=[], usage=None))
    await gateway.post({**ASK, "background": True, "max_output_tokens": 900}, path=PATH)
    backends["api"].default = answer(body=response(id="resp_2"))
    get = f"GET {PATH}/resp_1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()
    assert (await gateway.exchange(get))[0] == 200
    assert sum(row.output for row in gateway.rows()) == 900 and gateway.ledger.pins.bookings


async def test_what_is_known_at_once_is_not_corrected(
    serve: Callable[..., Awaitable[Gateway]], backends: Backends
) -> None:
    gateway = await serve(POLICY.replace("local_first", "cloud_first"))
    backends["api"].default = answer(body=response())
    await gateway.post({**ASK, "background": True}, path=PATH)
    assert gateway.ledger.pins.pins and not gateway.ledger.pins.bookings


async def test_while_the_ledger_is_lost_the_estimate_stays(
    serve: Callable[..., Awaitable[Gateway]], backends: Backends
) -> None:
    async def lose(id: str) -> None:
        raise LedgerUnavailable("gone")

    gateway = await serve(POLICY.replace("local_first", "cloud_first"))
    backends["api"].default = answer(body=response(status="queued", output=[], usage=None))
    await gateway.post({**ASK, "background": True, "max_output_tokens": 900}, path=PATH)
    backends["api"].default = answer(body=response())
    gateway.ledger.pins.take_booking = lose  # type: ignore[method-assign]
    get = f"GET {PATH}/resp_1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()
    assert (await gateway.exchange(get))[0] == 200
    assert sum(row.output for row in gateway.rows()) == 900


async def test_a_vllm_serves_it(serve: Callable[..., Awaitable[Gateway]], backends: Backends) -> None:
    gateway = await serve(POLICY.replace("gpu: {zone: local, kind: openai", "gpu: {zone: local, kind: vllm"))
    backends["gpu"].default = answer(body=response())
    _, headers, _ = await gateway.post(ASK, path=PATH)
    assert headers["x-breakeven-backend"] == "gpu"
