"""Shared by all tests: a machine's own settings must not decide what they see."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Provider keys and backend addresses of whoever runs the tests stay out of them."""
    for name in list(os.environ):
        if name.endswith("_API_KEY") or name.startswith(("VLLM_BASE_URL", "OTEL_")):
            monkeypatch.delenv(name)
