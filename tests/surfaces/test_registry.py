"""What holds of every surface, whatever its dialect."""

from __future__ import annotations

from typing import get_args

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


def test_a_client_is_spoken_to_in_the_dialect_whose_headers_it_sends() -> None:
    assert spoken_by({"anthropic-version": "2023-06-01"}) is SURFACES["messages"]
    assert spoken_by({"x-api-key": "k"}) is FALLBACK
