"""Damage: what is read of a file that was cut or changed anywhere is a prefix of what was written."""

import contextlib
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.ledger.journal.disk import Disk
from router.ledger.journal.journal import Journal, Skipped, new_journal, orphans
from router.ledger.journal.segments import FRAME_BYTES, HEADER_BYTES


class Unsynced(Disk):
    """Hundreds of examples need not reach the disk."""

    def sync(self, fd: int) -> None:
        pass


entries = st.lists(st.binary(max_size=40), min_size=1, max_size=6)


@contextlib.contextmanager
def written(payloads: list[bytes]) -> Iterator[tuple[Path, Path]]:
    """A folder with one orphan, and the only segment of that."""
    with tempfile.TemporaryDirectory() as folder:
        journal = new_journal(Path(folder), disk=Unsynced())
        for number, payload in enumerate(payloads, 1):
            journal.append(number, payload)
        journal.close()
        [segment] = Path(folder).glob("*/*.log")
        yield Path(folder), segment


def read(journal: Journal) -> tuple[list[bytes], list[Skipped]]:
    skipped: list[Skipped] = []
    return [entry.payload for entry in journal.entries(on_skip=skipped.append)], skipped


def check_prefix_and_going_on(folder: Path, payloads: list[bytes]) -> int:
    """How many entries are left."""
    [orphan] = orphans(folder, disk=Unsynced())
    try:
        left, _ = read(orphan)
        assert left == payloads[: len(left)]
        assert orphan.last == len(left)
        orphan.append(orphan.last + 1, b"goes on")
        orphan.append(orphan.last + 1, b"and on")
        after, _ = read(orphan)
        assert after == [*left, b"goes on", b"and on"]
        return len(left)
    finally:
        orphan.close()


def whole(payloads: list[bytes], size: int) -> int:
    """How many entries end within so many bytes."""
    ends, end = [], HEADER_BYTES
    for payload in payloads:
        end += FRAME_BYTES + len(payload)
        ends.append(end)
    return sum(each <= size for each in ends)


@given(entries, st.data())
@settings(max_examples=150, deadline=None)
def test_a_file_that_was_cut_keeps_every_whole_entry(payloads, data):
    with written(payloads) as (folder, segment):
        size = data.draw(st.integers(HEADER_BYTES + 1, segment.stat().st_size))
        os.truncate(segment, size)
        assert check_prefix_and_going_on(folder, payloads) == whole(payloads, size)


@given(entries, st.integers(0, HEADER_BYTES))
@settings(max_examples=30, deadline=None)
def test_a_file_that_was_cut_in_its_header_holds_nothing(payloads, size):
    with written(payloads) as (folder, segment):
        os.truncate(segment, size)
        assert list(orphans(folder, disk=Unsynced())) == []
        assert list(folder.iterdir()) == []


@given(entries, st.data(), st.integers(1, 255))
@settings(max_examples=200, deadline=None)
def test_entries_before_a_changed_byte_are_kept(payloads, data, change):
    with written(payloads) as (folder, segment):
        raw = bytearray(segment.read_bytes())
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] ^= change
        segment.write_bytes(raw)
        kept = whole(payloads, at) if at >= HEADER_BYTES else 0
        [orphan] = orphans(folder, disk=Unsynced())
        assert [each.first for each in read(orphan)[1]] == [kept + 1]
        orphan.close()
        assert check_prefix_and_going_on(folder, payloads) == kept


@given(entries, st.one_of(st.binary(min_size=1, max_size=200), st.integers(1, 5000).map(bytes)))
@settings(max_examples=100, deadline=None)
def test_what_a_disk_leaves_behind_the_end_is_not_an_entry(payloads, tail):
    with written(payloads) as (folder, segment):
        with segment.open("ab") as file:
            file.write(tail)
        assert check_prefix_and_going_on(folder, payloads) == len(payloads)


def test_an_entry_inside_a_payload_is_never_taken_for_one():
    """Behind damage there may be text that a client chose."""
    with written([b"the client's own"]) as (_, segment):
        forged = segment.read_bytes()[HEADER_BYTES:]
    with written([b"first", forged, b"last"]) as (folder, segment):
        raw = bytearray(segment.read_bytes())
        raw[HEADER_BYTES] ^= 1
        segment.write_bytes(raw)
        assert check_prefix_and_going_on(folder, [b"first", forged, b"last"]) == 0


def test_an_entry_that_was_appended_twice_counts_once():
    with written([b"a", b"b"]) as (folder, segment):
        raw = segment.read_bytes()
        segment.write_bytes(raw + raw[HEADER_BYTES:])
        assert check_prefix_and_going_on(folder, [b"a", b"b"]) == 2


def test_a_file_of_another_version_is_named_and_kept():
    with written([b"a"]) as (folder, segment):
        raw = bytearray(segment.read_bytes())
        raw[7] = 9  # the version, and then the checksum
        raw[32:36] = struct.pack(">I", zlib.crc32(raw[:32]))
        segment.write_bytes(raw)
        [orphan] = orphans(folder, disk=Unsynced())
        left, [skipped] = read(orphan)
        orphan.close()
        assert left == []
        assert (skipped.path, skipped.first, skipped.summary) == (segment, 1, False)
        assert "another version (format 9, this one reads 1)" in skipped.why
        assert segment.exists()


def test_a_file_under_the_name_of_another_is_not_read():
    with written([b"a", b"b"]) as (folder, segment):
        segment.rename(segment.with_name(f"{2:020d}.log"))
        [orphan] = orphans(folder, disk=Unsynced())
        left, [skipped] = read(orphan)
        orphan.close()
        assert (left, skipped.why) == ([], "its header belongs to another file")


def test_entries_behind_a_damaged_segment_are_read_and_the_damage_is_told(tmp_path, clock, caplog):
    journal = new_journal(tmp_path, clock=clock)
    for number in range(1, 7):
        journal.append(number, b"%d" % number)
        clock.now += 1900
    first, *_ = sorted(tmp_path.glob("*/*.log"))
    os.truncate(first, first.stat().st_size - 1)
    left, [skipped] = read(journal)
    assert left == [b"1", b"3", b"4", b"5", b"6"]
    assert (skipped.first, skipped.summary) == (2, False)
    assert [entry.number for entry in journal.entries(after=5)] == [6]
    list(journal.entries())
    assert "from entry 2 on not read: it ends in an entry that was never finished" in caplog.text
    journal.close()


@pytest.mark.parametrize("name", ["lock", "notes.txt", "x.log", "1-2.log", "5.sum", "00000000000000000001.log.damaged"])
def test_other_files_are_not_of_the_journal(tmp_path, name):
    journal = new_journal(tmp_path)
    journal.append(1, b"a")
    (tmp_path / journal.writer / name).touch()
    assert read(journal) == ([b"a"], [])
    journal.close()
