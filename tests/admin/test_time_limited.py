"""Work on what somebody sent is ended when it does not end."""

from __future__ import annotations

import asyncio
import mmap
import os
import time

import pytest
from support.control import VIEWER
from support.waiting import until

from router.admin import time_limited as aside
from router.admin.errors import ApiError
from router.admin.time_limited import TimeLimited


def endless() -> None:
    while True:
        pass


async def test_what_it_returns_comes_back():
    here = {"a": 1}
    assert await TimeLimited().run(lambda: (here, os.getpid() != 0)) == ({"a": 1}, True)
    large = "x" * 3_000_000
    assert await TimeLimited().run(lambda: large) == large


async def test_what_it_refuses_comes_back():
    def refuse() -> None:
        raise ApiError(409, "no", "because", version="7", headers={"x": "y"})

    with pytest.raises(ApiError) as refused:
        await TimeLimited().run(refuse)
    assert (refused.value.status, refused.value.headers, str(refused.value)) == (409, {"x": "y"}, "because")
    assert refused.value.answer.error.version == "7"


async def test_a_defect_does_not_tell_what_was_sent(caplog):
    def break_down() -> None:
        raise ValueError("a prompt")

    with pytest.raises(RuntimeError, match="ValueError"):
        await TimeLimited().run(break_down)
    assert "a prompt" not in caplog.text and "break_down" in str(caplog.records[-1].__dict__["trace"])


@pytest.mark.parametrize("work", [endless, lambda: bytearray(aside.MOST_MEMORY), lambda: os._exit(3)])
async def test_what_does_not_end_is_ended_and_nobody_waits_for_it(work, monkeypatch):
    monkeypatch.setattr(aside, "SECONDS", 0.5)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    with pytest.raises(ApiError) as refused:
        await TimeLimited().run(work)
    assert (refused.value.status, refused.value.answer.error.code) == (503, "took_too_long")
    await until(lambda: ticks)
    ticking.cancel()


async def test_a_process_that_has_mapped_much_gives_its_forks_room():
    with mmap.mmap(-1, aside.MOST_MEMORY + 1024**3, prot=mmap.PROT_READ):
        assert await TimeLimited().run(lambda: len(bytearray(64 * 1024**2))) == 64 * 1024**2
        with pytest.raises(ApiError, match="memory"):
            await TimeLimited().run(lambda: bytearray(aside.MOST_MEMORY))


async def test_a_few_at_once_and_a_few_wait(monkeypatch):
    monkeypatch.setattr(aside, "MOST_WAITING", 1)
    here = TimeLimited()
    running = [asyncio.create_task(here.run(endless)) for _ in range(aside.AT_ONCE)]
    await until(here._places.locked)
    waiting = asyncio.create_task(here.run(lambda: 7))
    await until(lambda: here._waiting)
    with pytest.raises(ApiError, match="at the same time"):
        await here.run(lambda: 7)
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert await waiting == 7


async def test_who_leaves_takes_the_work_along(tmp_path):
    mark = tmp_path / "pid"

    def work() -> None:
        mark.write_text(str(os.getpid()))
        time.sleep(60)

    task = asyncio.create_task(TimeLimited().run(work))
    await until(lambda: mark.exists() and mark.read_text())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


async def test_a_draft_that_takes_for_ever_leaves_the_control_plane_as_it_is(plane, monkeypatch):
    monkeypatch.setattr(aside, "SECONDS", 0.5)
    monkeypatch.setattr(plane.control.desk, "check", lambda *args, **options: endless())
    monkeypatch.setattr(plane.control.desk, "draft", lambda *args, **options: endless())
    check = asyncio.create_task(plane.post("/api/policy/check", {"text": "version: 1"}, VIEWER))
    explain = asyncio.create_task(plane.post("/api/policy/explain", {"text": "version: 1"}, VIEWER))
    assert (await plane.get("/api/session")).status == 200
    for answer in (await check, await explain):
        assert (answer.status, answer.code) == (503, "took_too_long")
