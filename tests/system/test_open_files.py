from __future__ import annotations

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
        assert has_writer(path)
    assert not has_writer(path)
    with path.open() as read:
        assert read.read() and not has_writer(path)


def test_what_cannot_be_known_is_no_writer(tmp_path: Path) -> None:
    assert not has_writer(tmp_path / "gone")
    assert not has_writer(tmp_path)


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
