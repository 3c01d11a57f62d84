from __future__ import annotations

import json
import sys

import pytest
from support.control import NOON

from router.admin.simulation import process as process_module
from router.admin.simulation.process import Simulations
from router.admin.simulation.task import SimulationTask

TASK = SimulationTask(
    *("redis://:a-password@127.0.0.1:1", "2026-11-19", "2026-11-25", "UTC", NOON),
    *("draft.yaml", b"", "policy.yaml", b"", frozenset()),
)


def runs(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(process_module, "COMMAND", (sys.executable, "-c", program))


async def said(simulations: Simulations) -> list[dict]:
    async with simulations.run(TASK) as lines:
        return [json.loads(line) async for line in lines if line.strip()]


def test_its_task_tells_nobody_a_password():
    assert "a-password" not in repr(TASK)


async def test_lines_come_as_they_are_said_up_to_the_last_one(monkeypatch):
    runs(monkeypatch, 'print(\'{"progress": 1}\\n{"result": 2}\\n{"result": 3}\', flush=True)')
    assert await said(Simulations()) == [{"progress": 1}, {"result": 2}]


async def test_silence_is_filled(monkeypatch):
    runs(monkeypatch, "input(); input()")
    monkeypatch.setattr(process_module, "QUIET_SECONDS", 0.01)
    simulations = Simulations()
    async with simulations.run(TASK) as lines:
        assert await anext(lines) == b"\n"
        assert simulations.pid is not None
    assert simulations.pid is None


async def test_a_defect_is_logged_by_its_place_and_is_ours(monkeypatch, caplog):
    runs(monkeypatch, "import sys; sys.exit('ValueError\\n at some line')")
    (line,) = await said(Simulations())
    assert line["error"]["code"] == "internal" and "at some line" not in str(line)
    [logged] = [each for each in caplog.records if each.name == "breakeven.admin"]
    assert "at some line" in logged.__dict__["trace"]


async def test_what_ends_without_a_word_took_too_much(monkeypatch):
    runs(monkeypatch, "import os; os._exit(9)")
    assert (await said(Simulations()))[0]["error"]["code"] == "took_too_long"
