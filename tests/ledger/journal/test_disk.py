from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from router.ledger.journal.disk import SEGMENT_BYTES, SEGMENT_SECONDS, Disk, Segment, journal_error


class Grudging(Disk):
    """Takes a few bytes at a time, and none once `left` is used up."""

    def __init__(self, left: int) -> None:
        self.left = left

    def write(self, fd: int, parts: tuple[bytes, ...]) -> int:
        if not self.left:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = min(3, self.left)
        self.left -= taken
        return os.write(fd, b"".join(parts)[:taken])

    def truncate(self, fd: int, size: int) -> None:
        raise OSError(errno.EIO, "Input/output error")


def test_all_is_written_though_the_system_takes_it_in_pieces(tmp_path: Path) -> None:
    file = tmp_path / "f"
    fd = os.open(file, os.O_WRONLY | os.O_CREAT)
    Grudging(100).write_all(fd, (b"one ", b"two ", b"three"), 13)
    os.close(fd)
    assert file.read_bytes() == b"one two three"


@pytest.mark.parametrize(
    ("number", "advice"), [(errno.ENOSPC, "make room on that disk"), (errno.EMFILE, "(ulimit -n)"), (errno.EPERM, "")]
)
def test_an_error_says_what_to_do_where_that_is_known(number: int, advice: str) -> None:
    told = str(journal_error("cannot append to", Path("/j/1.log"), OSError(number, os.strerror(number))))
    assert told.startswith(f"cannot append to /j/1.log: {os.strerror(number)}")
    assert told.endswith(advice) and not told.endswith("; ")


def test_a_segment_is_its_owners_alone_and_made_once(tmp_path: Path) -> None:
    segment = Segment(Disk(), tmp_path, 1, 50.0)
    assert stat.S_IMODE(segment.path.stat().st_mode) == 0o600
    assert segment.path.stat().st_size == segment.size
    with pytest.raises(FileExistsError):
        Segment(Disk(), tmp_path, 1, 50.0)
    os.close(segment.fd)


def test_a_segment_that_could_not_begin_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        Segment(Grudging(5), tmp_path, 1, 50.0)
    assert list(tmp_path.iterdir()) == []


def test_a_segment_takes_more_until_it_is_large_or_old_or_the_clock_was_set_back(tmp_path: Path) -> None:
    segment = Segment(Disk(), tmp_path, 1, 50.0)
    assert segment.takes_more(50.0) and segment.takes_more(50.0 + SEGMENT_SECONDS - 1)
    assert not segment.takes_more(50.0 + SEGMENT_SECONDS)
    assert not segment.takes_more(49.0)
    segment.size = SEGMENT_BYTES
    assert not segment.takes_more(50.0)
    os.close(segment.fd)


def test_what_a_failed_write_left_is_cut_off_or_the_segment_is_unsound(tmp_path: Path) -> None:
    segment = Segment(Disk(), tmp_path, 1, 50.0)
    os.write(segment.fd, b"half an entry")
    segment.cut_off(Disk())
    assert segment.sound and segment.path.stat().st_size == segment.size
    segment.cut_off(Grudging(0))
    assert not segment.sound and not segment.takes_more(50.0)
    os.close(segment.fd)
