import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from router.ledger.journal.compaction import COMPACT_SECONDS, KEEP_SECONDS
from router.ledger.journal.disk import SEGMENT_SECONDS, Disk
from router.ledger.journal.journal import Entry, JournalError, journals, new_journal, orphans, tidy

EVERYTHING = 1 << 40


def add_up(payloads):
    """Payloads are numbers here, and their sum says the same as they do."""
    return [b"%d" % sum(map(int, payloads))]


def total(journal) -> int:
    return sum(int(entry.payload) for entry in journal.entries())


def names(folder: Path) -> list[str]:
    """Files of the only journal in a folder: 1.log, 4-6.sum."""
    found = sorted(path for path in folder.glob("*/*") if path.name not in ("lock", "retired"))
    return ["-".join(str(int(part)) for part in path.stem.split("-")) + path.suffix for path in found]


def fill(journal, clock, last: int) -> None:
    """Three entries per segment; each counts its own number."""
    for number in range(journal.last + 1, last + 1):
        if number % 3 == 1:
            clock.now += SEGMENT_SECONDS
        journal.append(number, b"%d" % number)


@pytest.fixture
def journal(tmp_path, clock):
    made = new_journal(tmp_path, clock=clock)
    fill(made, clock, 9)
    yield made
    made.close()


def test_closed_segments_are_summarised_when_they_are_old_enough(journal, clock, tmp_path):
    newest = clock.now
    journal.compact(add_up, EVERYTHING)
    assert names(tmp_path) == ["1.log", "4.log", "7.log"]
    clock.now = newest - SEGMENT_SECONDS + COMPACT_SECONDS
    journal.compact(add_up, EVERYTHING)
    assert names(tmp_path) == ["1-3.sum", "4.log", "7.log"]
    clock.now += 2 * SEGMENT_SECONDS
    journal.compact(add_up, EVERYTHING)
    assert names(tmp_path) == ["1-3.sum", "4-6.sum", "7.log"]  # the last one is appended to
    assert list(journal.entries()) == [
        Entry(3, newest - 2 * SEGMENT_SECONDS, b"6"),
        Entry(6, newest - SEGMENT_SECONDS, b"15"),
        *(Entry(number, newest, b"%d" % number) for number in (7, 8, 9)),
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("*/*")} == {0o600}


def test_what_the_server_may_not_have_stays_as_it_is(journal, clock, tmp_path):
    clock.now += 2 * KEEP_SECONDS
    journal.compact(add_up, 5)
    assert names(tmp_path) == ["4.log", "7.log"]
    assert total(journal) == sum(range(4, 10))


def test_a_summary_cannot_be_read_from_its_middle(journal, clock):
    clock.now += COMPACT_SECONDS + 10
    journal.compact(add_up, EVERYTHING)
    for after in (3, 4, 5, 6):
        skipped = []
        read = [entry.number for entry in journal.entries(after, skipped.append)]
        if after in (3, 6):
            assert (read, skipped) == ([6, 7, 8, 9] if after == 3 else [7, 8, 9], [])
        else:
            assert read == [7, 8, 9]
            [only] = skipped
            assert (only.summary, only.first, only.last) == (True, after + 1, 6)
            assert "entries 4 to 6 were summarised" in only.why


def test_a_summary_may_be_several_entries_with_one_number(journal, clock):
    clock.now += COMPACT_SECONDS + 10
    journal.compact(lambda payloads: list(payloads)[:2], EVERYTHING)
    assert [(entry.number, entry.payload) for entry in journal.entries()][:4] == [
        (3, b"1"),
        (3, b"2"),
        (6, b"4"),
        (6, b"5"),
    ]
    assert [entry.number for entry in journal.entries(3)] == [6, 6, 7, 8, 9]


def test_a_summary_that_says_nothing_is_not_kept(journal, clock, tmp_path):
    clock.now += COMPACT_SECONDS + 10
    journal.compact(lambda payloads: [], EVERYTHING)
    assert names(tmp_path) == ["7.log"]


def test_what_is_too_old_goes(journal, clock, tmp_path):
    clock.now += COMPACT_SECONDS + 10
    journal.compact(add_up, EVERYTHING)
    clock.now += KEEP_SECONDS - COMPACT_SECONDS - 2 * SEGMENT_SECONDS - 20
    journal.compact(add_up, EVERYTHING)
    assert names(tmp_path) == ["1-3.sum", "4-6.sum", "7.log"]
    clock.now += SEGMENT_SECONDS
    journal.compact(add_up, 0)
    assert names(tmp_path) == ["1-3.sum", "4-6.sum", "7.log"]
    journal.compact(add_up, EVERYTHING)
    assert names(tmp_path) == ["4-6.sum", "7.log"]
    assert total(journal) == sum(range(4, 10))


def test_the_newest_entry_of_a_segment_decides_whatever_the_clock_did(tmp_path, clock):
    journal = new_journal(tmp_path, clock=clock)
    journal.append(1, b"1")
    clock.now -= 2 * KEEP_SECONDS
    journal.append(2, b"2")
    journal.append(3, b"3")
    clock.now += 2 * KEEP_SECONDS
    journal.append(4, b"4")
    journal.compact(add_up, EVERYTHING)
    assert names(tmp_path) == ["1.log", "4.log"]  # 2 and 3 are as old as their clock said
    journal.close()


def test_reading_goes_on_while_segments_are_summarised(journal, clock, tmp_path):
    reading = journal.entries()
    read = [next(reading), next(reading)]
    clock.now += COMPACT_SECONDS + 10
    journal.compact(add_up, EVERYTHING)
    read += list(reading)
    assert [(entry.number, entry.payload) for entry in read] == [
        *[(number, b"%d" % number) for number in (1, 2, 3)],
        (6, b"15"),
        *[(number, b"%d" % number) for number in (7, 8, 9)],
    ]


def test_reading_ends_when_everything_was_removed(journal, clock, tmp_path):
    journal.retire()
    [reader] = journals(tmp_path)
    reading = reader.entries()
    read = [next(reading)]
    clock.now += 2 * KEEP_SECONDS
    tidy(tmp_path, add_up, clock=clock)
    assert [entry.number for entry in [*read, *reading]] == [1, 2, 3]


def test_an_error_of_the_summary_changes_nothing(journal, clock, tmp_path):
    def confused(payloads):
        raise ZeroDivisionError

    clock.now += COMPACT_SECONDS + 10
    with pytest.raises(ZeroDivisionError):
        journal.compact(confused, EVERYTHING)
    assert names(tmp_path) == ["1.log", "4.log", "7.log"]


# Interrupted


class Noting(Disk):
    def __init__(self) -> None:
        self.calls: list[str] = []

    def write(self, fd, parts):
        self.calls.append("write")
        return super().write(fd, parts)

    def sync(self, fd):
        self.calls.append("sync folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "sync")
        super().sync(fd)

    def rename(self, old, new):
        self.calls.append("rename")
        super().rename(old, new)

    def remove(self, path):
        self.calls.append("remove")
        super().remove(path)


def test_a_segment_is_removed_only_when_its_summary_is_on_disk(journal, clock, tmp_path):
    clock.now += COMPACT_SECONDS + 10
    journal.close()
    [orphan] = orphans(tmp_path, clock=clock, disk=(disk := Noting()))
    disk.calls.clear()
    orphan.compact(add_up, EVERYTHING)
    assert disk.calls == ["write", "sync", "rename", "sync folder", "remove"] * 3
    orphan.close()


INTERRUPTED = """
import os, sys
from pathlib import Path
from router.ledger.journal.journal import orphans
from router.ledger.journal.disk import Disk

folder, now, step, when = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]

class Dying(Disk):
    '''Ends the process before, within or after its nth call.'''
    calls = -1  # one fsync when it is taken

    def _count(self, call, within=lambda: None):
        self.calls += 1
        if self.calls != step:
            return call()
        if when == "after":
            call()
        elif when == "within":
            within()
        os._exit(9)

    def write(self, fd, parts):
        half = b"".join(parts)[:45]
        return self._count(lambda: super(Dying, self).write(fd, parts), lambda: os.write(fd, half))

    def sync(self, fd):
        return self._count(lambda: super(Dying, self).sync(fd))

    def rename(self, old, new):
        return self._count(lambda: super(Dying, self).rename(old, new))

    def remove(self, path):
        return self._count(lambda: super(Dying, self).remove(path))

[orphan] = orphans(folder, clock=lambda: now, disk=Dying())
orphan.compact(lambda payloads: [b"%d" % sum(map(int, payloads))], 100)
"""


@pytest.mark.parametrize("when", ["before", "within", "after"])
@pytest.mark.parametrize("step", range(1, 11))
def test_an_interruption_loses_nothing_and_duplicates_nothing(tmp_path, clock, step, when):
    journal = new_journal(tmp_path, clock=clock)
    fill(journal, clock, 6)
    journal.close()
    clock.now += COMPACT_SECONDS + 10
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path), str(clock.now), str(step), when]
    assert subprocess.run(command, timeout=30).returncode == 9
    assert total(journals(tmp_path)[0]) == sum(range(1, 7))
    [orphan] = orphans(tmp_path, clock=clock)
    assert orphan.last == 6
    assert total(orphan) == sum(range(1, 7))
    orphan.compact(add_up, EVERYTHING)
    assert total(orphan) == sum(range(1, 7))
    assert names(tmp_path) == ["1-3.sum", "4-6.sum"]
    orphan.append(7, b"7")
    assert total(orphan) == sum(range(1, 8))
    orphan.close()


@pytest.mark.parametrize("call", ["write", "sync", "rename", "remove"])
def test_trouble_with_the_disk_is_told_and_leaves_the_entries(journal, clock, tmp_path, call):
    class Failing(Disk):
        pass

    def fail(self, *arguments):
        raise OSError(28, "No space left on device")

    setattr(Failing, call, fail)
    clock.now += COMPACT_SECONDS + 10
    journal.close()
    [orphan] = orphans(tmp_path, clock=clock, disk=Failing())
    with pytest.raises(JournalError, match=r"cannot compact the journal .*No space left on device; make room"):
        orphan.compact(add_up, EVERYTHING)
    assert total(orphan) == sum(range(1, 10))
    orphan.close()
    [again] = orphans(tmp_path, clock=clock)
    again.compact(add_up, EVERYTHING)
    assert names(tmp_path) == ["1-3.sum", "4-6.sum", "7-9.sum"]
    again.close()


# What is retired


def test_retired_journals_are_tidied_until_nothing_is_left(journal, clock, tmp_path):
    journal.retire()
    tidy(tmp_path, add_up, clock=clock)
    assert names(tmp_path) == ["1.log", "4.log", "7.log"]
    clock.now += COMPACT_SECONDS + 10
    tidy(tmp_path, add_up, clock=clock)
    assert names(tmp_path) == ["1-3.sum", "4-6.sum", "7-9.sum"]
    assert total(journals(tmp_path)[0]) == 45
    clock.now += KEEP_SECONDS
    tidy(tmp_path, add_up, clock=clock)
    assert list(tmp_path.iterdir()) == []


def test_orphans_and_journals_in_use_are_left_alone(journal, clock, tmp_path):
    clock.now += 2 * KEEP_SECONDS
    tidy(tmp_path, add_up, clock=clock)
    assert total(journal) == 45
    journal.close()
    tidy(tmp_path, add_up, clock=clock)
    assert total(journals(tmp_path)[0]) == 45


def test_what_cannot_be_read_is_kept_as_long_as_the_rest(journal, clock, tmp_path):
    journal.retire()
    damaged = min(tmp_path.glob("*/*.log"))
    with damaged.open("r+b") as file:
        file.write(b"?")
    os.utime(damaged, (clock.now, clock.now))
    set_aside = damaged.with_name(damaged.name + ".damaged")
    set_aside.write_bytes(bytes(100))
    os.utime(set_aside, (clock.now, clock.now))
    clock.now += KEEP_SECONDS - 10
    tidy(tmp_path, add_up, clock=clock)
    assert damaged.exists()
    assert set_aside.exists()
    clock.now += 20
    tidy(tmp_path, add_up, clock=clock)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_summary_is_told(journal, clock, tmp_path):
    clock.now += COMPACT_SECONDS + 10
    journal.compact(add_up, EVERYTHING)
    path = min(tmp_path.glob("*/*.sum"))
    path.write_bytes(path.read_bytes()[:-1])
    skipped = []
    assert [entry.number for entry in journal.entries(on_skip=skipped.append)] == [6, 7, 8, 9]
    [only] = skipped
    assert (only.path, only.first, only.last, only.summary) == (path, 1, 3, False)
