"""Limits as clients see them."""

from __future__ import annotations

import json

import pytest
from support.gateway import POLICY

from router.core.values import Cell

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 10}
CLOUD_FIRST = POLICY.replace("local_first", "cloud_first") + "ledger: {holds: worst_case}\n"


def error_of(body: bytes) -> dict:
    return json.loads(body)["error"]


async def test_a_day_that_is_used_up_is_insufficient_quota_and_no_reason_to_retry(serve, backends):
    gateway = await serve(CLOUD_FIRST + "budget: {requests_per_day: 1}\n")
    assert (await gateway.post(ASK))[0] == 200
    status, headers, body = await gateway.post(ASK)
    error = error_of(body)
    assert (status, error["type"], error["code"]) == (429, "insufficient_quota", "insufficient_quota")
    assert headers["x-should-retry"] == "false"
    assert "retry-after" not in headers and "The day ends on " in error["message"]
    assert "All keys together are limited to 1 request per day" in error["message"]
    assert headers["x-breakeven-reason"] == "insufficient_quota"
    assert backends["api"].received.count(b"POST ") == 1 and not backends["gpu"].received


async def test_a_minute_that_is_used_up_may_be_tried_again(serve, clock):
    gateway = await serve(CLOUD_FIRST + "budget: {requests_per_minute: 1}\n")
    assert (await gateway.post(ASK))[0] == 200
    status, headers, body = await gateway.post(ASK)
    assert (status, error_of(body)["code"], error_of(body)["type"]) == (429, "rate_limit_exceeded", "requests")
    assert headers["x-should-retry"] == "true"
    assert 1 <= int(headers["retry-after"]) <= 60
    clock.now += 60
    assert (await gateway.post(ASK))[0] == 200


async def test_a_request_that_is_larger_than_its_limit_is_told_so(serve, backends):
    gateway = await serve(CLOUD_FIRST + "budget: {tokens_per_day: 50}\n")
    status, headers, body = await gateway.post(ASK | {"max_tokens": 5000})
    assert (status, error_of(body)["code"]) == (429, "insufficient_quota")
    assert "a smaller max_tokens may" in error_of(body)["message"]
    assert "retry-after" not in headers and headers["x-should-retry"] == "false"
    assert not backends["api"].received


@pytest.mark.parametrize(("exhausted", "status"), [("refuse", 429), ("local_only", 200)])
async def test_a_team_out_of_money_for_the_cloud_may_keep_its_gpu(serve, backends, exhausted, status):
    limits = f"{{cloud: {{requests_per_day: 1}}, on_budget_exhausted: {exhausted}}}"
    gateway = await serve(CLOUD_FIRST + f"teams: {{default: {{budget: {limits}}}}}\n")
    assert (await gateway.post(ASK))[1]["x-breakeven-backend"] == "api"
    answer = await gateway.post(ASK)
    assert answer[0] == status
    if status == 200:
        assert (answer[1]["x-breakeven-backend"], answer[1]["x-breakeven-reason"]) == ("gpu", "budget-exhausted")
    assert backends["api"].received.count(b"POST ") == 1


async def test_failover_does_not_buy_what_the_limit_does_not_allow(serve, backends):
    """A request that goes home first is admitted without money, and stays there when that fails."""
    gateway = await serve(POLICY + "budget: {cloud: {requests_per_day: 0}}\n")
    await backends["gpu"].stop()
    status, _, _ = await gateway.post(ASK)
    assert status >= 500
    assert not backends["api"].received


async def test_a_soft_limit_is_told_in_a_header(serve):
    gateway = await serve(CLOUD_FIRST + "budget: {requests_per_day: 4, soft: 0.5}\n")
    told = [(await gateway.post(ASK))[1].get("x-breakeven-budget") for _ in range(4)]
    assert told[0] is None
    assert told[1] == "global: requests_per_day 50 % used or held"
    assert told[3] == "global: requests_per_day 100 % used or held"


async def test_nothing_stays_held_whatever_became_of_requests(serve, backends):
    gateway = await serve(CLOUD_FIRST + "budget: {concurrent_requests: 1, usd_per_day: 1}\n")
    for _ in range(3):
        assert (await gateway.post(ASK))[0] == 200
    await backends["api"].stop()
    await backends["gpu"].stop()
    for _ in range(3):
        assert (await gateway.post(ASK))[0] == 503
    counters = gateway.ledger.counters.values()
    assert [(counter.held, counter.risk) for counter in counters] == [(0, 0)] * len(counters)
    assert not gateway.ledger.holds


async def test_what_is_settled_is_used(serve):
    gateway = await serve(CLOUD_FIRST + "budget: {usd_per_day: 1, tokens_per_month: 1000000, requests_per_minute: 9}\n")
    await gateway.post(ASK)
    [row] = gateway.rows()
    used = {field: counter.used for (_, field), counter in gateway.ledger.counters.items()}
    assert used == {
        "global|all||usd": row.cost,
        "global|all||tokens": row.input + row.output,
        "global|all||requests": 1,
    }
    assert row.cost > 0


async def test_every_request_has_a_record(serve, backends):
    gateway = await serve(CLOUD_FIRST + "budget: {requests_per_day: 2}\n")
    _, headers, _ = await gateway.post(ASK | {"metadata": {"sensitivity": "restricted"}})
    await gateway.post(ASK)
    _, refused_headers, _ = await gateway.post(ASK)
    first, second, refused = gateway.ledger.records
    assert (first.kind, first.status, first.level, first.request) == (
        "settled",
        200,
        "restricted",
        headers["x-request-id"],
    )
    assert first.cell == Cell("gpu", "local", "chat", "default", "anonymous")
    assert (second.reason, second.backend) == ("cloud-first", "api")
    assert 0 < second.sent <= second.first_byte <= second.duration
    assert (refused.kind, refused.status, refused.reason) == ("refused", 429, "insufficient_quota")
    assert refused.request == refused_headers["x-request-id"]
    assert "hello" not in repr(gateway.ledger.records)


async def test_failures_have_records_that_say_why(serve, backends):
    gateway = await serve(CLOUD_FIRST)
    await backends["api"].stop()
    await backends["gpu"].stop()
    await gateway.post(ASK)
    [record] = gateway.ledger.records
    assert (record.kind, record.status, record.error) == ("settled", 503, True)
    assert "connection refused" in record.detail and record.attempts >= 2
