"""What runs in the process of a simulation."""

from __future__ import annotations

import socket
import subprocess

import msgspec
import pytest
from msgspec.structs import replace
from support.control import API, NOON, POLICY
from support.recorded import settled, write

from router.admin.errors import ApiError
from router.admin.simulation import worker
from router.admin.simulation.process import COMMAND
from router.admin.simulation.task import SimulationTask
from router.simulate.traffic_of import OutOfOrder

TASK = SimulationTask(
    redis="",
    first="2026-11-19",
    last="2026-11-25",
    timezone="Europe/Berlin",
    now=NOON,
    draft_name="draft.yaml",
    draft=POLICY.encode(),
    present_name="/a b/policy.yaml",
    present=POLICY.encode(),
    known=frozenset(),
)


def nobody(progress: object) -> None: ...


def test_progress_is_a_share_of_the_time(valkey, session_valkey, monkeypatch):
    monkeypatch.setattr(worker, "SAID_EVERY", 0.0)
    write(valkey, [settled(NOON - 6400 + 10 * n, n, API, "v") for n in range(640)])
    told = []
    answer = worker.answer_of(replace(TASK, redis=session_valkey), told.append)
    assert [each.read for each in told[:3]] == [0, 64, 128] and told[10].share == 0.0
    assert [each.requests for each in told[-10:]] == list(range(64, 641, 64))
    assert told[-1].share == pytest.approx(6390 / 6400)
    assert answer.traffic.commands[1] == (
        "breakeven simulate week.jsonl --policy draft.yaml --against '/a b/policy.yaml'"
    )


@pytest.mark.parametrize(
    ("raised", "code"),
    [(OutOfOrder("request 7 came"), "not_replayed"), (MemoryError(), "took_too_long")],
    ids=lambda each: type(each).__name__,
)
def test_what_cannot_be_told_is_said(monkeypatch, raised, code):
    def fail(*args: object) -> None:
        raise raised

    monkeypatch.setattr(worker, "told_of", fail)
    answer = worker.answer_of(TASK, nobody)
    assert isinstance(answer, ApiError) and answer.answer.error.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"draft": b"version: 1"}, "policy_broken"), ({"redis": "unix:///nowhere.sock"}, "ledger_unavailable")],
    ids=lambda each: str(each),
)
def test_what_it_needs_and_has_not_is_said(changes, code):
    answer = worker.answer_of(replace(TASK, **changes), nobody)
    assert isinstance(answer, ApiError) and answer.answer.error.code == code


def test_it_ends_with_whoever_waits_for_it():
    """Whatever it is about: here a ledger that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        task = replace(TASK, redis=f"redis://127.0.0.1:{silent.getsockname()[1]}")
        process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(msgspec.json.encode(task) + b"\n")
        process.stdin.flush()
        assert b"progress" in process.stdout.readline()
        process.stdin.close()
        assert process.wait() == 1
        process.stdout.close()
