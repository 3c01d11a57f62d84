from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.units import NO_UNITS, Units
from router.core.values import Usage
from router.surfaces.openai.stream import ChunkScanner
from router.surfaces.openai.usage import ABSURD, input_of, text_bytes_of, usage_of


def answer(**usage: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": 'Paris "usage":{}'}, "finish_reason": "stop"}
    return json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice], "usage": usage}).encode()


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}, Usage(input=12, output=3)),
        ({"prompt_tokens": 12, "total_tokens": 12}, Usage(input=12)),  # embeddings
        ({"prompt_tokens": 12, "completion_tokens": None}, Usage(input=12)),
        ({"prompt_tokens": 12.0, "completion_tokens": 3.0}, Usage(input=12, output=3)),
        (
            {"prompt_tokens": 12, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 8}},
            Usage(input=12, cached=8, output=3),
        ),
        ({"prompt_tokens": 12, "prompt_tokens_details": {"cached_tokens": None}}, Usage(input=12)),
        ({"prompt_tokens": 12, "prompt_tokens_details": None}, Usage(input=12)),
        ({"prompt_tokens": 12, "prompt_cache_hit_tokens": 5}, Usage(input=12, cached=5)),
        ({"prompt_tokens": 12, "cache_read_input_tokens": 5}, Usage(input=12, cached=5)),
        ({"prompt_tokens": 12, "cache_creation_input_tokens": 5}, Usage(input=12, cache_write=5)),
        ({"prompt_tokens": 12, "prompt_tokens_details": {"cache_creation_tokens": 5}}, Usage(input=12, cache_write=5)),
        (
            {
                "prompt_tokens": 12,
                "cache_creation_input_tokens": 5,
                "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3},
            },
            Usage(input=12, cache_write=5, cache_write_1h=3),
        ),
        (
            {
                "prompt_tokens": 12,
                "prompt_tokens_details": {
                    "cache_creation_tokens": 5,
                    "cache_creation_token_details": {"ephemeral_1h_input_tokens": 9},
                },
            },
            Usage(input=12, cache_write=5, cache_write_1h=5),
        ),
    ],
)
def test_usage_is_found_wherever_a_provider_puts_it(usage: dict[str, Any], expected: Usage) -> None:
    assert usage_of(answer(**usage)) == expected


def test_what_litellm_gives_for_anthropic_is_counted_once() -> None:
    body = answer(
        prompt_tokens=1117,
        completion_tokens=46,
        total_tokens=1163,
        completion_tokens_details=None,
        prompt_tokens_details={
            "audio_tokens": None,
            "cached_tokens": 100,
            "text_tokens": 517,
            "cache_write_tokens": 500,
            "cache_creation_tokens": 500,
        },
        cache_creation_input_tokens=500,
        cache_read_input_tokens=100,
    )

    assert usage_of(body) == Usage(input=1117, cached=100, cache_write=500, output=46)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": -5, "completion_tokens": 1}, None),
        ({"prompt_tokens": 5, "completion_tokens": -1}, None),
        ({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": -1}}, Usage(input=5)),
        ({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}}, Usage(input=5, cached=5)),
        (
            {"prompt_tokens": 5, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 10**40},
            Usage(input=5, cached=3, cache_write=2),
        ),
        ({"prompt_tokens": ABSURD + 1}, None),
        ({"prompt_tokens": 1, "completion_tokens": 10**30}, None),
        ({"completion_tokens": 3}, None),
        ({}, None),
    ],
)
def test_impossible_numbers_are_bounded_or_dropped(usage: dict[str, Any], expected: Usage | None) -> None:
    assert usage_of(answer(**usage)) == expected


def test_odd_details_do_not_lose_the_totals() -> None:
    assert usage_of(answer(prompt_tokens=12, completion_tokens=3, prompt_tokens_details=[8])) == Usage(12, output=3)
    assert usage_of(answer(prompt_tokens=12, completion_tokens=3, cache_read_input_tokens="8")) == Usage(12, output=3)


DEEP = b'{"a":' + b"[" * 100_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[DONE]",
        b"[]",
        b"null",
        b'{"usage":null}',
        b'{"usage":7}',
        b'{"usage":{"prompt_tokens":"12"}}',
        b'{"usage":{"prompt_tokens":true}}',
        b'{"usage":{"prompt_tokens":12}',
        b"<html>",
        b"\xff\xfe",
        DEEP,
        b'{"usage":{"prompt_tokens":[]},"a":' + b"[" * 100_000,
    ],
    ids=lambda body: str(body[:40]),
)
def test_what_is_not_understood_has_no_usage(body: bytes) -> None:
    assert usage_of(body) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(["prompt_tokens", "completion_tokens", "prompt_tokens_details", "cache_read_input_tokens"])


@given(st.dictionaries(names, json_values))
def test_whatever_is_reported_the_parts_fit_the_whole(usage: dict[str, Any]) -> None:
    found = usage_of(json.dumps({"usage": usage}).encode())

    assert found is None or (min(found.cached, found.cache_write, found.output) >= 0 and found.input <= ABSURD)
    assert found is None or found.cached + found.cache_write <= found.input


@given(st.binary(max_size=200))
def test_no_bytes_raise(body: bytes) -> None:
    assert usage_of(body) is None


def test_a_streamed_event_reports_like_an_answer() -> None:
    event = b'{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}'

    assert usage_of(event) == Usage(input=7, output=2)


@pytest.mark.parametrize(
    ("choices", "size"),
    [
        ([{"message": {"role": "assistant", "content": "Pâris"}}], 8),
        ([{"message": {"content": None, "reasoning_content": "abc"}}, {"message": {"content": "de"}}], 5),
        ([{"message": {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}, "index": 0}]}}], 3),
        ([{"message": {"content": [{"type": "text", "text": "ab"}]}}], 6),
        ([{"text": "abcd", "logprobs": {"tokens": ["not", "counted"]}}], 4),
        ([], 0),
    ],
)
def test_an_estimate_counts_text_not_the_json_around_it(choices: list[Any], size: int) -> None:
    assert text_bytes_of(json.dumps({"id": "x" * 500, "choices": choices}).encode()) == size


def test_embeddings_produce_no_text_and_of_what_is_not_understood_all_counts() -> None:
    assert text_bytes_of(b'{"data":[{"embedding":[0.1,0.2]}]}') == 0
    assert text_bytes_of(b"<html>") == 6


@pytest.mark.parametrize(
    ("beside", "inside", "service"),
    [
        ({"service_tier": "flex"}, {}, "flex"),
        ({"service_tier": "Default"}, {}, "default"),
        ({"service_tier": None}, {}, ""),
        ({"service_tier": {"name": "flex"}}, {}, ""),
        ({"service_tier": "x" * 33}, {}, ""),
        ({}, {"service_tier": "priority"}, "priority"),
        ({"service_tier": "default"}, {"service_tier": "batch"}, "batch"),
        ({}, {}, ""),
    ],
)
def test_the_service_tier_stands_beside_the_usage_or_in_it(beside: Any, inside: Any, service: str) -> None:
    body = json.dumps(beside | {"usage": {"prompt_tokens": 3, "completion_tokens": 1} | inside}).encode()
    assert usage_of(body) == Usage(3, output=1, service=service)


REASONED = {"prompt_tokens": 100, "completion_tokens": 50, "completion_tokens_details": {"reasoning_tokens": 1000}}


@pytest.mark.parametrize(
    ("total", "output"),
    [
        (1150, 1050),
        (1150.0, 1050),
        (150, 50),
        (149, 50),
        (0, 50),
        (-1150, 50),
        (1150.5, 50),
        ("1150", 50),
        (None, 50),
        ([1150], 50),
        (ABSURD + 1, 50),
        (10**40, 50),
    ],
)
def test_what_the_total_has_beyond_the_parts_was_produced(total: Any, output: int) -> None:
    assert usage_of(answer(**REASONED, total_tokens=total)) == Usage(100, output=output)
    odd = answer(**REASONED, total_tokens=total, prompt_tokens_details=[8])
    assert usage_of(odd) == Usage(100, output=output)


def test_a_stream_s_total_counts_as_an_answer_s() -> None:
    scanner = ChunkScanner(strip_usage=False)
    scanner.feed(b"data: " + json.dumps({"choices": [], "usage": REASONED | {"total_tokens": 1150}}).encode() + b"\n\n")

    assert scanner.usage == Usage(100, output=1050)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"usage":{"prompt_tokens":12,"total_tokens":12}}', Usage(12)),
        (b'{"usage":{"total_tokens":15}}', Usage(15)),
        (b'{"usage":{"total_tokens":0}}', None),
        (b'{"usage":{"total_tokens":"15"}}', None),
        (b'{"usage":{"total_tokens":-1}}', None),
        (b'{"usage":null}', None),
        (b"nothing", None),
    ],
)
def test_a_total_alone_is_input_where_nothing_is_written(body: bytes, expected: Usage | None) -> None:
    assert input_of(body) == expected


@pytest.mark.parametrize(
    ("read", "made", "units"),
    [
        ({"audio_tokens": 7}, {"audio_tokens": 2}, Units(audio_input=7, audio_output=2)),
        ({"image_tokens": 3}, {"image_tokens": 2}, Units(image_input=3, image_output=2)),
        ({"audio_tokens": 99}, {"audio_tokens": 99}, Units(audio_input=12, audio_output=3)),
        ({"audio_tokens": 0}, {"audio_tokens": 0, "reasoning_tokens": 2}, NO_UNITS),
        ({}, None, NO_UNITS),
    ],
)
def test_sound_and_pictures_are_parts_of_a_report(read: Any, made: Any, units: Units) -> None:
    usage = {
        "prompt_tokens": 12,
        "completion_tokens": 3,
        "prompt_tokens_details": read,
        "completion_tokens_details": made,
    }
    assert usage_of(answer(**usage)) == Usage(12, output=3, units=units)


def test_a_report_that_is_absurd_has_no_parts() -> None:
    assert usage_of(answer(prompt_tokens=-1, completion_tokens=3, prompt_tokens_details={"audio_tokens": 2})) is None
