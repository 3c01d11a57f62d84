"""What the endpoints of Anthropic's have in common."""

from __future__ import annotations

import json

import pytest

from router.core.resilience.error_cause import ErrorCause
from router.surfaces.anthropic.dialect import VERSION
from router.surfaces.anthropic.stream import MessageScanner
from router.surfaces.registry import SURFACES
from tests.core.conftest import Make

MESSAGES = SURFACES["messages"]


def error(type: str, message: str) -> bytes:
    return json.dumps({"type": "error", "error": {"type": type, "message": message}}).encode()


@pytest.mark.parametrize(
    ("status", "type", "message", "cause"),
    [
        (400, "invalid_request_error", "messages: at least one message is required", ErrorCause.REQUEST),
        (400, "invalid_request_error", "Output blocked by content filtering policy", ErrorCause.CONTENT),
        (400, "invalid_request_error", "Your credit balance is too low", ErrorCause.UNPAID),
        (401, "authentication_error", "invalid x-api-key", ErrorCause.CREDENTIALS),
        (403, "permission_error", "not allowed", ErrorCause.CREDENTIALS),
        (404, "not_found_error", "model: claude-nope", ErrorCause.NAMES),
        (404, "not_found_error", "File not found", ErrorCause.REQUEST),
        (413, "request_too_large", "Request exceeds the maximum size", ErrorCause.REQUEST),
        (429, "rate_limit_error", "Number of request tokens has exceeded", ErrorCause.LIMIT),
        (500, "api_error", "Internal server error", ErrorCause.BACKEND),
        (529, "overloaded_error", "Overloaded", ErrorCause.BACKEND),
    ],
)
def test_an_error_speaks_of_somebody(status: int, type: str, message: str, cause: ErrorCause) -> None:
    assert MESSAGES.error_cause(status, error(type, message)) is cause


def test_an_error_says_which_status_it_should_have_had() -> None:
    assert MESSAGES.error_status(error("overloaded_error", "Overloaded")) == 529
    assert MESSAGES.error_status(b'{"content":[]}') == 0


def test_a_limit_that_is_used_up_is_known_by_headers() -> None:
    assert MESSAGES.reset_asked({"anthropic-ratelimit-requests-remaining": "3"}) is None


def test_the_words_of_ours() -> None:
    said = json.loads(MESSAGES.error(503, "backend_unavailable", "Later.", None, None, "req_1"))
    assert said == {"type": "error", "error": {"type": "api_error", "message": "Later."}, "request_id": "req_1"}
    assert MESSAGES.relayed_error(400, b"no") == MESSAGES.error(400, "", "no", None, None)
    assert b"event: error\n" in MESSAGES.error_event(502, "x", "It broke off.")


def test_backends_expect_a_version() -> None:
    assert MESSAGES.expected_headers == {VERSION: "2023-06-01"} and MESSAGES.id_header == "request-id"


def test_models_are_listed_and_shown_alike() -> None:
    assert json.loads(MESSAGES.models(["chat"]))["data"] == [json.loads(MESSAGES.model("chat"))]


def test_a_stream_is_relayed_as_it_comes(make: Make) -> None:
    reading = MESSAGES.read(MESSAGES.example("chat", "Hi"))
    assert type(MESSAGES.scanner(reading, make.route())) is MessageScanner
