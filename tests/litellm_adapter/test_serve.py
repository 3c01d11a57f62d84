"""The adapter's socket: whose it is, who may use it, and when it is left."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from pathlib import Path

import pytest
from aiohttp import ClientSession, UnixConnector, web
from support.waiting import until

from router.litellm_adapter import serve as module
from router.litellm_adapter.serve import serve, serve_until_stopped


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


def application() -> web.Application:
    async def here(request: web.Request) -> web.Response:
        return web.Response(text="here")

    app = web.Application()
    app.router.add_get("/", here)
    return app


async def test_only_its_owner_may_use_it_and_it_is_gone_afterwards(path) -> None:
    before = os.umask(0)
    try:
        async with serve(application(), str(path)):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert os.umask(0) == 0, "the umask of everything else stays as it was"
            async with ClientSession("http://a", connector=UnixConnector(str(path))) as session:
                assert await (await session.get("/")).text() == "here"
    finally:
        os.umask(before)
    assert not path.exists()


async def test_the_socket_of_a_successor_is_left_alone(path) -> None:
    async with serve(application(), str(path)):
        path.unlink()
        path.write_text("another's")
    assert path.read_text() == "another's"


async def test_a_socket_that_cannot_be_made_is_an_error_and_changes_nothing(path) -> None:
    umask = os.umask(0o022)
    os.umask(umask)
    with pytest.raises(OSError):
        async with serve(application(), str(path.parent / "nowhere" / "s")):
            pass
    assert os.umask(umask) == umask


def serving(path: Path, supervisor: int = 0) -> tuple[asyncio.Task[None], asyncio.Event]:
    ready = asyncio.Event()
    return asyncio.create_task(serve_until_stopped(application(), str(path), ready.set, supervisor)), ready


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it(path, number: signal.Signals) -> None:
    running, ready = serving(path)
    await ready.wait()
    signal.raise_signal(number)
    await running
    assert not path.exists()


async def test_it_beats_while_its_loop_turns(path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PARENT_CHECK", 0.001)
    beats: list[None] = []
    app = application()
    running = asyncio.create_task(serve_until_stopped(app, str(path), lambda: None, beat=lambda: beats.append(None)))
    await until(lambda: len(beats) > 3)
    signal.raise_signal(signal.SIGTERM)
    await running


@pytest.fixture
def orphaned(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Once set, this process has another parent than before."""
    gone, parent = asyncio.Event(), os.getppid()
    monkeypatch.setattr(module, "_PARENT_CHECK", 0.001)
    monkeypatch.setattr(os, "getppid", lambda: 1 if gone.is_set() else parent)
    return gone


async def test_it_ends_with_its_parent(path, orphaned: asyncio.Event) -> None:
    running, ready = serving(path)
    await ready.wait()
    orphaned.set()
    await running
    assert not path.exists()


async def test_it_outlives_its_parent_while_whoever_started_that_is_there(
    path, orphaned: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    there = True

    def kill(process: int, number: int) -> None:
        asked.append(process)
        if not there:
            raise ProcessLookupError

    monkeypatch.setattr(os, "kill", kill)
    running, ready = serving(path, supervisor=4711)
    await ready.wait()
    orphaned.set()
    await until(lambda: len(asked) > 3)
    assert not running.done()
    there = False
    await running
    assert set(asked) == {4711} and not path.exists()


async def test_it_ends_when_another_listens_in_its_place(path, orphaned: asyncio.Event) -> None:
    running, ready = serving(path)
    await ready.wait()
    path.unlink()
    path.write_text("another's")
    await running
    assert path.read_text() == "another's"
