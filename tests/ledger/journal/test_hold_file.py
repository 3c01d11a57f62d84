"""Holds that the server may not have yet, and what a killed worker leaves of them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from router.ledger.journal.disk import Disk
from router.ledger.journal.hold_file import FULL_BYTES, HALF_BYTES, MOST_BYTES, HoldFile, read_holds
from router.ledger.journal.segments import HOLDS_NAME


@pytest.fixture
def holds(tmp_path: Path) -> HoldFile:
    made = HoldFile(Disk(), tmp_path)
    yield made
    made.close()


def test_what_goes_with_a_batch_that_was_not_applied_is_read(holds, tmp_path):
    for number, payload in ((7, b"a"), (7, b"b"), (8, b"c")):
        assert holds.add(number, payload)
    assert [read_holds(tmp_path, after) for after in (6, 7, 8)] == [[b"a", b"b", b"c"], [b"c"], []]
    assert stat.S_IMODE((tmp_path / HOLDS_NAME).stat().st_mode) == 0o600


def test_a_batch_later_its_place_is_taken(holds, tmp_path):
    """What is behind the new ones, of the number before, is not read any more, wherever it begins."""
    for payload in (b"first", b"second", b"third"):
        holds.add(7, payload)
    holds.add(9, b"other")
    assert read_holds(tmp_path, 0) == [b"other"]
    holds.add(9, b"longer than the second")
    assert read_holds(tmp_path, 0) == [b"other", b"longer than the second"]


def test_what_the_server_has_is_forgotten(holds, tmp_path):
    holds.forget(7)
    holds.add(7, b"applied")
    holds.add(8, b"on its way")
    holds.forget(7)
    assert read_holds(tmp_path, 0) == [b"on its way"]
    holds.add(9, b"the next one")
    holds.close()
    holds.forget(8)
    assert read_holds(tmp_path, 8) == [b"the next one"]


def test_a_number_need_not_be_the_next_one(holds, tmp_path):
    holds.add(7, b"in flight")
    holds.add(8, b"behind it")
    holds.add(40, b"after the outage")
    assert read_holds(tmp_path, 7) == [b"after the outage"] and read_holds(tmp_path, 6)[0] == b"in flight"


def test_one_that_was_half_written_ends_it(holds, tmp_path):
    holds.add(2, b"whole")
    holds.add(2, b"broken off")
    path = tmp_path / HOLDS_NAME
    written = path.read_bytes()
    path.write_bytes(written.replace(b"broken off", b"broken\0\0\0\0"))
    assert read_holds(tmp_path, 0) == [b"whole"]
    path.write_bytes(written[: written.index(b"broken off") + 9])
    assert read_holds(tmp_path, 0) == [b"whole"]


def test_without_a_file_there_are_none(tmp_path):
    assert read_holds(tmp_path, 0) == []


def test_a_half_that_is_full_takes_those_that_were_to_go_with_the_batch_before(holds, tmp_path):
    payload = b"x" * MOST_BYTES
    added = 0
    while holds.add(2, payload):
        added += 1
    moved = 0
    while holds.add(2, payload, moved=True):
        moved += 1
    assert FULL_BYTES * 0.9 < added * MOST_BYTES < FULL_BYTES and (added + moved) * MOST_BYTES < HALF_BYTES
    assert moved >= added - 1
    assert holds.add(3, b"the other half is free")
    assert len(read_holds(tmp_path, 0)) == added + moved + 1


def test_a_long_one_is_not_taken(holds):
    assert not holds.add(1, b"x" * (MOST_BYTES + 1))


def test_a_disk_without_room_for_all_of_it_is_no_error_and_is_asked_again(tmp_path):
    """Not even its first page may be written: whoever finds the disk full by another one ends."""

    class Full(Disk):
        room = 100_000

        def write(self, fd: int, parts: tuple[bytes, ...]) -> int:
            if not self.room:
                raise OSError(28, "No space left on device")
            taken = os.write(fd, b"".join(parts)[: self.room])
            self.room -= taken
            return taken

    disk = Full()
    holds = HoldFile(disk, tmp_path)
    assert not holds.add(1, b"x")
    assert read_holds(tmp_path, 0) == []
    disk.room = 1_000_000
    assert holds.add(1, b"x")
    assert (tmp_path / HOLDS_NAME).stat().st_size == 2 * HALF_BYTES
    holds.close()
    assert read_holds(tmp_path, 0) == [b"x"]
    assert not HoldFile(Disk(), tmp_path / "gone").add(1, b"x")


def test_its_room_on_the_disk_is_taken_when_it_is_opened(holds, tmp_path):
    holds.add(1, b"x")
    assert (tmp_path / HOLDS_NAME).stat().st_blocks * 512 >= 2 * HALF_BYTES


def test_the_holes_of_a_copy_are_filled(holds, tmp_path):
    path = tmp_path / HOLDS_NAME
    path.touch()
    os.truncate(path, 2 * HALF_BYTES)
    holds.add(1, b"x")
    assert path.stat().st_blocks * 512 >= 2 * HALF_BYTES


@pytest.mark.parametrize("spoil", [lambda path: os.truncate(path, 0), Path.unlink])
def test_a_file_that_was_cut_short_or_removed_is_made_whole_with_the_next_batch(holds, tmp_path, spoil):
    """A write into a page that is gone would end the process."""
    holds.add(1, b"before")
    holds.add(2, b"before")
    spoil(tmp_path / HOLDS_NAME)
    holds.forget(2)
    assert holds.add(3, b"after") and holds.add(3, b"it")
    assert read_holds(tmp_path, 0) == [b"after", b"it"]
    spoil(tmp_path / HOLDS_NAME)
    assert holds.add(5, b"again")
    assert read_holds(tmp_path, 0) == [b"again"]


def test_once_the_server_has_them_all_the_file_goes(holds, tmp_path):
    holds.add(1, b"x")
    holds.remove()
    assert not (tmp_path / HOLDS_NAME).exists()
    holds.remove()
