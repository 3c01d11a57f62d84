"""Backends that are down, by examples."""

from __future__ import annotations

import pytest

from router.core.alerts.backends import BackendSight, observed
from router.core.alerts.observation import Seen


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        ("healthy", Seen.GOOD),
        ("off", Seen.GOOD),
        ("unhealthy", Seen.BAD),
        ("degraded", Seen.BETWEEN),
        ("unknown", Seen.BETWEEN),
    ],
)
def test_down_is_what_no_worker_reaches(state, seen):
    (found,) = observed([BackendSight("gpu", state)], 60, 30)
    assert (found.seen, found.hold, found.clear, found.subject) == (seen, 60, 30, "gpu")


def test_it_says_why():
    (down,) = observed([BackendSight("gpu", "unhealthy", "connection refused.")], 0, 0)
    assert down.text == "No worker can reach it: connection refused. Requests that may go elsewhere do."
    (silent,) = observed([BackendSight("gpu", "unhealthy")], 0, 0)
    assert "it does not answer" in silent.text
    off, up = observed([BackendSight("gpu", "off"), BackendSight("api", "healthy")], 0, 0)
    assert (off.text, up.text) == ("It was switched off.", "It answers again.")
