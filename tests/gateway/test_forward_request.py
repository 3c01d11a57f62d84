"""What one attempt tells of itself once it has come to nothing."""

from __future__ import annotations

import asyncio

import pytest
from support.scripted import event, usage_event

from router.core.resilience.retry import Fault, Outcome
from router.core.values import Candidate, Usage
from router.gateway.forward_request import Attempt
from router.gateway.upstream_response import UpstreamResponse
from router.surfaces.registry import SURFACES

OUTCOME = Outcome(fault=Fault.BAD_RESPONSE)


@pytest.fixture
async def sent(gateway) -> Attempt:
    route = gateway.state.plan.models["chat"].routes[0]
    replica = gateway.fleet.backends["gpu"].replicas[0]
    surface = SURFACES["chat"]
    reading = surface.read(b'{"model":"chat","stream":true}')
    exchange = UpstreamResponse(
        asyncio.get_running_loop(), surface=surface, reading=reading, route=route, most=1_000_000
    )
    return Attempt(Candidate(route, "local-first", "Why."), replica, exchange, replica.pool)


async def test_nothing_was_written_before_there_was_a_connection(sent):
    failed = sent.failed(OUTCOME)
    assert (failed.backend, failed.outcome, failed.written) == ("gpu", OUTCOME, False)
    assert (failed.size, failed.events, failed.usage) == (0, 0, None)


async def test_what_came_of_a_stream_is_counted_and_what_it_reported_is_kept(sent):
    sent.exchange.asked_at = 1.0
    sent.exchange.on_head(200, [(b"content-type", b"text/event-stream")])
    data = event("Pa") + usage_event()
    sent.exchange.on_body(data)
    failed = sent.failed(OUTCOME)
    assert (failed.written, failed.size, failed.events) == (True, len(data), 1)
    assert failed.usage == Usage(input=11, output=7)


async def test_what_came_of_a_body_is_counted_in_bytes(sent):
    sent.exchange.asked_at = 1.0
    sent.exchange.on_head(200, [(b"content-type", b"application/json")])
    sent.exchange.on_body(b'{"choices":[')
    failed = sent.failed(OUTCOME)
    assert (failed.size, failed.events, failed.usage) == (12, 0, None)
