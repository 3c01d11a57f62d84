"""When a child stops, in a process of its own: signals and standard input are the process's."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from support.serving import PATIENCE, clean_environment, ended_unless_it_speaks

CHILD = """
import asyncio
from router.app.parent_watch import stop_event

async def live():
    stop = stop_event(asyncio.get_running_loop())
    print("ready", flush=True)
    await stop.wait()
    print("stopped", flush=True)
    await asyncio.sleep(0)  # an ended input that is still watched would keep the loop busy
    asyncio.get_running_loop().remove_reader(0) and print("still watched")

asyncio.run(live())
"""


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", CHILD]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment()
    ) as process:
        assert process.stdout is not None
        with ended_unless_it_speaks(process):
            assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it(child: subprocess.Popen[str], number: signal.Signals) -> None:
    child.send_signal(number)
    assert child.wait(PATIENCE) == 0
    assert child.stdout.read().startswith("stopped\n")


def test_it_stops_when_nobody_holds_its_standard_input_any_more(child: subprocess.Popen[str]) -> None:
    child.stdin.close()
    assert child.wait(PATIENCE) == 0
    assert child.stdout.read() == "stopped\n"


def test_what_is_written_to_it_does_not_stop_it(child: subprocess.Popen[str]) -> None:
    child.stdin.write("anything\n" * 3)
    child.stdin.flush()
    child.send_signal(signal.SIGTERM)
    assert child.wait(PATIENCE) == 0
    assert child.stdout.read() == "stopped\nstill watched\n"
