"""The heartbeat of a child, and the stack of one that stands still."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from router.app import child_process as children
from router.app import heartbeat as pulse
from router.app.child_process import ChildProcess
from router.app.heartbeat import Heartbeat, beat_from

CHILD = """
import asyncio, sys, time
from router.app.heartbeat import beat_from
async def work():
    beat_from(sys.argv, asyncio.get_running_loop())
    print("ready", flush=True)
    await asyncio.sleep({calm})
    stand_still()
def stand_still():
    time.sleep(60)
asyncio.run(work())
"""


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(children, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(children, "SILENCE_SECONDS", 1.0)
    monkeypatch.setattr(children, "BEAT_SECONDS", 0.1)


async def test_one_whose_loop_stands_still_is_killed_and_shows_where_it_stood(caplog):
    child = ChildProcess("child", [sys.executable, "-c", CHILD.format(calm=0)], beats=True)
    running = asyncio.create_task(child.run_forever())
    try:
        async with asyncio.timeout(20):
            while not (lines := [each for each in caplog.records if "stands still" in each.msg]):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        await child.stop(0.1)
        await asyncio.wait_for(running, 5)
    assert "stand_still" in lines[0].stack and lines[0].child == "child"


async def test_one_whose_loop_turns_lives(caplog):
    child = ChildProcess("child", [sys.executable, "-c", CHILD.format(calm=30)], beats=True)
    running = asyncio.create_task(child.run_forever())
    try:
        await child.until_ready()
        pid = child._process.pid
        await asyncio.sleep(2.5)
        assert child._process.pid == pid and not caplog.records
    finally:
        await child.stop(1)
        await asyncio.wait_for(running, 5)


async def test_a_stopped_process_cannot_show_its_stack():
    made = Heartbeat()
    process = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        os.kill(process.pid, signal.SIGSTOP)
        async with asyncio.timeout(5):
            while not pulse._stopped(process.pid):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert "SIGSTOP" in await made.last_words(process.pid)
    finally:
        process.kill()
        await process.wait()
        made.started()
        made.close()


async def test_a_process_started_by_hand_needs_no_pulse():
    beat_from(["worker"], asyncio.get_running_loop())


async def test_a_beat_is_heard_once():
    made = Heartbeat()
    assert not made.heard()
    os.write(made.descriptors[0], b"..")
    assert made.heard() and not made.heard()
    made.started()
    assert not made.heard()
    made.close()
