from __future__ import annotations

import json
from typing import Any

import pytest

from router.core.resilience.error_cause import ErrorCause
from router.surfaces.openai.responses.failures import (
    cause_of,
    failed_event,
    failure_in,
    failure_status,
    is_clients,
    relayed_failure,
)

FAILED = {"object": "response", "status": "failed", "error": {"code": "rate_limit_exceeded", "message": "Slow down."}}


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "code",
    [
        *("invalid_prompt", "context_length_exceeded", "bio_policy", "misalignment_policy_violation"),
        *("invalid_image", "invalid_base64_image", "image_too_large", "unsupported_image_media_type"),
        *("empty_image_file", "failed_to_download_image"),
    ],
)
def test_codes_that_speak_of_the_client(code: str) -> None:
    assert is_clients(code)


@pytest.mark.parametrize("code", ["server_error", "rate_limit_exceeded", "vector_store_timeout", None, 500])
def test_codes_that_do_not(code: Any) -> None:
    assert not is_clients(code)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (FAILED, 429),
        ({"type": "response.failed", "response": FAILED}, 429),
        ({"type": "error", "code": "server_is_overloaded", "message": "Busy.", "sequence_number": 3}, 503),
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down."}}, 429),
        ({"error": {"message": "Oops.", "code": 400}}, 400),
        ({"error": "Oops."}, 502),
        ({"object": "response", "status": "failed", "error": None}, 502),
        ({"object": "response", "status": "completed", "error": None}, 0),
        ({"type": "response.created", "response": {"status": "in_progress", "error": None}}, 0),
        ([], 0),
    ],
)
def test_the_status_that_it_should_have_come_with(value: Any, status: int) -> None:
    assert failure_status(dumped(value)) == status


def test_garbage_says_nothing() -> None:
    assert failure_in(b"<html>") is None


def test_a_missing_response_is_not_blamed_on_the_model_whatever_it_is_called() -> None:
    missing = dumped({"error": {"message": "Response with id 'resp_model' not found.", "code": 404}})
    assert cause_of(404, missing) is ErrorCause.REQUEST
    assert cause_of(404, dumped({"error": {"message": "The model 'x' does not exist."}})) is ErrorCause.NAMES
    assert cause_of(500, b"<html>") is ErrorCause.BACKEND


def test_of_a_response_that_failed_clients_see_the_error() -> None:
    error = {"message": "Slow down.", "type": "rate_limit_error", "param": None, "code": "rate_limit_exceeded"}
    assert json.loads(relayed_failure(429, dumped(FAILED))) == {"error": error}
    assert json.loads(relayed_failure(429, dumped({"response": FAILED}))) == {"error": error}
    bare = json.loads(relayed_failure(502, dumped({"object": "response", "status": "failed"})))["error"]
    assert (bare["code"], bare["message"]) == ("server_error", "The response failed, and nothing says why.")


def test_any_other_error_stays_as_it_came() -> None:
    body = dumped({"error": {"message": "Oops.", "code": 400}})
    assert relayed_failure(400, body) == body
    assert json.loads(relayed_failure(502, b"<h1>Bad gateway</h1>"))["error"]["message"] == "Bad gateway"


def test_a_broken_stream_ends_with_its_response_as_a_failed_one() -> None:
    event = failed_event({"id": "resp_1", "model": "m", "status": "in_progress"}, 7, "server_error", "It broke.")
    name, data = event.removesuffix(b"\n\n").split(b"\n")
    assert name == b"event: response.failed"
    told = json.loads(data.removeprefix(b"data: "))
    assert (told["type"], told["sequence_number"]) == ("response.failed", 7)
    assert (told["response"]["id"], told["response"]["model"], told["response"]["status"]) == ("resp_1", "m", "failed")
    assert told["response"]["error"] == {"code": "server_error", "message": "It broke."}
