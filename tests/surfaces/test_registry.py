"""What holds of every surface, whatever its dialect."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from router.core.reading import BadBody
from router.surfaces.base import Surface
from router.surfaces.paths import plain
from router.surfaces.registry import BY_PATH, FALLBACK, SURFACES, Endpoint, spoken_by
from tests.core.conftest import Make

EVERY = pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES.keys())


def test_the_type_of_their_names_has_them_all() -> None:
    assert get_args(Endpoint) == tuple(SURFACES)


def test_each_is_found_by_its_name_and_by_a_path_of_its_own() -> None:
    assert {surface.name: surface for surface in BY_PATH.values()} == SURFACES
    assert len(BY_PATH) == sum(len(surface.paths) for surface in SURFACES.values())
    assert BY_PATH["/v1/chat/completions"] is FALLBACK


def test_paths_are_plain() -> None:
    assert [plain(path) for path in BY_PATH] == list(BY_PATH)


@EVERY
def test_what_it_writes_it_can_read(surface: Surface) -> None:
    reading = surface.read(surface.example("chat", "Hello"))
    assert (reading.model, reading.stream, reading.input_tokens > 0) == ("chat", False, not surface.free)


@EVERY
def test_what_is_no_request_is_refused(surface: Surface) -> None:
    with pytest.raises(BadBody):
        surface.read(b"[]")


@EVERY
def test_a_route_gets_its_own_name_of_the_model(surface: Surface, make: Make) -> None:
    body = surface.example("chat", "Hello")
    edited = surface.edit(body, surface.read(body), make.route("gpu", upstream_model="llama"))
    assert edited == surface.example("llama", "Hello")


@EVERY
def test_its_errors_are_errors_and_no_answers(surface: Surface) -> None:
    body = surface.error(429, "rate_limit_exceeded", "Slow down.", None, None)
    assert surface.error_status(body) == 429
    assert surface.read_answer(body) == (False, None)
    assert surface.relayed_error(429, body) == body


@EVERY
def test_a_failed_stream_is_known_by_its_event(surface: Surface, make: Make) -> None:
    scanner = surface.scanner(surface.read(surface.example("chat", "Hello")), make.route())
    event = surface.error_event(502, "upstream_stream_broken", "It broke off.")
    assert scanner.feed(event) == event
    assert scanner.error


@EVERY
def test_a_stream_that_broke_off_ends_with_an_error(surface: Surface, make: Make) -> None:
    scanner = surface.scanner(surface.read(surface.example("chat", "Hello")), make.route())
    event = surface.broken_stream(scanner, 502, "upstream_stream_broken", "It broke off.")
    assert scanner.feed(event) == event
    assert scanner.error


FOREIGN = {
    "openai": b'{"error":{"message":"Busy","type":"server_error","param":null,"code":null}}',
    "an error in words": b'{"error":"Busy"}',
    "anthropic": b'{"type":"error","error":{"type":"overloaded_error","message":"Busy"},"request_id":null}',
    "vllm before 0.10": b'{"object":"error","message":"Busy","type":"InternalServerError","param":null,"code":500}',
    "an event of responses": b'{"type":"error","code":"server_error","message":"Busy","param":null}',
    "fastapi": b'{"detail":"Busy"}',
    "a proxy": b'{"message":"Busy","code":503}',
    "a text in JSON": b'"Busy"',
    "a text": b"Busy",
}
SAID = pytest.mark.parametrize("said", FOREIGN.values(), ids=FOREIGN.keys())


def is_own(surface: Surface, value: Any) -> bool:
    """Whether a value is an error in the dialect of a surface, and says that."""
    if surface.name in ("messages", "count_tokens"):
        error = value["error"]
        return value["type"] == "error" and isinstance(error["type"], str) and error["message"] == "Busy"
    return "type" not in value and value["error"].keys() == {"message", "type", "param", "code"} and busy(value)


def busy(value: Any) -> bool:
    return bool(value["error"]["message"] == "Busy")


@EVERY
@SAID
def test_what_a_backend_says_of_an_error_is_told_in_the_clients_dialect(surface: Surface, said: bytes) -> None:
    assert is_own(surface, json.loads(surface.relayed_error(503, said, "req_1")))


@EVERY
@SAID
@pytest.mark.parametrize("name", [b"", b"event: error\n"])
def test_so_it_is_in_a_stream(surface: Surface, make: Make, said: bytes, name: bytes) -> None:
    scanner = surface.scanner(surface.read(surface.example("chat", "Hello")), make.route())
    event = name + b"data: %b\n\n" % said
    assert scanner.feed(event) == event and scanner.error and scanner.failure == event
    data = json.loads(surface.relayed_event(scanner, event, "req_1").partition(b"data: ")[2])
    if surface.name.startswith("responses"):
        own = data["type"] == "error" and data["message"] == "Busy"
        assert own or (data["type"] == "response.failed" and busy(data["response"]))
    else:
        assert is_own(surface, data)


def test_a_client_is_spoken_to_in_the_dialect_whose_headers_it_sends() -> None:
    assert spoken_by({"anthropic-version": "2023-06-01"}) is SURFACES["messages"]
    assert spoken_by({"x-api-key": "k"}) is FALLBACK
