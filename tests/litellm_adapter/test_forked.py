"""Serving in a copy: another one at once when it ends, and none once the end is wanted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

SCRIPT = """
import logging, os, sys, time
from router.litellm_adapter.forked import keep_serving
def serve():
    print(os.getpid(), flush=True)
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
