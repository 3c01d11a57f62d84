"""One child process: fed, watched, started again, stopped."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable

import pytest
from support.serving import PROJECT, clean_environment
from support.waiting import until

from router.app import child_process as children
from router.app.child_process import CANNOT_RUN, ChildProcess
from router.gateway import http_connection as http

ECHO = "print('noise'); print('ready', input(), flush=True); input()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(children, "FIRST_PAUSE", 0.01)


@pytest.fixture
async def run() -> AsyncIterator[Callable[..., ChildProcess]]:
    """`run(program, **options)` runs a child until the test ends."""
    started: list[tuple[ChildProcess, asyncio.Task[None]]] = []

    def start(*command: str, **options) -> ChildProcess:
        ready = options.pop("ready", lambda line: line.startswith("ready"))
        child = ChildProcess("child", command, ready=ready, **options)
        started.append((child, asyncio.create_task(child.run_forever())))
        return child

    yield start
    for child, task in started:
        await child.stop(0.1)
        task.cancel()


async def fed(content: bytes) -> asyncio.Future[bytes]:
    feed = asyncio.get_running_loop().create_future()
    feed.set_result(content)
    return feed


async def test_it_is_ready_when_it_says_so(run, capfd):
    child = run(sys.executable, "-c", ECHO, feed=await fed(b"to work\n"))
    await child.until_ready()
    assert child.ready_line == "ready to work"
    assert capfd.readouterr().err == "noise\n"


async def test_what_it_is_fed_may_come_later(run):
    feed = asyncio.get_running_loop().create_future()
    child = run(sys.executable, "-c", ECHO, feed=feed)
    feed.set_result(b"later\n")
    await child.until_ready()
    assert child.ready_line == "ready later"


async def test_it_is_started_again_and_fed_again(run, caplog):
    said: asyncio.Queue[str] = asyncio.Queue()
    child = run(sys.executable, "-c", ECHO, feed=await fed(b"again\n"), ready=lambda line: said.put_nowait(line))
    assert [await said.get(), await said.get()] == ["noise", "ready again"]
    child._process.kill()
    assert [await said.get(), await said.get()] == ["noise", "ready again"]
    (record,) = caplog.records
    assert (record.child, record.exit_code) == ("child", -signal.SIGKILL)


async def test_waiting_ends_when_it_ends_first(run):
    child = run(sys.executable, "-c", "raise SystemExit(3)")
    with pytest.raises(ChildProcessError, match="the child ended with exit code 3 before it was ready"):
        await child.until_ready()


async def test_what_cannot_be_started_is_said(run, caplog):
    child = run("/nowhere/program")
    with pytest.raises(ChildProcessError, match=f"exit code {CANNOT_RUN}"):
        await child.until_ready()
    assert caplog.records[0].why == "No such file or directory"


async def test_whoever_listens_is_told_when_it_is_ready_and_when_it_is_not(run):
    seen = []
    child = run(sys.executable, "-c", ECHO, feed=await fed(b"x\n\n"), changed=lambda: seen.append(child.ready.is_set()))
    await until(lambda: len(seen) >= 4)
    assert seen[:4] == [True, False, True, False] and not child.failing
    failing = run(sys.executable, "-c", "pass")
    await until(lambda: failing.failing)


async def test_it_is_killed_when_it_does_not_end_in_time(run):
    child = run(sys.executable, "-c", STUBBORN)
    await child.until_ready()
    await child.stop(0.05)
    assert child._process.returncode == -signal.SIGKILL


async def test_once_stopped_it_is_not_started_again():
    child = ChildProcess(
        "child", [sys.executable, "-c", ECHO], feed=await fed(b"x\n"), ready=lambda line: "ready" in line
    )
    running = asyncio.create_task(child.run_forever())
    await child.until_ready()
    await child.stop(5)
    await asyncio.wait_for(running, 5)
    assert child.exit_code == -signal.SIGTERM


async def test_it_inherits_no_proxy_nor_where_to_write_keys(run, monkeypatch):
    for name in ("HTTP_PROXY", "https_proxy", "ALL_PROXY", "SSLKEYLOGFILE"):
        monkeypatch.setenv(name, "somewhere")
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/whom-to-trust")
    looked_for = "[n for n in sorted(os.environ) if 'PROXY' in n.upper() or n in ('SSLKEYLOGFILE', 'SSL_CERT_FILE')]"
    show = f"import os; print('ready', {looked_for}, flush=True)"
    child = run(sys.executable, "-c", f"{show}; input()")
    await child.until_ready()
    assert child.ready_line == "ready ['SSL_CERT_FILE']"


def test_the_processes_of_tests_run_what_is_tested():
    """Beside a compiled package the source tree is there too."""
    command = [sys.executable, "-c", "from router.gateway import http_connection; print(http_connection.__file__)"]
    said = subprocess.run(command, capture_output=True, text=True, env=clean_environment(), cwd=PROJECT, timeout=60)
    assert said.stdout.strip() == http.__file__, said.stderr
