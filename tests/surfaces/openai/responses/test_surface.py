from __future__ import annotations

import json

from router.core.resilience.error_cause import ErrorCause
from router.core.values import Usage
from router.surfaces.openai.responses.stream import ResponseScanner
from router.surfaces.openai.responses.surface import Responses
from tests.core.conftest import Make

SURFACE = Responses()
ANSWER = json.dumps(
    {
        "object": "response",
        "status": "completed",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "Paris."}]}],
        "usage": {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18},
    }
).encode()


def test_an_answer_is_read_once() -> None:
    assert SURFACE.read_answer(ANSWER) == (True, Usage(11, 0, 0, 7))
    assert SURFACE.read_answer(b"<html>") == (False, None)
    assert SURFACE.usage_of(ANSWER) == Usage(11, 0, 0, 7)
    assert SURFACE.usage_of(b"<html>") is None
    assert SURFACE.text_bytes_of(ANSWER) == 6


def test_errors_are_those_of_responses() -> None:
    failed = b'{"object": "response", "status": "failed", "error": {"code": "server_error", "message": "Oops."}}'
    assert SURFACE.error_status(failed) == 502
    assert SURFACE.error_cause(500, failed) is ErrorCause.BACKEND
    assert json.loads(SURFACE.relayed_error(502, failed))["error"]["message"] == "Oops."


def test_its_items_may_be_named() -> None:
    assert SURFACE.stored_parts(b'{"output": [{"id": "msg_1"}]}') == ("msg_1",)
    assert SURFACE.stored_parts(b"<html>") == ()


def test_only_the_model_is_ever_edited(make: Make) -> None:
    body = b'{"model": "chat", "input": "Hi", "stream": true}'
    assert SURFACE.edit(body, SURFACE.read(body), make.route("gpu", upstream_model="chat")) == body


def test_a_broken_stream_ends_as_the_one_that_it_was(make: Make) -> None:
    scanner = SURFACE.scanner(SURFACE.read(SURFACE.example("chat", "Hi")), make.route())
    assert isinstance(scanner, ResponseScanner)
    scanner.feed(b'data: {"type": "response.created", "sequence_number": 0, "response": {"id": "resp_1"}}\n\n')
    assert b'"resp_1"' in SURFACE.broken_stream(scanner, 502, "broken", "It broke.")
    assert b'"id":""' in SURFACE.broken_stream(None, 502, "broken", "It broke.")


def test_a_response_is_known_by_its_id() -> None:
    assert SURFACE.stored_id(b'{"id":"resp_1","object":"response"}') == "resp_1"
