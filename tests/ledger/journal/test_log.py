"""What a writer has sent, kept so that it can be sent again."""

from __future__ import annotations

import logging

import pytest

from router.ledger.journal import log
from router.ledger.journal.journal import journals
from router.ledger.journal.log import DiskLog, MemoryLog, open_log
from tests.support.filling_disk import FillingDisk


def test_entries_come_from_the_first_above_a_number():
    kept = MemoryLog()
    for number in (1, 2, 3):
        kept.append(number, b"x")
    assert [entry.number for entry in kept.entries(1)] == [2, 3]
    kept.acknowledged(3)
    assert kept.has_entries and kept.last == 3
    kept.forget(2)
    assert [entry.number for entry in kept.entries(0)] == [3]


def test_memory_is_bounded_and_the_oldest_go(monkeypatch):
    monkeypatch.setattr(log, "KEPT_BYTES", 10)
    kept = MemoryLog()
    for number in range(5):
        kept.append(number, b"1234")
    assert [entry.number for entry in kept.entries(-1)] == [3, 4]


def test_a_folder_that_cannot_be_written_leaves_memory(tmp_path):
    (tmp_path / "journal").write_text("a file")
    assert isinstance(open_log(tmp_path / "journal"), MemoryLog)


def test_what_is_on_disk_is_there_for_the_next_process(tmp_path):
    first = open_log(tmp_path / "journal")
    assert isinstance(first, DiskLog) and not first.has_entries
    first.append(1, b"\x90")
    first.close(applied=False)
    later = open_log(tmp_path / "journal")
    assert later.has_entries
    (orphan,) = later.orphans()
    assert (orphan.writer, [entry.number for entry in orphan.entries(0)]) == (first.writer, [1])
    orphan.retire()
    orphan.close()
    assert [each.writer for each in later.retired()] == [first.writer] and not list(later.orphans())
    later.close(applied=True)


def test_holds_of_a_killed_writer_are_there_for_the_next_process(tmp_path):
    first = open_log(tmp_path / "journal")
    assert first.hold(3, b"hold")
    first.close(applied=False)
    later = open_log(tmp_path / "journal")
    (orphan,) = later.orphans()
    assert (orphan.writer, orphan.holds(2), orphan.holds(3), list(orphan.entries(0))) == (
        first.writer, [b"hold"], [], []
    )  # fmt: skip
    orphan.retire()
    orphan.close()
    assert not list(later.orphans())
    later.close(applied=True)


def test_a_writer_that_ends_in_peace_leaves_no_holds(tmp_path):
    first = open_log(tmp_path / "journal")
    assert first.hold(3, b"hold")
    first.close(applied=True)
    assert not list((tmp_path / "journal").iterdir())


def test_memory_takes_no_holds():
    assert not MemoryLog().hold(1, b"hold")


def in_journal(folder):
    (reader,) = journals(folder)
    return [(entry.number, entry.payload) for entry in reader.entries()]


@pytest.fixture
def disk():
    return FillingDisk()


@pytest.fixture
def kept(tmp_path, disk):
    made = DiskLog(tmp_path, disk)
    yield made
    made.close(applied=True)


def test_what_a_full_disk_did_not_take_is_written_once_it_does(tmp_path, disk, kept, caplog):
    """Also what the server has by then: it may lose its books at any later time."""
    caplog.set_level(logging.INFO)
    kept.append(1, b"1")
    disk.full = True
    for number in (2, 3):
        kept.append(number, b"%d" % number)
        kept.acknowledged(number)
    assert in_journal(tmp_path) == [(1, b"1")]
    assert [entry.number for entry in kept.entries(0)] == [1, 2, 3]

    disk.full = False
    kept.append(4, b"4")
    assert in_journal(tmp_path) == [(1, b"1"), (2, b"2"), (3, b"3"), (4, b"4")]
    assert [entry.number for entry in kept.entries(0)] == [1, 2, 3, 4]
    first, second = caplog.messages
    assert "kept in memory only" in first and "no space left" in first.lower()
    assert "can be written again, and nothing is missing" in second


def test_a_worker_with_nothing_to_do_writes_it_too(tmp_path, disk, kept):
    disk.full = True
    kept.append(1, b"1")
    kept.acknowledged(1)
    disk.full = False
    kept.catch_up()
    assert in_journal(tmp_path) == [(1, b"1")]


def test_a_worker_that_ends_writes_it_first(tmp_path, disk, monkeypatch):
    monkeypatch.setattr(log, "_CAUGHT_UP_BYTES", 1)
    kept = DiskLog(tmp_path, disk)
    disk.full = True
    for number in range(1, 6):
        kept.append(number, b"x")
    disk.full = False
    kept.close(applied=True)
    assert [number for number, _ in in_journal(tmp_path)] == [1, 2, 3, 4, 5]


def test_a_worker_that_ends_on_a_full_disk_says_what_is_missing(tmp_path, disk, caplog):
    kept = DiskLog(tmp_path, disk)
    disk.full = True
    kept.append(7, b"x")
    kept.close(applied=False)
    assert "not in the journal: batches from number 7 on" in caplog.text


def test_much_is_written_a_piece_at_a_time(tmp_path, disk, kept, monkeypatch):
    """So that nobody waits for it, and in order all the same."""
    monkeypatch.setattr(log, "_CAUGHT_UP_BYTES", 2)
    disk.full = True
    for number in range(1, 6):
        kept.append(number, b"x")
    disk.full = False
    kept.append(6, b"x")
    assert [number for number, _ in in_journal(tmp_path)] == [1, 2]
    assert [entry.number for entry in kept.entries(0)] == [1, 2, 3, 4, 5, 6]
    kept.catch_up()
    kept.catch_up()
    assert [number for number, _ in in_journal(tmp_path)] == [1, 2, 3, 4, 5, 6]


def test_what_memory_had_no_room_for_is_told(tmp_path, disk, kept, monkeypatch, caplog):
    monkeypatch.setattr(log, "KEPT_BYTES", 2)
    disk.full = True
    for number in range(1, 6):
        kept.append(number, b"x")
    disk.full = False
    kept.append(6, b"x")
    assert [number for number, _ in in_journal(tmp_path)] == [5, 6]
    assert len(caplog.messages) == 3
    assert "the oldest batches are let go" in caplog.messages[1]
    assert "lacks batches up to number 4" in caplog.messages[2]
