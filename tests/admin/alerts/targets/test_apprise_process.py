"""The process in which apprise runs, as a process."""

from __future__ import annotations

import subprocess
import sys

import msgspec
from support.serving import PROJECT, clean_environment

from router.admin.alerts.targets.apprise import NO_ADDRESS, REFUSED, Task


def ended(task: Task) -> tuple[int, str]:
    command = [sys.executable, "-m", "router.admin.alerts.targets.apprise_process"]
    done = subprocess.run(
        command, input=msgspec.json.encode(task), capture_output=True, timeout=60, cwd=PROJECT, env=clean_environment()
    )
    return done.returncode, (done.stdout + done.stderr).decode()


def test_it_says_by_its_end_how_it_went_and_nothing_else():
    assert ended(Task("nothing://T0KEN", (), "t", "b")) == (NO_ADDRESS, "")
    assert ended(Task("json://127.0.0.1:1/T0KEN", ("127.0.0.1",), "t", "b")) == (REFUSED, "")
