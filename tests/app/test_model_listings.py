"""What backends list is compared with the policy, and workers hear of it."""

from __future__ import annotations

import json
import ssl
from datetime import UTC, datetime

import pytest
from support.scripted import ScriptedBackend, answer

from router.app.model_listings import ModelListings, listings_of
from router.config.load import plan_of
from router.core.values import Plan
from router.ledger.redis_keys import SHARED_KEY
from router.ledger.shared_status import read_unlisted

POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  api: {zone: cloud, kind: openai, url: %s, serves: {fast: gpt-4o-mini, best: gpt-4o}}
  gone: {zone: cloud, kind: openai, url: "http://127.0.0.1:9/v1", serves: {best: gpt-4o}}
  gpu: {zone: local, kind: vllm, url: "http://127.0.0.1:9/v1", serves: {fast: llama}}
models: {fast: {backends: [gpu, api]}, best: {backends: [api, gone]}}
"""


def listing(*names: str):
    return answer(200, json.dumps({"data": [{"id": name} for name in names]}).encode())


@pytest.fixture
async def api():
    backend = ScriptedBackend(default=listing("gpt-4o-mini"))
    await backend.start()
    yield backend
    await backend.stop()


@pytest.fixture
def plan(api) -> Plan:
    return plan_of((POLICY % api.url).encode(), "policy.yaml", now=datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture
def tls() -> ssl.SSLContext:
    return ssl.create_default_context()


async def test_who_can_be_asked_is_and_who_does_not_tell_is_named(plan, tls):
    listed, silent = await listings_of(plan, tls)
    assert listed == {"api": {"gpt-4o-mini"}}
    assert list(silent) == ["gone"] and "127.0.0.1:9" in silent["gone"]


async def test_workers_and_pages_hear_of_it_until_it_is_mended(valkey_url, valkey_client, plan, tls, api):
    plans = [plan]
    listings = ModelListings(valkey_url, lambda: plans[-1], tls)
    try:
        await listings.look()
        assert listings.unlisted == {"api": ("gpt-4o",)}
        assert read_unlisted(valkey_client.hgetall(SHARED_KEY))[1] == {"api": ("gpt-4o",)}
        await listings.look()
        assert len(api.requests) == 1, "the same policy is asked about once an hour"
        api.default = listing("gpt-4o-mini", "gpt-4o")
        plans.append(plan_of((POLICY % api.url).encode() + b"\n", "policy.yaml", now=datetime(2026, 11, 1, tzinfo=UTC)))
        await listings.look()
        assert read_unlisted(valkey_client.hgetall(SHARED_KEY))[1] == {}
    finally:
        listings._link.close()
