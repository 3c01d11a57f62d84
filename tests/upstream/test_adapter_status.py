from __future__ import annotations

import asyncio

import pytest
from support.waiting import until as eventually

from router.upstream import adapter_status
from router.upstream.adapter_status import AdapterState, AdapterStatus

LATER = 60.0
"""Seconds; no test waits for them."""


@pytest.fixture
def status(tmp_path):
    return AdapterStatus(str(tmp_path / "s"))


def until(seconds: float = LATER) -> float:
    return asyncio.get_running_loop().time() + seconds


def test_it_is_told_until_it_changes(status):
    assert status.told() is None and not status.awaited
    numbers = []
    for state in (AdapterState.OFF, AdapterState.STARTING, AdapterState.STARTING, AdapterState.READY):
        status.tell(state)
        numbers.append(status.told())
    assert [tuple(each) for each in numbers] == [("off", 0), ("starting", 1), ("starting", 1), ("ready", 2)]


def test_what_cannot_be_read_tells_nothing(status, tmp_path):
    (tmp_path / "s.state").write_text("odd")
    assert status.told() is None


def test_a_failing_one_is_not_awaited(status):
    status.tell(AdapterState.FAILING)
    assert not status.awaited


@pytest.mark.parametrize("state", [None, AdapterState.FAILING])
async def test_who_finds_none_or_a_failing_one_does_not_wait(status, state):
    if state is not None:
        status.tell(state)
    assert not await status.answers(until(), refused=True)


async def test_who_needs_it_asks_for_it_and_waits_until_it_is_ready(status):
    status.clear()
    assert not status.asked
    waiting = asyncio.create_task(status.answers(until(), refused=True))
    await eventually(lambda: status.asked)
    status.tell(AdapterState.STARTING)
    await asyncio.sleep(2 * adapter_status.LOOK_SECONDS)
    assert not waiting.done()
    status.tell(AdapterState.READY)
    assert await waiting
    status.clear()
    assert not status.asked


async def test_a_start_that_fails_ends_the_wait(status):
    status.tell(AdapterState.STARTING)
    waiting = asyncio.create_task(status.answers(until(), refused=True))
    status.tell(AdapterState.FAILING)
    assert not await waiting


async def test_the_deadline_ends_it(status):
    status.tell(AdapterState.STARTING)
    assert not await status.answers(until(0.1), refused=True)


async def test_another_of_its_processes_may_listen_already(status, tmp_path):
    status.tell(AdapterState.READY)
    server = await asyncio.start_unix_server(lambda reader, writer: writer.close(), tmp_path / "s")
    assert await asyncio.wait_for(status.answers(until(), refused=True), 20)
    server.close()


async def test_without_any_news_it_is_tried_once_more(status, tmp_path):
    status.tell(AdapterState.READY)
    before = until(0)
    assert await status.answers(until(), refused=False)
    assert until(0) - before >= adapter_status.NOTICE_SECONDS


async def test_who_need_not_wait_any_more_does_not(status):
    status.tell(AdapterState.STARTING)
    over = asyncio.Event()
    waiting = asyncio.create_task(status.answers(until(), refused=True, unless=over.is_set))
    await asyncio.sleep(0)
    over.set()
    assert not await asyncio.wait_for(waiting, 20)
