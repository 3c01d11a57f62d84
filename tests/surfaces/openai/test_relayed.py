from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.redaction import NOT_SHOWN, without_secrets
from router.surfaces.openai.relayed import MOST_WORDS, relayed_error


def message(status: int, body: bytes) -> str:
    told: str = json.loads(relayed_error(status, body))["error"]["message"]
    return told


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"message": "maximum context length is 4096", "type": "BadRequestError", "code": 400}}',
        b'{"object":"error","message":"no","code":400}',
        b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}',
    ],
)
def test_an_error_object_with_a_message_stays_as_it_came(body: bytes) -> None:
    assert relayed_error(400, body) == body


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
    ],
)
def test_other_bodies_become_one_with_their_words(body: bytes, words: str) -> None:
    assert message(502, body) == words


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"7", b"<br>", b'{"error":{"message":5}}'])
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
