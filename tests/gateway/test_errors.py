"""Errors of the gateway's own, and what they tell SDKs."""

from __future__ import annotations

import itertools
import json

import pytest

from router.gateway.errors import ApiError


@pytest.mark.parametrize(("after", "retryable"), list(itertools.product((None, 1, 60), (None, True, False))))
def test_nobody_is_told_when_to_come_back_and_not_to(after, retryable):
    lines = ApiError(503, "code", "message", retry_after=after, retryable=retryable).headers()
    assert not (b"retry-after" in lines and b"x-should-retry: false" in lines)
    assert (b"x-should-retry" in lines) == (retryable is not None)
    assert (b"retry-after" in lines) == (after is not None and retryable is not False)


@pytest.mark.parametrize(
    ("status", "type"),
    [(400, "invalid_request_error"), (429, "rate_limit_error"), (418, "invalid_request_error"), (503, "server_error")],
)
def test_an_error_has_the_shape_and_the_type_that_sdks_know(status, type):
    error = json.loads(ApiError(status, "code", "message", param="model").body())["error"]
    assert error == {"message": "message", "type": type, "param": "model", "code": "code"}


def test_a_type_may_be_given():
    assert json.loads(ApiError(429, "c", "m", type="tokens").body())["error"]["type"] == "tokens"
