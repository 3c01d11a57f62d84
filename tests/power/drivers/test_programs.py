from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from router.power.drivers import programs
from router.power.drivers.begin import Order, file_of
from router.power.drivers.programs import MARK, end_all, last_run, run, running


def order(folder: Path, code: str, **fields: bool) -> Order:
    folder.mkdir(exist_ok=True)
    given = {"environment": {MARK: "mark"}, "name": "switch", "mark": "mark", "at": 1.0, "detached": False} | fields
    return Order(command=(sys.executable, "-c", code), folder=str(folder), **given)


async def test_the_end_of_what_it_says_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "MOST_OUTPUT", 10)
    outcome = await run(order(folder, "import sys; print('a' * 9999 + 'end'); sys.exit('why' + 'x' * 9999)"), 30)
    assert (outcome.code, outcome.output, outcome.errors) == (1, b"aaaaaaend\n", b"xxxxxxxxx\n")


async def test_what_runs_out_of_time_is_ended_with_its_children(folder: Path) -> None:
    stubborn = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.fork(); time.sleep(600)"
    outcome = await run(order(folder, stubborn), 1)
    assert outcome.code is None
    found = last_run(folder, "switch")
    assert found is None or not (running(found) or end_all(found)), "something was left to be signalled"


async def test_all_of_what_runs_is_ended(folder: Path) -> None:
    await run(order(folder, "import os, time; os.fork(); time.sleep(600)", detached=True), 30)
    found = last_run(folder, "switch")
    assert found is not None and running(found)
    assert end_all(found, signal.SIGKILL)


def test_a_file_that_tells_nothing_is_no_run(folder: Path) -> None:
    assert last_run(folder, "switch") is None
    folder.mkdir()
    for content in ("", "{", '{"pid": "x"}'):
        file_of(folder, "switch").write_text(content)
        assert last_run(folder, "switch") is None
