from __future__ import annotations

import json

import pytest

from router.surfaces.anthropic.errors import error_event, error_object, relayed_error, relayed_event, status_of
from router.surfaces.openai.complaint import complaint_in


@pytest.mark.parametrize(
    ("status", "type"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (503, "api_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ],
)
def test_a_status_has_its_type(status: int, type: str) -> None:
    said = json.loads(error_object(status, "No.", request_id="req_1"))
    assert said == {"type": "error", "error": {"type": type, "message": "No."}, "request_id": "req_1"}


def test_a_type_may_be_given() -> None:
    assert json.loads(error_object(400, "No.", "other"))["error"]["type"] == "other"
    assert json.loads(error_object(400, "No."))["request_id"] is None


def test_an_event_has_the_name_that_clients_look_for() -> None:
    event = error_event(502, "It broke off.")
    assert event.startswith(b"event: error\ndata: {") and event.endswith(b"}\n\n")


AS_IT_CAME = b'{"type":"error","error":{"type":"NotFoundError","message":"no"}}'


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"1 validation error","type":"Bad Request","code":400}}', "1 validation error"),
        (b'{"detail":"Not Found"}', "Not Found"),
        (b"<h1>Bad gateway</h1>", "Bad gateway"),
        (b"", "The backend answered with HTTP status 404 and said nothing more."),
        (b'{"type":"error","error":{"type":"x","message":" "}}', "The backend answered with HTTP status 404"),
        (b'{"type":"error","error":{"type":5,"message":"no"}}', "no"),
        (b'{"type":"error","error":"no"}', "no"),
        (b"[" * 10_000, "["),
    ],
)
def test_whatever_a_backend_says_is_told_in_the_shape_that_is_read(body: bytes, message: str) -> None:
    said = json.loads(relayed_error(404, body))
    assert said["type"] == "error" and said["error"]["type"] == "not_found_error"
    assert said["error"]["message"].startswith(message)


def test_an_error_object_stays_as_it_came() -> None:
    named = AS_IT_CAME.replace(b'"no"}', b'"no"},"request_id":"req_theirs"')
    assert relayed_error(404, AS_IT_CAME) is AS_IT_CAME
    assert relayed_error(404, named, "req_ours") is named


@pytest.mark.parametrize("end", [b"}", b',"request_id":null}'])
def test_where_it_names_no_request_ours_is_named(end: bytes) -> None:
    told = json.loads(relayed_error(404, AS_IT_CAME.removesuffix(b"}") + end, "req_ours"))
    assert told == json.loads(AS_IT_CAME) | {"request_id": "req_ours"}


def test_a_type_of_another_dialect_keeps_its_name_only_if_it_is_known() -> None:
    told = json.loads(relayed_error(400, b'{"error":{"type":"overloaded_error","message":"no"}}', "req_ours"))
    assert told["error"]["type"] == "overloaded_error" and told["request_id"] == "req_ours"


def test_an_error_in_a_stream_stays_as_it_came() -> None:
    event = b"event: error\ndata: " + AS_IT_CAME + b"\n\n"
    assert relayed_event(502, event, "req_ours") is event


@pytest.mark.parametrize(
    "event",
    [
        b"data: " + AS_IT_CAME + b"\n\n",
        b'event: error\ndata: {"error":{"message":"no"}}\n\n',
        b"event: error\ndata: " + AS_IT_CAME.removesuffix(b"}") + b',"request_id":null}\n\n',
    ],
)
def test_any_other_becomes_one_with_the_name_that_clients_look_for(event: bytes) -> None:
    shown = relayed_event(502, event, "req_ours")
    assert shown.startswith(b"event: error\ndata: {") and shown.endswith(b"}\n\n")
    told = json.loads(shown.partition(b"data: ")[2])
    assert (told["type"], told["error"]["message"]) == ("error", "no") and isinstance(told["error"]["type"], str)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}', 529),
        (b'{"type":"error","error":{"type":"invalid_request_error","message":"x"}}', 400),
        (b'{"type":"error","error":{"type":"internal_error","message":"x"}}', 500),
        (b'{"error":{"message":"x","code":503}}', 503),
        (b'{"error":{"message":"x"}}', 502),
    ],
)
def test_the_status_that_it_should_have_had(body: bytes, status: int) -> None:
    complaint = complaint_in(body)
    assert complaint is not None and status_of(complaint) == status
