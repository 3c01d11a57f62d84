"""What a client is told when no backend answers it."""

from __future__ import annotations

import json

import pytest
from support.gateway import POLICY
from support.scripted import answer

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
RESTRICTED = {"model": "chat", "messages": [{"role": "user", "content": "card 4111 1111 1111 1111"}]}


def impatient(policy: str = POLICY) -> str:
    """Nobody waits for a backend that rests."""
    return policy.replace("backoff: 1ms}", "backoff: 1ms, max_rest: 0s}")


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ("", "1"),
        ("retry-after: 7\r\n", "7"),
        ("retry-after: 7\r\nx-should-retry: false\r\n", "7"),
        ("x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 11s\r\n", "11"),
    ],
)
async def test_a_limit_that_could_not_be_waited_for_is_the_clients_to_wait_for(serve, backends, headers, told):
    gateway = await serve(impatient())
    body = b'{"error":{"message":"slow down"}}'
    backends["gpu"].default = answer(429, body, headers)
    status, answered, content = await gateway.post(RESTRICTED)
    assert (status, content) == (429, body)
    assert (answered["retry-after"], answered["x-should-retry"]) == (told, "true")


async def test_a_request_that_meets_only_resting_backends_is_told_when_they_are_back(serve, backends):
    gateway = await serve(impatient())
    backends["gpu"].default = answer(429, b"{}", "retry-after: 7\r\n")
    await gateway.post(RESTRICTED)
    status, headers, body = await gateway.post(RESTRICTED)
    assert (status, json.loads(body)["error"]["code"]) == (429, "rate_limit_exceeded")
    assert 1 <= int(headers["retry-after"]) <= 7 and headers["x-should-retry"] == "true"
    assert "gpu: HTTP 429" in json.loads(body)["error"]["message"]
    assert len(backends["gpu"].requests) == 1 and not gateway.ledger.holds


async def test_a_failure_besides_a_rest_says_when_the_rest_ends(serve, backends):
    gateway = await serve(impatient())
    backends["gpu"].script.append(answer(429, b"{}", "retry-after: 7\r\n"))
    await backends["api"].stop()
    await gateway.post(ASK)
    status, headers, _ = await gateway.post(ASK)
    assert (status, headers["x-should-retry"]) == (503, "true")
    assert 1 <= int(headers["retry-after"]) <= 7


async def test_a_failure_that_all_tries_could_not_mend_is_not_tried_again(gateway, backends):
    for backend in backends.values():
        backend.default = answer(500, b'{"error":{"message":"no"}}', "x-should-retry: true\r\n")
    status, headers, _ = await gateway.post(ASK)
    assert (status, headers["x-should-retry"]) == (500, "false")
    assert "retry-after" not in headers


async def test_a_503_that_says_when_may_be_tried_then(gateway, backends):
    for backend in backends.values():
        backend.default = answer(503, b'{"error":{"message":"no"}}', "retry-after: 30\r\n")
    status, headers, _ = await gateway.post(ASK)
    assert (status, headers["retry-after"], headers["x-should-retry"]) == (503, "30", "true")


async def test_a_model_that_we_named_wrongly_is_told_in_the_policys_terms(gateway, backends):
    backends["gpu"].default = answer(404, b'{"error":{"message":"The model `tiny-llama` does not exist."}}')
    status, _, body = await gateway.post(RESTRICTED)
    message = json.loads(body)["error"]["message"]
    assert status == 503
    assert "it does not know 'tiny-llama', which backends.gpu.serves.chat names" in message
    again = json.loads((await gateway.post(RESTRICTED))[2])["error"]["message"]
    assert "backends.gpu.serves.chat" in again and len(backends["gpu"].requests) == 1
