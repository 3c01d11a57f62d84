from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.redaction import NOT_SHOWN, without_secrets
from router.surfaces.openai.relayed import relayed_error, relayed_event
from router.surfaces.told_error import MOST_WORDS


def message(status: int, body: bytes) -> str:
    told: str = json.loads(relayed_error(status, body))["error"]["message"]
    return told


OWN = b'{"error": {"message": "maximum context length is 4096", "type": "BadRequestError", "code": 400}}'


def test_an_error_object_with_a_message_stays_as_it_came() -> None:
    assert relayed_error(400, OWN) is OWN


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (
            b'{"object":"error","message":"no","type":"BadRequestError","param":"n","code":400}',
            {"message": "no", "type": "BadRequestError", "param": "n", "code": 400},
        ),
        (
            b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded <now>"},"request_id":"r"}',
            {"message": "Overloaded <now>", "type": "overloaded_error", "param": None, "code": None},
        ),
        (
            b'{"type":"error","code":"server_error","message":"no","param":null}',
            {"message": "no", "type": "server_error", "param": None, "code": "server_error"},
        ),
        (b'data: {"choices":[]}\n\ndata: %b\n\n' % OWN, json.loads(OWN)["error"]),
    ],
)
def test_an_error_object_of_another_dialect_keeps_what_it_says(body: bytes, error: object) -> None:
    assert json.loads(relayed_error(529, body))["error"] == error


@pytest.mark.parametrize("event", [b"data: " + OWN + b"\n\n", b"event: error\ndata: " + OWN + b"\n\n"])
def test_an_error_in_a_stream_stays_as_it_came(event: bytes) -> None:
    assert relayed_event(502, event) is event


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (b"data: Internal Server Error\n\n", "Internal Server Error"),
        (b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"Oh."}}\n\n', "Oh."),
        (b"event: error\n\n", "The backend answered with HTTP status 502 and said nothing more."),
    ],
)
def test_any_other_error_in_a_stream_becomes_one(event: bytes, words: str) -> None:
    shown = relayed_event(502, event)
    assert shown.startswith(b"data: ") and shown.endswith(b"}\n\n")
    assert json.loads(shown[6:])["error"]["message"] == words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            b"<html><head><style>p {}</style><title>502 Bad Gateway</title></head><p>nginx</html>",
            "502 Bad Gateway nginx",
        ),
        (b"upstream\n  gone ", "upstream gone"),
        (b'{"error":"model overloaded"}', "model overloaded"),
        (b'{"error":{"message":"  ","msg":"deeper"}}', "deeper"),
        (b'{"detail":"Not Found"}', "Not Found"),
        (b'{"detail":[{"loc":["body"],"msg":"field required"},{"msg":"too long"},7]}', "field required; too long"),
        (b'{"message":"no such route"}', "no such route"),
        (b'data: {"detail":"gone"}\r\n\r\n', "gone"),
    ],
)
def test_other_bodies_become_one_with_their_words(body: bytes, words: str) -> None:
    assert message(502, body) == words


CHUNK = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"7", b"<br>", b'{"error":{"message":5}}', CHUNK])
def test_a_body_without_words_tells_its_status(body: bytes) -> None:
    assert "405" in message(405, body)


@pytest.mark.parametrize(
    ("status", "type"), [(401, "authentication_error"), (422, "invalid_request_error"), (503, "server_error")]
)
def test_the_type_follows_the_status(status: int, type: str) -> None:
    assert json.loads(relayed_error(status, b"no"))["error"]["type"] == type


def test_words_are_bounded() -> None:
    assert len(message(500, b"very long " * 100_000)) == MOST_WORDS


@given(st.integers(400, 599), st.binary())
def test_what_is_relayed_is_always_an_object(status: int, body: bytes) -> None:
    assert isinstance(json.loads(relayed_error(status, body)), dict)


@pytest.mark.parametrize(("status", "type"), [(400, "invalid_request_error"), (401, "authentication_error")])
def test_an_error_that_says_our_credential_escaped_keeps_its_status_alone(status: int, type: str) -> None:
    body = rb'{"error":{"message":"bad key sk-live\u002b0123\/456789"}}'
    told = json.loads(relayed_error(status, without_secrets(body, "Bearer sk-live+0123/456789")))
    assert told["error"] == {"message": NOT_SHOWN.decode(), "type": type, "param": None, "code": None}
