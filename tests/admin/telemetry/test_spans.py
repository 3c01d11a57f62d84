"""A record as spans: the conventions' names, times in the right places, and nothing that the record does not have."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from router.admin.telemetry.spans import drafts, provider_of
from router.config.load import load
from router.core.backend_kinds import LitellmBackend, OpenAIBackend, VllmBackend
from router.core.values import Plan
from router.ledger.record import Record

AT = 1_795_604_400.25
RECORD = Record(
    kind="settled", id="w1-7", at=AT, key="app", team="search", model="chat", backend="api", zone="cloud",
    input=120, cached=30, output=40, cost=2_500_000, counterfactual=900_000, request="req-1", level="public",
    tags=("eu",), reason="threshold-below", status=200, stream=True, attempts=1, sent=1_500, first_byte=201_500,
    duration=900_000, endpoint="chat",
)  # fmt: skip


@pytest.fixture
def plan(policy) -> Plan:
    return load(policy)


def changed(**fields) -> Record:
    return msgspec.structs.replace(RECORD, **fields)


def test_the_call_has_the_names_of_the_conventions(plan):
    call = drafts(RECORD, plan).call
    assert call.name == "chat chat"
    assert call.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "chat",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "gpt",
        "gen_ai.response.time_to_first_chunk": 0.2,
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.output_tokens": 40,
        "gen_ai.usage.cache_read.input_tokens": 30,
        "server.address": "127.0.0.1",
        "server.port": 9,
        "breakeven.backend": "api",
        "breakeven.zone": "cloud",
    }


def test_the_request_says_who_asked_where_it_went_why_and_what_it_cost(plan):
    request = drafts(RECORD, plan).request
    assert request.name == "breakeven request"
    assert request.attributes == {
        "http.response.status_code": 200,
        "breakeven.request_id": "req-1",
        "breakeven.key": "app",
        "breakeven.team": "search",
        "breakeven.model": "chat",
        "breakeven.backend": "api",
        "breakeven.zone": "cloud",
        "breakeven.sensitivity": "public",
        "breakeven.tags": ("eu",),
        "breakeven.reason": "threshold-below",
        "breakeven.attempts": 1,
        "breakeven.cost_usd": 0.0025,
        "breakeven.counterfactual_usd": 0.0009,
        "breakeven.estimated": False,
        "breakeven.endpoint": "chat",
    }


def test_the_call_begins_when_it_was_sent_and_both_end_with_the_answer(plan):
    found = drafts(RECORD, plan)
    assert found.request.start == 1_795_604_400_250_000_000
    assert found.call.start - found.request.start == 1_500_000
    assert found.request.end == found.call.end == found.request.start + 900_000_000


def test_every_attribute_is_documented_and_no_other(plan):
    page = (Path(__file__).parents[3] / "docs/observability.md").read_text().split("## Traces")[1]
    found = drafts(changed(cache_write=5, error=True, status=502), plan)
    made = {*found.request.attributes, *found.call.attributes}
    documented = set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", page))
    assert documented == made


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"error": False}, None),
        ({"error": True, "status": 502}, "502"),
        ({"error": True, "status": 200}, "interrupted"),
        ({"error": True, "status": 0}, "client_left"),
    ],
)
def test_an_error_has_a_class_and_is_explained(fields, error, plan):
    found = drafts(changed(detail="the backend ended the stream early", **fields), plan)
    for draft in (found.request, found.call):
        assert draft.attributes.get("error.type") == error
        assert draft.error == (None if error is None else "the backend ended the stream early")


def test_a_refusal_called_nobody(plan):
    record = Record("refused", "", AT, "app", "search", "chat", reason="egress_denied", status=403, request="req-2")
    found = drafts(record, plan)
    assert found.call is None and found.seed == "req-2"
    assert found.request.attributes["error.type"] == "egress_denied"


@pytest.mark.parametrize("kind", ["held", "lifted", "of a later version"])
def test_corrections_of_the_books_are_no_requests(kind, plan):
    assert drafts(changed(kind=kind), plan) is None


def test_a_backend_that_the_policy_names_no_more(plan):
    attributes = drafts(changed(backend="gone", model="gone"), plan).call.attributes
    assert attributes["gen_ai.provider.name"] == "gone"
    assert "server.address" not in attributes and "gen_ai.response.model" not in attributes


@pytest.mark.parametrize(
    ("endpoint", "operation"),
    [
        ("", "chat"),
        ("messages", "chat"),
        ("responses", "chat"),
        ("responses_input_tokens", "responses_input_tokens"),
        ("completions", "text_completion"),
        ("embeddings", "embeddings"),
        ("transcriptions", "transcriptions"),
        ("files", "files"),
        ("an endpoint of tomorrow", "an endpoint of tomorrow"),
    ],
)
def test_the_endpoint_is_the_operation(endpoint, operation, plan):
    call = drafts(changed(endpoint=endpoint), plan).call
    assert (call.name, call.attributes["gen_ai.operation.name"]) == (f"{operation} chat", operation)


def test_replicas_have_no_one_address(policy):
    policy.write_text(policy.read_text().replace('kind: openai, url: "http://127.0.0.1:9/v1"',
                                                 'kind: openai, urls: ["http://a/v1", "http://b/v1"]'))  # fmt: skip
    assert "server.address" not in drafts(RECORD, load(policy)).call.attributes


@pytest.mark.parametrize(
    ("backend", "upstream", "name"),
    [
        (VllmBackend(zone="z", serves={"m": "m"}, kind="vllm", url="http://h/v1"), "m", "vllm"),
        (OpenAIBackend(zone="z", serves={"m": "m"}, kind="openai", url="http://h/v1"), "m", "openai"),
        (OpenAIBackend(zone="z", serves={"m": "m"}, kind="openai", url="http://h", provider="xai"), "m", "x_ai"),
        (LitellmBackend(zone="z", serves={"m": "m"}, kind="litellm"), "anthropic/claude", "anthropic"),
        (LitellmBackend(zone="z", serves={"m": "m"}, kind="litellm"), "vertex_ai/gemini", "gcp.vertex_ai"),
    ],
)  # fmt: skip
def test_providers_are_called_as_the_conventions_call_them(backend, upstream, name, plan):
    route = msgspec.structs.replace(plan.models["chat"].routes[1], upstream_model=upstream)
    assert provider_of(backend, route) == name
