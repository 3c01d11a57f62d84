from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from router.power.drivers import process_identity
from router.power.drivers.process_identity import identity_of, members, signal_it

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "MARK": "here"}
    process = subprocess.Popen(SLEEP, start_new_session=True, env=environment)
    yield process
    process.kill()
    process.wait()


def test_it_stays_and_is_of_one_process(child: subprocess.Popen[bytes]) -> None:
    found = identity_of(child.pid)
    assert found and found == identity_of(child.pid) != identity_of(os.getpid())


def test_what_has_ended_has_none_whether_it_was_waited_for_or_not(child: subprocess.Popen[bytes]) -> None:
    found = identity_of(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert identity_of(child.pid) == ""
    child.wait()
    assert identity_of(child.pid) == ""
    assert not signal_it(child.pid, found, signal.SIGTERM)


def test_only_the_very_process_is_signalled(child: subprocess.Popen[bytes]) -> None:
    assert not signal_it(child.pid, "", signal.SIGKILL)
    assert not signal_it(child.pid, f"{identity_of(child.pid)}1", signal.SIGKILL)
    assert child.poll() is None
    assert signal_it(child.pid, identity_of(child.pid), signal.SIGTERM)
    assert child.wait() == -signal.SIGTERM


def test_a_session_is_told_by_its_number_and_a_mark(child: subprocess.Popen[bytes]) -> None:
    if not process_identity._PROC.joinpath("self/environ").exists():
        pytest.skip("only /proc tells")
    assert list(members(child.pid, b"MARK=here")) == [child.pid]
    assert list(members(child.pid, b"MARK=elsewhere")) == list(members(os.getpid() + 1, b"MARK=here")) == []


def test_without_proc_it_is_told_by_ps(
    child: subprocess.Popen[bytes], tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_identity, "_PROC", tmp_path)
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    found = identity_of(child.pid)
    assert found and found == identity_of(child.pid)
    assert signal_it(child.pid, found, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert identity_of(child.pid) == "" and list(members(child.pid, b"MARK=here")) == []
