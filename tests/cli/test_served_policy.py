"""Which policy a command takes that is given none."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from router.app.data_dir import LAST_GOOD
from router.cli.served_policy import served_policy

HERE, THERE = "redis://127.0.0.1:6379", "redis://ledger.example.com:6379"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a gateway with its folder in the usual place has served."""
    monkeypatch.setenv("BREAKEVEN_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BREAKEVEN_REDIS", HERE)
    copy = tmp_path / LAST_GOOD
    copy.write_text("version: 1\n")
    return copy


@pytest.mark.parametrize("redis", ["", HERE])
def test_it_is_what_was_last_served_here(served: Path, redis: str) -> None:
    assert served_policy(Namespace(redis=redis, data_dir=None)) == served


def test_another_ledger_may_be_served_by_another_policy(served: Path) -> None:
    assert served_policy(Namespace(redis=THERE, data_dir=None)) is None
    assert served_policy(Namespace(redis=THERE, data_dir=served.parent)) == served, "somebody says so"


def test_where_nothing_was_served_there_is_none(served: Path, tmp_path: Path) -> None:
    assert served_policy(Namespace(redis="", data_dir=tmp_path / "other")) is None
