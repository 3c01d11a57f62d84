from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from support.compiled import interpreted_only

from router.core.policy import Server
from router.gateway.client_timeouts import KEEP_ALIVE_SECONDS, STALLED_SECONDS, end_if_late

NOW = 1000.0
LIMITS = Server.model_validate({"header_timeout": "2s", "body_timeout": "30s"})


def told(**state: Any) -> list[str]:
    """What a client in this state is told at NOW."""
    calls = Mock()
    idle = {"stalled_since": 0.0, "reading": False, "reading_body": False, "reading_since": 0.0, "busy": False}
    client = SimpleNamespace(
        **(idle | {"idle_since": NOW} | state), abort=calls.abort, late=calls.late, close=calls.close
    )
    end_if_late(client, LIMITS, NOW)  # type: ignore[arg-type]
    return [name for name, _, _ in calls.method_calls]


@interpreted_only
@pytest.mark.parametrize(
    ("state", "within", "expected"),
    [
        ({"reading": True}, "reading_since", ("late", 2.0)),
        ({"reading": True, "reading_body": True}, "reading_since", ("late", 30.0)),
        ({"busy": True}, "stalled_since", ("abort", STALLED_SECONDS)),
        ({}, "idle_since", ("close", KEEP_ALIVE_SECONDS)),
    ],
    ids=["a head", "a body", "an answer that nobody reads", "a connection between two requests"],
)
def test_a_client_has_so_long_and_not_longer(state: dict[str, Any], within: str, expected: tuple[str, float]) -> None:
    what, seconds = expected
    assert told(**state, **{within: NOW - seconds}) == []
    assert told(**state, **{within: NOW - seconds - 0.01}) == [what]


@interpreted_only
def test_whoever_waits_for_an_answer_may_be_silent() -> None:
    assert told(busy=True, idle_since=0.0) == []
