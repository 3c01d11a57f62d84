from __future__ import annotations

import pytest

from router.core.resilience.retry import LONGEST_REST
from router.surfaces.anthropic.rate_limits import reset_asked

DATE = {"date": "Sun, 29 Nov 2026 19:26:04 GMT"}


def limit(name: str, remaining: str, reset: str) -> dict[str, str]:
    return {f"anthropic-ratelimit-{name}-remaining": remaining, f"anthropic-ratelimit-{name}-reset": reset}


@pytest.mark.parametrize(
    ("headers", "rest"),
    [
        (DATE | limit("requests", "0", "2026-11-29T19:26:34Z"), 30.0),
        (DATE | limit("input-tokens", "0", "2026-11-29T20:26:34+01:00"), 30.0),
        (DATE | limit("tokens", "0", "2026-11-29T19:26:34"), 30.0),
        (DATE | limit("requests", "0", "2026-11-29T19:26:34Z") | limit("tokens", "0", "2026-11-29T19:27:04Z"), 60.0),
        (DATE | limit("requests", "0", "2026-11-29T19:00:00Z"), 0.0),
        (DATE | limit("requests", "0", "2026-12-29T19:00:00Z"), LONGEST_REST),
        (DATE | limit("requests", "5", "2026-11-29T19:26:34Z"), None),
        (DATE | limit("requests", "0", "soon"), None),
        (limit("requests", "0", "2026-11-29T19:26:34Z"), None),
        ({"date": "yesterday"} | limit("requests", "0", "2026-11-29T19:26:34Z"), None),
        ({"date": "Sun, 29 Nov 2026 19:26:04 -0000"} | limit("requests", "0", "2026-11-29T19:26:34Z"), 30.0),
        ({}, None),
    ],
)
def test_a_limit_that_is_used_up_says_when_it_is_lifted(headers: dict[str, str], rest: float | None) -> None:
    assert reset_asked(headers) == rest
