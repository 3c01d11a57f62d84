from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import pytest
from support.waiting import until

from router.app.adapter_keeper import LINK, AdapterKeeper
from router.app.child_process import ChildProcess

LISTENS = """
import pathlib, socket, sys, time
path, gate = sys.argv[1:]
while not pathlib.Path(gate).exists():
    time.sleep(0.01)
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen()
print("listening on", path, flush=True)
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

    def started(path: str) -> ChildProcess:
        made.append(path)
        command = [sys.executable, "-c", LISTENS, path, str(tmp_path / str(len(made)))]
        return ChildProcess("adapter", command, ready=lambda line: line.startswith("listening on "))

    keeper = AdapterKeeper(tmp_path, started, lambda work: tasks.append(asyncio.ensure_future(work)), 5.0)
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
