"""`breakeven budgets`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from router.app.data_dir import LAST_GOOD
from router.cli import main
from router.core.limits.periods import Periods
from router.ledger.server.embedded import EmbeddedServer

POLICY = """\
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: vllm, url: "http://127.0.0.1:9/v1", serves: {chat: llama}, cost: {usd_per_hour: 1.0}}
models: {chat: {backends: [gpu]}}
cost: {timezone: Europe/Berlin}
server: {stored_keys: true}
budget: {usd_per_month: 12.5, soft: 0.5}
teams: {search: {budget: {concurrent_requests: 4}}}
"""


@pytest.fixture
def policy(tmp_path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def show(books, policy, *options: str) -> int:
    return main(["budgets", "--policy", str(policy), "--redis", books.url, *options])


def count(books, place: str, field: str, *counter: int) -> None:
    books.client.hset(f"be:{{ledger}}:limit:{place}", field, msgspec.msgpack.encode(counter))


def test_a_table_of_every_limit(books, policy, capsys):
    month = Periods(ZoneInfo("Europe/Berlin")).ids(time.time()).month
    count(books, f"month:{month}", "global|all||usd", 5_000_000, 1_250_000, 70)
    count(books, "running", "team:search|all||concurrent", 0, 3, 0)
    assert show(books, policy) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["limit", "amount", "used", "held", "left", "at", "risk", "turns"]
    assert lines[1].split()[:7] == [
        "global:",
        "usd_per_month",
        "$12.500000",
        "$5.000000",
        "$1.250000",
        "$6.250000",
        "$0.000070",
    ]
    assert lines[1].endswith("-01 00:00")
    assert lines[2].split() == ["team", "search:", "concurrent_requests", "4", "0", "3", "1", "0"]
    assert lines[4] == "1 of 2 limits have reached their soft share: answers carry a warning."


def test_what_a_lost_machine_was_lent_is_told_in_a_sentence(books, policy, capsys):
    month = Periods(ZoneInfo("Europe/Berlin")).ids(time.time()).month
    count(books, f"month:{month}", "global|all||usd", 1_000_000, 0, 0)
    slices = msgspec.msgpack.encode([1, "worker", 1, 3_000_000_000, 1])
    books.client.hset(f"be:{{ledger}}:slices:month:{month}", "global|all||usd", slices)
    assert show(books, policy) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[3] == "$4.000000"  # by which no request is known
    assert lines[4].startswith("global: usd_per_month: $3.000000 of what is used was lent to workers whose machine is")
    assert len(lines) == 5
    assert show(books, policy, "--json") == 0
    told, other = json.loads(capsys.readouterr().out)["budgets"]
    assert (told["used"], told["charged"], told["note"]) == (4_000_000, 3_000_000, lines[4].split(": ", 2)[2])
    assert (other["charged"], other["note"]) == (0, "")


def test_json_with_a_stored_key(books, policy, capsys):
    key = {"sha256": "", "entry": {"name": "bot", "budget": {"requests_per_day": 7}}, "created": 0.0}
    books.client.hset("be:{ledger}:keys", "a" * 64, json.dumps(key))
    assert show(books, policy, "--json") == 0
    found = json.loads(capsys.readouterr().out)["budgets"]
    assert [(each["scope"], each["amount"], each["left"]) for each in found] == [
        ("global", 12_500_000, 12_500_000),
        ("team:search", 4, 4),
        ("key:bot", 7, 7),
    ]
    assert found[2]["turns"] > time.time() and found[1]["turns"] is None


def test_a_policy_without_limits(books, policy, capsys):
    policy.write_text("".join(line for line in POLICY.splitlines(True) if not line.startswith(("budget", "teams"))))
    assert show(books, policy) == 0 and "No limits" in capsys.readouterr().out


def test_where_the_gateway_runs_the_policy_need_not_be_named(tmp_path, policy, capsys, monkeypatch):
    """The copy that a gateway keeps of what it served; its ledger is in the same folder, and nobody runs it now."""
    monkeypatch.delenv("BREAKEVEN_POLICY", raising=False)
    monkeypatch.delenv("BREAKEVEN_REDIS", raising=False)
    folder = tmp_path / "gateway"
    server = EmbeddedServer(folder)
    server.start()
    server.stop()
    (folder / LAST_GOOD).write_bytes(policy.read_bytes())
    assert main(["budgets", "--data-dir", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "$12.500000" in shown and shown.endswith(f"\nBy the policy that was last served from {folder}.\n")
    assert main(["budgets", "--data-dir", str(folder), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["budgets"]) == 2


def test_what_is_missing_is_said(tmp_path, policy, capsys, monkeypatch):
    monkeypatch.delenv("BREAKEVEN_POLICY", raising=False)
    assert main(["budgets", "--redis", "redis://127.0.0.1:1"]) == 2
    assert main(["budgets", "--policy", str(tmp_path / "none.yaml"), "--redis", "redis://127.0.0.1:1"]) == 1
    assert main(["budgets", "--policy", str(policy), "--redis", "redis://127.0.0.1:1"]) == 1
    assert main(["budgets", "--policy", str(policy), "--redis", "nonsense"]) == 2
    said = capsys.readouterr().err
    for part in ("--policy", "none.yaml", "127.0.0.1:1", "redis+sentinel:"):
        assert part in said
