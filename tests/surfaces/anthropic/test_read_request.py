from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core import features
from router.core.reading import BadBody, Reading
from router.core.sensitivity.gate import MALFORMED
from router.core.values import Label
from router.surfaces.anthropic.read_request import DEFINED_TOOL_BOUND
from router.surfaces.openai.read_request import FRAME_TOKENS, MEDIA_BOUND, TOOLS_TOKENS
from router.surfaces.registry import SURFACES

HELLO = [{"role": "user", "content": "Hello"}]


def body_of(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "max_tokens": 9, "messages": HELLO} | fields).encode()


def read(**fields: Any) -> Reading:
    return SURFACES["messages"].read(body_of(**fields))


def test_a_minimal_message() -> None:
    body = body_of()
    found = read()
    assert (found.model, found.stream, found.max_output_tokens, found.answers) == ("m", False, 9, 1)
    assert (found.unreadable, found.uses, found.addresses, found.labels, found.service) == ((), (), (), (), "")
    assert found.input_tokens == 4 + (len("userHello") + 2) // 3
    assert found.input_bound == len(body) + FRAME_TOKENS
    assert body[slice(*found.model_span)] == b'"m"'


@pytest.mark.parametrize(
    ("body", "says", "param", "code"),
    [
        (b"[]", "must be a JSON object", None, "invalid_json"),
        (b"{", "not valid JSON", None, "invalid_json"),
        (b'{"model":"\xff"}', "not UTF-8", None, "invalid_json"),
        (b'{"max_tokens":1}', "provide a model", "model", "missing_required_parameter"),
        (b'{"model":"m","messages":[]}', "Field required", "max_tokens", "missing_required_parameter"),
        (b'{"model":"m","max_tokens":"many"}', "valid integer", "max_tokens", "invalid_type"),
        (b'{"model":"m","max_tokens":1,"stream":1}', "expected a boolean", "stream", "invalid_type"),
        (b'{"model":"m","model":"n","max_tokens":1}', "given twice", "model", "duplicate_field"),
        (b'{"model":"m","max_tokens":1,"system":"a","system":"b"}', "given twice", "system", "duplicate_field"),
        (b'{"model":"m","max_tokens":1,"metadata":{"tags":"a","tags":"b"}}', "twice", "tags", "duplicate_field"),
        (b'{"model":"m","max_tokens":1,"fallbacks":[{"model":"n"}]}', "policy", "fallbacks", "unsupported_parameter"),
    ],
)
def test_what_cannot_be_decided_on(body: bytes, says: str, param: str | None, code: str | None) -> None:
    with pytest.raises(BadBody, match=says) as caught:
        SURFACES["messages"].read(body)
    assert (caught.value.param, caught.value.code) == (param, code)


@pytest.mark.parametrize(("given", "most"), [(0, 0), (5, 5), (5.0, 5), ("5", 5), (10**18, 1_000_000_000)])
def test_the_most_output(given: Any, most: int) -> None:
    assert read(max_tokens=given).max_output_tokens == most


def test_streams() -> None:
    assert read(stream=True).stream and not read(stream=False).stream and not read(stream=None).stream


@pytest.mark.parametrize(
    "fields",
    [
        {"system": "Hidden words"},
        {"system": [{"type": "text", "text": "Hidden words"}]},
        {"messages": [*HELLO, {"role": "assistant", "content": [{"type": "text", "text": "Hidden words"}]}]},
        {"tools": [{"name": "x", "description": "Hidden words", "input_schema": {}}]},
        {"stop_sequences": ["Hidden words"]},
        {"metadata": {"user_id": "Hidden words"}},
        {"output_config": {"format": {"type": "json_schema", "schema": {"title": "Hidden words"}}}},
    ],
)
def test_every_text_counts(fields: dict[str, Any]) -> None:
    assert read(**fields).input_tokens >= read().input_tokens + len("Hidden words") // 3


@pytest.mark.parametrize(
    ("fields", "uses"),
    [
        ({"cache_control": {"type": "ephemeral"}}, {features.CACHE_BREAKPOINTS}),
        ({"cache_control": None}, set()),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, {features.HOSTED_TOOLS}),
        ({"mcp_servers": [{"type": "url", "url": "https://x.test", "name": "x"}]}, {features.TOOL_SERVERS}),
        ({"mcp_servers": []}, set()),
        ({"container": "container_1"}, {features.CONTAINERS}),
        ({"container": {"skills": []}}, {features.CONTAINERS}),
        ({"compaction": {"type": "auto"}}, {features.COMPACTION}),
        ({"context_management": {"edits": [{"type": "compact_20260112"}, "odd"]}}, {features.COMPACTION}),
        ({"context_management": {"edits": [{"type": "clear_thinking_20251015"}]}}, set()),
        ({"context_management": {"edits": "odd"}}, set()),
        ({"context_management": "odd"}, set()),
    ],
)
def test_what_not_every_backend_keeps(fields: dict[str, Any], uses: set[str]) -> None:
    assert set(read(**fields).uses) == uses


@pytest.mark.parametrize(
    ("fields", "addresses"),
    [
        (
            {"mcp_servers": [{"url": "https://x.test/sse"}, "http://y.test", {"name": "z"}]},
            ("https://x.test/sse", "http://y.test"),
        ),
        ({"mcp_servers": {"url": "https://x.test/sse"}}, ("https://x.test/sse",)),
        ({"kv_transfer_params": {"remote_host": "10.0.0.1"}}, ("kv_transfer_params",)),
    ],
)
def test_where_a_backend_would_connect_to(fields: dict[str, Any], addresses: tuple[str, ...]) -> None:
    assert read(**fields).addresses == addresses


def test_what_is_in_a_container_cannot_be_seen() -> None:
    assert read(container="container_1").unreadable == ("container",)


@pytest.mark.parametrize(
    ("text", "unreadable"), [("data:image/png;base64," + "iVBORw0K" * 8, ("base64 data",)), ("no;base64,", ())]
)
def test_data_between_the_lines(text: str, unreadable: tuple[str, ...]) -> None:
    assert read(system=text).unreadable == unreadable


@pytest.mark.parametrize(
    ("metadata", "labels"),
    [
        ({"user_id": "u1"}, ()),
        ({"sensitivity": "restricted"}, (Label(level="restricted", source="metadata"),)),
        ("odd", (Label(level=MALFORMED, source="metadata"),)),
    ],
)
def test_labels_in_the_metadata(metadata: Any, labels: tuple[Label, ...]) -> None:
    assert read(metadata=metadata).labels == labels


@pytest.mark.parametrize(
    ("fields", "service"),
    [
        ({}, ""),
        ({"service_tier": "auto"}, "auto"),
        ({"service_tier": "standard_only"}, "standard"),
        ({"speed": "fast"}, "fast"),
        ({"speed": "standard", "service_tier": "auto"}, "auto"),
    ],
)
def test_the_service_that_is_asked_for(fields: dict[str, Any], service: str) -> None:
    assert read(**fields).service == service


IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO" * 1000}}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}}


def test_the_bound_is_of_what_the_body_can_hold() -> None:
    tools = body_of(tools=[{"name": "x", "input_schema": {}}])
    assert SURFACES["messages"].read(tools).input_bound == len(tools) + TOOLS_TOKENS
    defined = body_of(tools=[{"type": "bash_20250124", "name": "bash", "cache_control": {}}])
    assert SURFACES["messages"].read(defined).input_bound == len(defined) + TOOLS_TOKENS + DEFINED_TOOL_BOUND
    image = body_of(messages=[{"role": "user", "content": [IMAGE]}])
    assert SURFACES["messages"].read(image).input_bound == len(image) - 4000 + MEDIA_BOUND + FRAME_TOKENS


@pytest.mark.parametrize(
    ("fields", "contexts"),
    [
        ({"messages": [{"role": "user", "content": [PDF]}]}, 1),
        ({"messages": [{"role": "user", "content": [{"type": "container_upload", "file_id": "f"}]}]}, 11),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"file_id": "f"}}]}]}, 1),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, 11),
        ({"container": "container_1"}, 11),
        ({"messages": [{"role": "user", "content": [IMAGE]}]}, 0),
        ({}, 0),
    ],
)
def test_how_often_a_context_may_be_filled(fields: dict[str, Any], contexts: int) -> None:
    assert read(**fields).contexts == contexts


def test_what_somebody_keeps_is_named() -> None:
    image = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
    found = read(messages=[{"role": "user", "content": [image]}], container={"id": "container_1"})
    assert found.refers_to == ("file_1", "container_1")


def test_counting_takes_nothing() -> None:
    surface = SURFACES["count_tokens"]
    found = surface.read(b'{"model":"m","messages":[{"role":"user","content":"Hello"}],"stream":true}')
    assert (found.max_output_tokens, found.input_tokens, found.input_bound, found.stream) == (0, 0, 0, False)
    image = surface.read(json.dumps({"model": "m", "messages": [{"role": "user", "content": [IMAGE]}]}).encode())
    assert image.unreadable == ("image",) and "image" in image.modalities


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "source", "x"]), inner)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_every_field_may_hold_anything(value: Any) -> None:
    names = ["messages", "system", "tools", "mcp_servers", "container", "metadata", "context_management", "thinking"]
    found = read(**dict.fromkeys(names, value))
    assert found.input_bound >= found.input_tokens >= 0
