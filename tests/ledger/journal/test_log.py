"""What a writer has sent, kept so that it can be sent again."""

from __future__ import annotations

from router.ledger.journal import log
from router.ledger.journal.log import DiskLog, MemoryLog, open_log


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
