from __future__ import annotations

import argparse
import asyncio
import re
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from router.cli import main
from router.cli.last_day import last_day
from router.config.load import load
from router.core.cost.passed_by import PassedBy
from router.core.limits.counters import Hold
from router.core.values import Cell, Settlement, Usage
from router.ledger.client.group_commit import GroupCommitLedger
from router.ledger.server.embedded import EmbeddedServer

THRESHOLD = Path(__file__).parents[2] / "policies" / "threshold.yaml"


async def count(url: str, cell: Cell, cost: int, times: int = 1) -> None:
    ledger = GroupCommitLedger(url, timezone=ZoneInfo("UTC"))
    await ledger.start()
    hold = Hold(ledger.next_id(time.time(), 900.0), cell, time.time(), 900.0, 2000, 500, 0, True)
    await ledger.reserve(hold)
    usage = Usage(input=800 * times, output=200 * times)
    ledger.settle(Settlement(hold.id, cell, time.time(), usage, cost, 0, error=False, eligible=True))
    await ledger.close()


def args(data_dir: Path) -> argparse.Namespace:
    return argparse.Namespace(redis="", data_dir=data_dir)


def test_what_a_ledger_saw_is_told_while_it_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan, data_dir = load(THRESHOLD), tmp_path / "data"
    assert last_day(args(data_dir), plan) is None
    server = EmbeddedServer(data_dir)
    try:
        url = server.start()
        asyncio.run(count(url, Cell("other", "cloud", "other", "search", "app"), 1_000_000_000))
        assert last_day(args(data_dir), plan) is None  # another policy's
        asyncio.run(count(url, Cell("openai", "cloud", "chat", "search", "app"), 3_000_000_000))
        assert last_day(args(data_dir), plan) == PassedBy(2000, 4.0)
        for command in (["check", str(THRESHOLD)], ["explain", "--policy", str(THRESHOLD)]):
            assert main([*command, "--data-dir", str(data_dir)]) == 0
            assert "in the last 24 hours 2 K, for $4.00" in capsys.readouterr().out
    finally:
        server.stop()
    assert last_day(args(data_dir), plan) is None


def test_explain_uses_the_break_even_of_the_traffic(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rent of 38.16 USD a day: at 9 USD per million 4.24 M tokens, whatever the cheapest route charges."""
    policy, data_dir = tmp_path / "policy.yaml", tmp_path / "data"
    policy.write_text(re.sub(r"strategy: threshold\n.*\n", "strategy: breakeven\n", THRESHOLD.read_text()))
    command = ["explain", "--policy", str(policy), "--data-dir", str(data_dir)]
    server = EmbeddedServer(data_dir)
    try:
        url = server.start()
        assert main(command) == 0
        assert "below the break-even of 145,371,429" in capsys.readouterr().out
        asyncio.run(count(url, Cell("openai", "cloud", "chat", "search", "app"), 90_000_000, times=10))
        assert main(command) == 0
        assert "below the break-even of 4,240,000" in capsys.readouterr().out
    finally:
        server.stop()


def test_a_ledger_that_cannot_be_reached_says_nothing() -> None:
    asked = argparse.Namespace(redis="redis://127.0.0.1:1", data_dir=None)
    assert last_day(asked, load(THRESHOLD)) is None
