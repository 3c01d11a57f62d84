"""A gateway as `serve` starts it, without keys, and a browser on the same machine."""

from __future__ import annotations

import pytest
from support.serving import ASK, connected, request


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "rebound.example"}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"content-type": "text/plain"}, 415),
    ],
)
def test_pages_cannot_use_it(serve, headers, status):
    with connected(serve().url) as connection:
        assert request(connection, "POST", "/v1/chat/completions", ASK, headers).status == status
