"""What a proxy must do before it is measured: answer right, refuse wrong keys, keep its upstream connections."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench import load, traffic

_SEQUENTIAL = 30
_NEW_CONNECTIONS = 3
"""Upstream connections that so many sequential requests may open at most."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


def post(port: int, key: str, body: bytes, timeout: float = 10.0) -> Answer:
    """One chat request on a connection of its own. Raises OSError or HTTPException when there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        connection.request("POST", "/v1/chat/completions", body, headers)
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def right_answer(port: int, key: str) -> bool:
    """True when the answer is the upstream's byte for byte, False when only in meaning. Raises WrongAnswerError."""
    answer = post(port, key, traffic.request_body(stream=False))
    if answer.status != 200:
        raise traffic.WrongAnswerError(f"status {answer.status}: {answer.body[:200]!r}")
    traffic.check_answer(answer.body)
    return answer.body == traffic.answer()


def right_stream(port: int, key: str) -> int:
    """The number of events of a stream that is whole. Raises WrongAnswerError."""
    answer = post(port, key, traffic.request_body(stream=True))
    if answer.status != 200:
        raise traffic.WrongAnswerError(f"status {answer.status}: {answer.body[:200]!r}")
    return traffic.check_stream(answer.body)


def refuses_wrong_keys(port: int) -> None:
    status = post(port, "sk-wrong", traffic.request_body(stream=False)).status
    if not 400 <= status < 500:
        raise traffic.WrongAnswerError(f"a wrong key got status {status}")


def renames_model(upstream_port: int) -> None:
    seen = load.counts(upstream_port).last_model
    if seen != traffic.UPSTREAM_MODEL:
        raise traffic.WrongAnswerError(f"the upstream saw the model name {seen!r}")


def keeps_connections(port: int, key: str, upstream_port: int) -> None:
    before = load.counts(upstream_port)
    for _ in range(_SEQUENTIAL):
        right_answer(port, key)
    after = load.counts(upstream_port)
    if after.requests - before.requests != _SEQUENTIAL:
        raise traffic.WrongAnswerError(
            f"{_SEQUENTIAL} requests became {after.requests - before.requests} at the upstream"
        )
    if after.connections - before.connections > _NEW_CONNECTIONS:
        raise traffic.WrongAnswerError("it does not keep its upstream connections open")
