from __future__ import annotations

import json

import pytest

from router.cli import main


def test_it_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["required"] == ["version", "zones", "backends", "models"]
