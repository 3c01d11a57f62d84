"""Errors of the gateway's own, and what they tell SDKs."""

from __future__ import annotations

import itertools
import json

import pytest

from router.gateway.errors import ApiError
from router.surfaces.registry import FALLBACK


@pytest.mark.parametrize(("after", "retryable"), list(itertools.product((None, 1, 60), (None, True, False))))
def test_nobody_is_told_when_to_come_back_and_not_to(after, retryable):
    lines = ApiError(503, "code", "message", retry_after=after, retryable=retryable).headers()
    assert not (b"retry-after" in lines and b"x-should-retry: false" in lines)
    assert (b"x-should-retry" in lines) == (retryable is not None)
    assert (b"retry-after" in lines) == (after is not None and retryable is not False)


def test_what_it_says_is_written_down_by_the_surface():
    error = json.loads(ApiError(429, "code", "message", param="model", type="tokens").body(FALLBACK))["error"]
    assert error == {"message": "message", "type": "tokens", "param": "model", "code": "code"}
