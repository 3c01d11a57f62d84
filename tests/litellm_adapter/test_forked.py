"""Serving in a copy: another one at once when it ends, and none once the end is wanted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

SCRIPT = """
import logging, os, sys, time
from router.litellm_adapter import forked
from router.litellm_adapter.forked import keep_serving
forked.SILENCE_SECONDS = float((sys.argv[2:] or [60])[0])
def serve(beat):
    beat()
    print(os.getpid(), flush=True)
    until = time.monotonic() + float((sys.argv[3:] or [60])[0])
    while time.monotonic() < until:
        beat()
        time.sleep(0.05)
    stand_still()
def stand_still():
    time.sleep(60)
keep_serving(serve, int(sys.argv[1]))
print("ended", flush=True)
"""


@pytest.mark.timeout(30)
def test_a_copy_that_is_killed_is_followed_by_another_and_ends_with_its_origin() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(os.getpid())], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first = int(process.stdout.readline())
        os.kill(first, signal.SIGKILL)
        second = int(process.stdout.readline())
        assert second not in (first, process.pid)
        process.terminate()
        assert process.stdout.read() == "ended\n"
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


@pytest.mark.timeout(30)
def test_nothing_is_served_for_a_supervisor_that_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        pass
    command = [sys.executable, "-c", SCRIPT, str(gone.pid)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "ended\n"


def started(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT, *map(str, (os.getpid(), *arguments))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def next_copy(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


@pytest.mark.timeout(60)
def test_a_copy_that_the_system_stopped_is_followed_by_another() -> None:
    with started(1) as process:
        first = next_copy(process)
        os.kill(first, signal.SIGSTOP)
        assert next_copy(process) != first
        process.terminate()
        assert "stands still" in process.communicate()[1]
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


@pytest.mark.timeout(60)
def test_a_copy_whose_loop_stands_still_shows_where_it_stood() -> None:
    with started(1, 0) as process:
        assert next_copy(process) != next_copy(process)
        process.terminate()
        assert "in stand_still" in process.communicate()[1]


@pytest.mark.timeout(60)
def test_a_copy_that_beats_lives() -> None:
    with started(1) as process:
        only = next_copy(process)
        time.sleep(2)
        os.kill(only, 0)
        process.terminate()
        assert process.communicate() == ("ended\n", "")


@pytest.mark.timeout(30)
def test_a_copy_that_the_system_stopped_ends_with_its_origin() -> None:
    with started() as process:
        only = next_copy(process)
        os.kill(only, signal.SIGSTOP)
        process.terminate()
        assert process.communicate() == ("ended\n", "")
    with pytest.raises(ProcessLookupError):
        os.kill(only, 0)
