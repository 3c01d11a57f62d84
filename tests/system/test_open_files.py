from __future__ import annotations

import errno
import fcntl
import os
import sys
import threading
from pathlib import Path

import pytest

from router.system.open_files import has_writer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


def test_a_file_that_is_being_written_has_a_writer_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    with path.open("w") as written:
        written.write("version: 1\n")
        assert has_writer(path) is True
    assert has_writer(path) is False
    with path.open() as read:
        assert read.read() and has_writer(path) is False


def test_what_cannot_be_known_is_neither_yes_nor_no(tmp_path: Path) -> None:
    """A file that is not there, or not on a disk of this machine."""
    assert has_writer(tmp_path / "gone") is None
    assert has_writer("/proc/version") is None


@pytest.mark.parametrize("error", [errno.EACCES, errno.EPERM, errno.EINVAL])
def test_of_a_file_of_another_user_it_is_not_known(tmp_path: Path, error: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system refuses the lease whether or not there is a writer."""
    path = tmp_path / "policy.yaml"

    def refuse(fd: int, command: int, argument: int = 0) -> int:
        if command == fcntl.F_SETLEASE:
            raise OSError(error, os.strerror(error))
        return 0

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    with path.open("w"):
        assert has_writer(path) is None


def test_whoever_writes_in_the_very_moment_ends_nobody(tmp_path: Path) -> None:
    """The lease is broken by an open file, of which the system tells its holder by a signal."""
    path = tmp_path / "policy.yaml"
    path.write_text("version: 1\n")
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            with path.open("a"):
                pass

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = {has_writer(path) for _ in range(2000)}
    finally:
        over.set()
        writer.join(10)
    assert False in seen and not writer.is_alive()
