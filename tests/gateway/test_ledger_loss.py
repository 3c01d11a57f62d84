"""While the ledger cannot be reached nothing is bought, and the own backends serve on."""

from __future__ import annotations

import json

import pytest
from support.gateway import POLICY

from router.ledger.errors import LedgerUnavailable

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
CLOUD_FIRST = POLICY.replace("local_first", "cloud_first")


@pytest.fixture
async def lost(serve):
    async def start(policy: str):
        gateway = await serve(policy)
        gateway.ledger.available, gateway.ledger.why = False, "connection refused"
        return gateway

    return start


async def test_the_cloud_is_refused_and_the_own_backend_used(lost, backends):
    gateway = await lost(CLOUD_FIRST)
    status, headers, _ = await gateway.post(ASK)
    assert (status, headers["x-breakeven-backend"], headers["x-breakeven-reason"]) == (200, "gpu", "unhealthy")
    assert not backends["api"].received
    [row] = gateway.rows()
    assert (row.cell.backend, row.requests, row.output) == ("gpu", 1, 7)


async def test_where_only_the_cloud_could_answer_the_reason_is_given(lost, backends):
    gateway = await lost(CLOUD_FIRST.replace("backends: [gpu, api]", "backends: [api]"))
    status, headers, body = await gateway.post(ASK)
    error = json.loads(body)["error"]
    assert (status, error["code"]) == (503, "backend_unavailable")
    assert "the ledger cannot be reached" in error["message"] and headers["retry-after"]
    assert not backends["api"].received


async def test_the_policy_may_say_otherwise(lost, backends):
    gateway = await lost(CLOUD_FIRST + "ledger: {on_loss: allow}\n")
    _, headers, _ = await gateway.post(ASK)
    assert headers["x-breakeven-backend"] == "api"


async def test_a_ledger_lost_between_decision_and_hold_buys_nothing_either(serve, backends):
    gateway = await serve(CLOUD_FIRST)

    def reserve(hold: object) -> None:
        raise LedgerUnavailable("just now")

    gateway.ledger.reserve = reserve
    _, headers, _ = await gateway.post(ASK)
    assert headers["x-breakeven-backend"] == "gpu"
    assert not backends["api"].received
    [row] = gateway.rows()
    assert row.requests == 1


async def test_what_was_not_sent_for_want_of_a_hold_is_a_refusal_and_no_usage(serve, backends):
    gateway = await serve(CLOUD_FIRST.replace("backends: [gpu, api]", "backends: [api]"))

    def reserve(hold: object) -> None:
        raise LedgerUnavailable("just now")

    gateway.ledger.reserve = reserve
    status, _, body = await gateway.post(ASK)
    assert (status, json.loads(body)["error"]["code"]) == (503, "backend_unavailable")
    assert not backends["api"].received
    assert gateway.rows() == []
