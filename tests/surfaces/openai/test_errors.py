from __future__ import annotations

import json

import pytest

from router.surfaces.openai.errors import error_event, error_object
from router.surfaces.openai.stream import ChunkScanner


@pytest.mark.parametrize(
    ("status", "type"),
    [(400, "invalid_request_error"), (429, "rate_limit_error"), (418, "invalid_request_error"), (503, "server_error")],
)
def test_an_error_has_the_shape_and_the_type_that_sdks_know(status: int, type: str) -> None:
    error = json.loads(error_object(status, "code", "message", "model"))["error"]
    assert error == {"message": "message", "type": type, "param": "model", "code": "code"}


def test_a_type_may_be_given() -> None:
    assert json.loads(error_object(429, "c", "m", type="tokens"))["error"]["type"] == "tokens"


def test_the_event_is_what_clients_raise_on() -> None:
    data = error_event(502, "upstream_failed", 'it "broke"\n')
    error = {"message": 'it "broke"\n', "type": "server_error", "param": None, "code": "upstream_failed"}
    assert (data[:6], data[-2:], data.count(b"\n")) == (b"data: ", b"\n\n", 2)
    assert json.loads(data[6:]) == {"error": error}
    scanner = ChunkScanner(False)
    scanner.feed(data)
    assert scanner.error
