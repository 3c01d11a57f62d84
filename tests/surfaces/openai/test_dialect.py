"""What the endpoints of OpenAI's have in common."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.core.resilience.error_cause import ErrorCause
from router.core.values import Usage
from router.surfaces.openai.stream import ChunkScanner
from router.surfaces.openai.vllm_running_usage import RunningUsageScanner
from router.surfaces.registry import SURFACES
from tests.core.conftest import Make

CHAT, COMPLETIONS = SURFACES["chat"], SURFACES["completions"]
BOTH = {"include_usage": True, "continuous_usage_stats": True}


def sent(body: dict[str, Any], make: Make, surface: str = "chat", **route: Any) -> Any:
    whole = json.dumps({"model": "llama", "messages": []} | body).encode()
    reading = SURFACES[surface].read(whole)
    return json.loads(SURFACES[surface].edit(whole, reading, make.route("gpu", **route)))


@pytest.mark.parametrize(
    ("body", "route", "options"),
    [
        ({}, {}, None),
        ({"stream": True}, {}, BOTH),
        ({"stream": True}, {"kind": "openai"}, {"include_usage": True}),
        ({"stream": True}, {"stream_usage": False}, None),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"kind": "openai"}, {"include_usage": True}),
        ({"stream": True, "stream_options": {"include_usage": False}}, {}, BOTH),
    ],
)
def test_a_stream_is_asked_for_its_usage_where_a_route_can_tell(
    make: Make, body: dict[str, Any], route: dict[str, Any], options: dict[str, bool] | None
) -> None:
    assert sent(body, make, **route).get("stream_options") == options


def test_of_several_prompts_only_the_whole_usage_is_asked_for(make: Make) -> None:
    several = {"stream": True, "prompt": ["a", "b"]}
    assert sent(several, make, "completions")["stream_options"] == {"include_usage": True}
    assert sent({"stream": True, "n": 2}, make)["stream_options"] == BOTH


@pytest.mark.parametrize(("kind", "scanner"), [("vllm", RunningUsageScanner), ("openai", ChunkScanner)])
def test_running_usage_is_taken_out_where_it_may_be(make: Make, kind: str, scanner: type[ChunkScanner]) -> None:
    reading = CHAT.read(b'{"model":"llama","stream":true}')
    assert type(CHAT.scanner(reading, make.route(kind=kind))) is scanner


@pytest.mark.parametrize(("wants", "left"), [("true", True), ("false", False)])
def test_the_usage_at_the_end_is_for_those_who_want_it(make: Make, wants: str, left: bool) -> None:
    reading = CHAT.read(b'{"model":"m","stream":true,"stream_options":{"include_usage":%b}}' % wants.encode())
    last = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n'
    scanner = CHAT.scanner(reading, make.route("openai"))
    assert bool(scanner.feed(last)) is left
    assert scanner.usage == Usage(3, output=1)


def test_a_body_tells_its_usage_and_its_text() -> None:
    body = b'{"choices":[{"message":{"content":"Paris"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}'
    assert (CHAT.usage_of(body), CHAT.text_bytes_of(body)) == (Usage(3, output=1), 5)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"error":{"message":"no","code":503}}', 503),
        (b'{"error":{"message":"no"}}', 502),
        (b'{"choices":[]}', 0),
        (b"<html>", 0),
    ],
)
def test_an_error_says_which_status_it_should_have_had(body: bytes, status: int) -> None:
    assert CHAT.error_status(body) == status


def test_an_error_speaks_of_somebody() -> None:
    assert CHAT.error_cause(404, b'{"error":{"message":"The model `x` does not exist"}}') is ErrorCause.NAMES
    assert CHAT.error_cause(500, b"<html>") is ErrorCause.BACKEND


def test_a_limit_that_is_used_up_is_known_by_headers() -> None:
    assert CHAT.reset_asked({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "12"}) == 12.0


def test_models_are_listed_and_shown_alike() -> None:
    listing = json.loads(CHAT.models(["chat", "code"]))
    assert [each["id"] for each in listing["data"]] == ["chat", "code"]
    assert listing["data"][1] == json.loads(CHAT.model("code"))
