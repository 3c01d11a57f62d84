"""How a failed attempt is told."""

from __future__ import annotations

import pytest

from router.core.resilience.retry import Fault
from router.upstream.errors import UpstreamError


@pytest.mark.parametrize(
    ("detail", "told"),
    [("gpu: port 1", "connection refused (gpu: port 1)"), ("", "connection refused")],
)
def test_it_says_what_happened_and_where(detail, told):
    error = UpstreamError(Fault.REFUSED, detail)
    assert str(error) == told
    assert (error.fault, error.detail) == (Fault.REFUSED, detail)


def test_only_what_was_found_closed_is_stale():
    assert not UpstreamError(Fault.RESET_BEFORE_HEAD, "x").stale
    assert UpstreamError(Fault.RESET_BEFORE_HEAD, "x", stale=True).stale
