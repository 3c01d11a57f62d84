from __future__ import annotations

import pytest

from router.config.secrets import MissingSecretError
from router.power.drivers.environment import resolved


def test_references_are_looked_up_and_nothing_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "the-token")
    assert resolved({"TOKEN": "env:A_TOKEN", "MODE": "fast:1"}) == (
        {"TOKEN": "the-token", "MODE": "fast:1"},
        ("the-token",),
    )
    with pytest.raises(MissingSecretError, match="env:NO_TOKEN is not set"):
        resolved({"TOKEN": "env:NO_TOKEN"})
