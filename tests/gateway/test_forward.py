"""Attempts: which follow which, when, and what each of them left behind."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from typing import Any

import pytest
from support.compiled import interpreted_only
from support.gateway import POLICY
from support.scripted import DONE, answer, completion, event, stream, usage_event

from router.gateway.forward import Forwarding
from router.gateway.forward_request import FailedAttempt
from router.gateway.settle import Settler

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
RESTRICTED = {"model": "chat", "messages": [{"role": "user", "content": "card 4111 1111 1111 1111"}]}


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[FailedAttempt]:
    """The failed attempts of every request that a backend answered after all."""
    seen: list[FailedAttempt] = []
    answered = Settler.answered

    def keep(self: Settler, *, forwarding: Forwarding, **given: Any) -> None:
        seen.extend(forwarding.attempts)
        answered(self, forwarding=forwarding, **given)

    monkeypatch.setattr(Settler, "answered", keep)
    return seen


@interpreted_only
async def test_a_failed_attempt_tells_where_it_went_and_what_came_of_it(gateway, backends, attempts):
    backends["gpu"].script.append(answer(500, b'{"error":{"message":"no"}}'))
    assert (await gateway.post(ASK))[0] == 200
    [failed] = attempts
    assert (failed.backend, failed.outcome.status, failed.written, failed.size) == ("gpu", 500, True, 26)
    assert failed.candidate.route.upstream_model == "tiny-llama"


@interpreted_only
async def test_an_attempt_that_never_got_a_connection_has_written_nothing(gateway, backends, attempts):
    await backends["gpu"].stop()
    assert (await gateway.post(ASK))[0] == 200
    [failed] = attempts
    assert (failed.written, failed.size, failed.events) == (False, 0, 0)


@interpreted_only
async def test_what_a_stream_reported_that_failed_before_the_client_saw_any_is_kept(gateway, backends, attempts):
    backends["gpu"].script.append(stream(usage_event(), b'data: {"error":{"message":"no"}}\n\n'))
    backends["api"].default = stream(event("Paris", "stop"), DONE)
    assert (await gateway.post(ASK | {"stream": True}))[0] == 200
    [failed] = attempts
    assert (failed.written, failed.events) == (True, 0)
    assert failed.usage is not None


# --- limits

TWO_MODELS = POLICY.replace("serves: {chat: tiny-llama}", "serves: {chat: tiny-llama, big: large-llama}").replace(
    "models: {", "models: {big: {backends: [gpu]}, "
)
MODELS = {"gpu": ("tiny-llama",), "api": ("gpt-4o-mini",)}
"""What each backend calls the model."""
SLOW_DOWN = answer(429, b'{"error":{"message":"slow down"}}', "retry-after-ms: 40\r\n")


async def test_a_limit_on_the_only_backend_is_waited_for(gateway, backends):
    backends["gpu"].script.extend([SLOW_DOWN, SLOW_DOWN])
    status, headers, body = await gateway.post(RESTRICTED)
    assert (status, body) == (200, completion())
    assert headers["x-breakeven-reason"] == "retry from gpu: HTTP 429"
    assert len(backends["gpu"].requests) == 3


async def test_limits_are_waited_for_within_the_deadline_only(serve, backends):
    gateway = await serve(POLICY.replace("deadline: 5s", "deadline: 300ms"))
    backends["gpu"].default = answer(429, b"{}", "retry-after: 1\r\n")
    status, headers, _ = await gateway.post(RESTRICTED)
    assert (status, headers["retry-after"], headers["x-should-retry"]) == (429, "1", "true")
    assert len(backends["gpu"].requests) == 1


async def test_where_another_backend_may_answer_nobody_waits(gateway, backends):
    backends["gpu"].script.append(answer(429, b"{}", "retry-after: 10\r\n"))
    for _ in range(2):
        status, headers, _ = await gateway.post(ASK)
        assert (status, headers["x-breakeven-backend"]) == (200, "api")
        assert headers["x-breakeven-reason"] == "failover from gpu: HTTP 429"
    assert len(backends["gpu"].requests) == 1


async def test_only_the_model_rests_that_the_limit_spoke_of(serve, backends):
    gateway = await serve(TWO_MODELS)
    backends["gpu"].script.append(answer(429, b"{}", "retry-after: 60\r\n"))
    assert (await gateway.post(ASK))[1]["x-breakeven-backend"] == "api"
    status, headers, _ = await gateway.post(ASK | {"model": "big"})
    assert (status, headers["x-breakeven-backend"]) == (200, "gpu")
    assert (await gateway.post(ASK))[1]["x-breakeven-backend"] == "api"


async def test_many_requests_at_one_backend_with_a_limit_all_come_through(serve, backends):
    """40 requests, of which the only backend refuses 30 %, and of those that come again."""
    gateway = await serve(POLICY.replace("deadline: 5s", "deadline: 20s"))
    calls = count()
    refuse = answer(429, b'{"error":{"message":"slow down"}}', "retry-after-ms: 20\r\n")

    async def limited(reader, writer, request):
        number = next(calls)
        await (refuse if number < 60 and number % 10 < 3 else answer())(reader, writer, request)

    backends["gpu"].default = limited
    answers = await asyncio.gather(*[gateway.post(RESTRICTED) for _ in range(40)])
    assert [status for status, _, _ in answers].count(200) == 40
    assert len(backends["gpu"].requests) < 80


async def test_a_limit_that_does_not_pass_is_not_hammered(serve, backends):
    gateway = await serve(POLICY.replace("backoff: 1ms", "backoff: 1ms, max_rest: 1s"))
    backends["gpu"].default = answer(429, b"{}", "retry-after: 0\r\n")
    status, headers, _ = await gateway.post(RESTRICTED)
    assert (status, headers["x-should-retry"]) == (429, "true")
    assert len(backends["gpu"].requests) <= 4


async def test_a_limit_counts_half_an_attempt(gateway, backends):
    backends["gpu"].default = answer(429, b"{}", "retry-after-ms: 1\r\n")
    status, headers, _ = await gateway.post(RESTRICTED)
    assert (status, headers["x-should-retry"]) == (429, "true")
    assert len(backends["gpu"].requests) == 6  # twice retry.attempts


@pytest.mark.parametrize("status", [429, 503])
async def test_an_own_backend_rests_for_a_minute_at_most(gateway, backends, status):
    for backend in backends.values():
        backend.default = answer(status, b"{}", "retry-after: 3600\r\n")
    await gateway.post(ASK)
    now = asyncio.get_running_loop().time()
    rests = {name: gateway.fleet.backends[name].rest(*model, now) for name, model in MODELS.items()}
    left = {name: rest.until - now for name, rest in rests.items() if rest is not None}
    assert 50 < left["gpu"] <= 60 < 3000 < left["api"]


# --- whose mistake it is


async def test_a_flagged_prompt_is_refused_once_and_nobody_else_is_asked(gateway, backends):
    refusal = b'{"error":{"message":"Your input was flagged","code":"content_policy_violation"}}'
    backends["gpu"].default = answer(403, refusal)
    for _ in range(7):
        status, _, body = await gateway.post(ASK)
        assert (status, body) == (403, refusal)
    assert len(backends["gpu"].requests) == 7 and not backends["api"].requests


async def test_a_403_that_says_nothing_of_us_opens_no_circuit(gateway, backends):
    backends["gpu"].default = answer(403, b"<html>Forbidden</html>")
    for _ in range(7):
        assert (await gateway.post(ASK))[1]["x-breakeven-backend"] == "api"
    assert len(backends["gpu"].requests) == 7


async def test_a_403_about_our_key_opens_the_circuit(gateway, backends):
    backends["gpu"].default = answer(403, b'{"error":{"code":"invalid_api_key"}}')
    for _ in range(7):
        assert (await gateway.post(ASK))[1]["x-breakeven-backend"] == "api"
    assert len(backends["gpu"].requests) == 5


async def test_a_model_that_a_backend_does_not_know_is_asked_of_the_next_one(gateway, backends, caplog):
    backends["gpu"].default = answer(404, b'{"object":"error","message":"The model does not exist","code":404}')
    for _ in range(2):
        status, headers, _ = await gateway.post(ASK)
        assert (status, headers["x-breakeven-backend"]) == (200, "api")
        assert headers["x-breakeven-reason"].startswith("failover from gpu: HTTP 404")
    assert len(backends["gpu"].requests) == 1
    [line] = [vars(record) for record in caplog.records if record.message == "model not known"]
    assert line["backend"] == "gpu" and "backends.gpu.serves.chat" in line["why"]


QUOTA = {
    "message": "You exceeded your current quota, please check your plan and billing details.",
    "type": "insufficient_quota",
    "param": None,
    "code": "insufficient_quota",
}
BALANCE = "Your credit balance is too low to access the Anthropic API."
UNPAID = {
    "a quota": (429, {"error": QUOTA}),
    "a balance": (400, {"type": "error", "error": {"type": "invalid_request_error", "message": BALANCE}}),
}


@pytest.mark.parametrize(("status", "error"), UNPAID.values(), ids=UNPAID.keys())
async def test_a_backend_whose_bill_is_not_paid_is_asked_once_and_the_next_one_answers(
    gateway, backends, status, error
):
    backends["gpu"].default = answer(status, json.dumps(error).encode(), "retry-after: 1\r\n")
    got, headers, _ = await gateway.post(ASK)
    assert (got, headers["x-breakeven-backend"], len(backends["gpu"].requests)) == (200, "api", 1)


async def test_a_quota_that_is_used_up_is_told_as_its_provider_says_it(gateway, backends, caplog):
    backends["gpu"].default = answer(429, json.dumps({"error": QUOTA}).encode(), "retry-after: 1\r\n")
    status, headers, body = await gateway.post(RESTRICTED)
    assert (status, json.loads(body)["error"]) == (429, QUOTA)
    assert headers["x-should-retry"] == "false" and "retry-after" not in headers
    assert len(backends["gpu"].requests) == 1
    [line] = [vars(each) for each in caplog.records if each.message == "nothing left to spend"]
    assert line["backend"] == "gpu" and "backends.gpu.api_key" in line["why"]


async def test_a_balance_that_is_too_low_is_no_mistake_of_the_clients(gateway, backends):
    status, error = UNPAID["a balance"]
    backends["gpu"].default = answer(status, json.dumps(error).encode())
    status, headers, body = await gateway.post(RESTRICTED)
    assert (status, headers["x-should-retry"], len(backends["gpu"].requests)) == (503, "false", 1)
    assert "nothing left to spend" in body.decode() and "backends.gpu.api_key" in body.decode()


async def test_one_whose_bill_is_not_paid_rests_as_others_that_fail(gateway, backends):
    backends["gpu"].default = answer(429, json.dumps({"error": QUOTA}).encode())
    for _ in range(8):
        assert (await gateway.post(ASK))[0] == 200
    assert len(backends["gpu"].requests) == 5


ASKED = {
    "/v1/chat/completions": ASK,
    "/v1/completions": {"model": "chat", "prompt": "Hi"},
    "/v1/responses": {"model": "chat", "input": "Hi"},
    "/v1/embeddings": {"model": "chat", "input": "Hi"},
}
NOT_THERE = [
    b"",
    b"<h1>404 Not Found</h1>",
    b'{"detail":"Not Found"}',
    b'{"error":{"message":"Not Found","type":"not_found_error","code":null}}',
    b'{"error":{"message":"Nothing here","type":"invalid_request_error","param":null,"code":null}}',
    b'{"type":"error","error":{"type":"not_found_error","message":"Not Found"}}',
]


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("body", NOT_THERE)
async def test_whatever_is_not_there_is_asked_of_the_next_one_and_told_in_the_policys_terms(
    gateway, backends, path, body
):
    for each in backends.values():
        each.default = answer(404, body)
    status, _, told = await gateway.post(ASKED[path], path=path)
    assert status == 503 and all(each.requests for each in backends.values())
    assert "backends.gpu.serves.chat" in told.decode() and "backends.api.serves.chat" in told.decode()


async def test_a_page_that_is_not_there_keeps_the_model_for_other_endpoints(gateway, backends):
    """A backend that speaks chat and no Responses answers these with 404: that is not to take it out of service."""
    for each in backends.values():
        each.default = answer(404, b'{"detail":"Not Found"}')
    status, _, _ = await gateway.post({"model": "chat", "input": "hello"}, path="/v1/responses")
    assert status in (404, 502, 503)
    backends["gpu"].default = answer(200, completion())
    status, headers, _ = await gateway.post({"model": "chat", "messages": [{"role": "user", "content": "hello"}]})
    assert (status, headers["x-breakeven-backend"]) == (200, "gpu")
