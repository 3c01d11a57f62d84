from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.waiting import until

from router.app.adapter_keeper import LINK, AdapterKeeper
from router.app.child_process import ChildProcess

LISTENS = """
import pathlib, signal, socket, sys, time
path, gate = sys.argv[1:]
while not pathlib.Path(gate).exists():
    time.sleep(0.01)
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen()
print("listening on", path, flush=True)
if pathlib.Path(gate).read_text() == "late":
    signal.signal(signal.SIGTERM, lambda *_: None)
while True:
    server.accept()[0].sendall(pathlib.Path(gate).name.encode())
"""


def answer(folder: Path) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect(str(folder / LINK))
            return client.recv(100).decode()
        except OSError:
            return ""


@pytest.fixture
async def keeping(tmp_path):
    """A keeper whose n-th adapter starts once there is a file of the name n, and says n."""
    tasks, made = [], []

    def started(path: str, changed: Callable[[], None]) -> ChildProcess:
        made.append(path)
        command = [sys.executable, "-c", LISTENS, path, str(tmp_path / str(len(made)))]
        return ChildProcess("adapter", command, ready=lambda line: line.startswith("listening on "), changed=changed)

    keeper = AdapterKeeper(
        tmp_path, started, lambda work: tasks.append(asyncio.ensure_future(work)), drain=20.0, patience=5.0
    )
    yield keeper
    await keeper.stop()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_old_one_answers_until_the_new_one_does(keeping, tmp_path):
    (tmp_path / "1").touch()
    await keeping.renew(wanted=True)
    await until(lambda: answer(tmp_path) == "1")
    first = keeping.latest
    await keeping.renew(wanted=True)
    assert answer(tmp_path) == "1"
    (tmp_path / "2").touch()
    await until(lambda: answer(tmp_path) == "2")
    async with asyncio.timeout(20):
        await first._ended.wait()


async def test_one_that_never_answered_gives_way_to_the_next(keeping, tmp_path):
    (tmp_path / "1").touch()
    await keeping.renew(wanted=True)
    await until(lambda: answer(tmp_path) == "1")
    await keeping.renew(wanted=True)
    (tmp_path / "3").touch()
    await keeping.renew(wanted=True)
    await until(lambda: answer(tmp_path) == "3")


async def test_without_need_none_answers(keeping, tmp_path):
    (tmp_path / "1").touch()
    await keeping.renew(wanted=True)
    await until(lambda: answer(tmp_path) == "1")
    await keeping.renew(wanted=False)
    assert answer(tmp_path) == "" and keeping.latest is None


def told(keeper: AdapterKeeper) -> str:
    return keeper.status.told().state


async def test_workers_are_told_how_it_is(keeping, tmp_path):
    assert told(keeping) == "off"
    await keeping.renew(wanted=True)
    assert told(keeping) == "starting"
    (tmp_path / "1").touch()
    await until(lambda: told(keeping) == "ready")
    await keeping.renew(wanted=True)
    assert told(keeping) == "starting" and answer(tmp_path) == "1"
    (tmp_path / "2").touch()
    await until(lambda: told(keeping) == "ready")
    await keeping.renew(wanted=False)
    assert told(keeping) == "off"


async def test_one_that_ends_is_starting_again_and_one_that_never_starts_fails(keeping, tmp_path):
    (tmp_path / "1").touch()
    await keeping.renew(wanted=True)
    await until(lambda: told(keeping) == "ready")
    (tmp_path / "1").unlink()
    keeping.latest._process.kill()
    await until(lambda: told(keeping) == "starting")
    (tmp_path / keeping._link.readlink()).unlink()
    keeping.latest._command[2] = "raise SystemExit(1)"
    await until(lambda: keeping.latest._process.returncode is None)
    keeping.latest._process.kill()
    await until(lambda: told(keeping) == "failing")


async def test_the_old_one_may_end_its_answers_while_policies_go_on(keeping, tmp_path):
    (tmp_path / "1").write_text("late")
    await keeping.renew(wanted=True)
    await until(lambda: told(keeping) == "ready")
    first = keeping.latest
    (tmp_path / "2").touch()
    await keeping.renew(wanted=True)
    await until(lambda: answer(tmp_path) == "2")
    await asyncio.wait_for(keeping.renew(wanted=False), 5)
    assert answer(tmp_path) == "" and first._process.returncode is None, "it has its drain"
    keeping._patience = 0.01
    await keeping.stop()
    assert first._process.returncode is not None, "but none outlives the gateway"
