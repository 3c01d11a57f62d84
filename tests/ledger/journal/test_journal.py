import asyncio
import fcntl
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from router.ledger.journal.disk import SEGMENT_BYTES, SEGMENT_SECONDS, Disk
from router.ledger.journal.journal import Entry, JournalError, journals, new_journal, orphans


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(folder, clock):
    made = new_journal(folder, clock=clock)
    yield made
    made.close()


def payloads(journal, after: int = 0) -> list[bytes]:
    return [entry.payload for entry in journal.entries(after)]


def numbers(journal, after: int = 0) -> list[int]:
    return [entry.number for entry in journal.entries(after)]


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.log"))


def test_what_was_appended_is_read_in_order_while_it_is_appended_to(journal, clock):
    journal.append(7, b"seven")
    assert list(journal.entries()) == [Entry(7, clock.now, b"seven")]
    clock.now += 1.5
    journal.append(8, b"")
    journal.append(9, bytes(300_000))
    assert list(journal.entries()) == [
        Entry(7, clock.now - 1.5, b"seven"),
        Entry(8, clock.now, b""),
        Entry(9, clock.now, bytes(300_000)),
    ]
    assert numbers(journal, after=8) == [9]
    assert numbers(journal, after=9) == []
    assert journal.last == 9
    assert journal.healthy


def test_reading_goes_up_to_what_was_appended_when_it_began(journal):
    journal.append(1, b"a")
    reading = journal.entries()
    journal.append(2, b"b")
    assert [entry.number for entry in reading] == [1]


def test_numbers_ascend_and_may_leave_some_out(journal):
    journal.append(3, b"a")
    journal.append(5, b"b")
    for number in (5, 4):
        with pytest.raises(ValueError, match="after entry 5"):
            journal.append(number, b"c")
    assert payloads(journal) == [b"a", b"b"]


def test_an_hour_or_a_size_begins_a_new_segment(journal, folder, clock):
    journal.append(1, bytes(SEGMENT_BYTES - 500))
    journal.append(2, bytes(500))
    assert len(segments(folder)) == 1
    journal.append(3, b"the size")
    clock.now += SEGMENT_SECONDS - 1
    journal.append(4, b"not yet an hour")
    clock.now += 1
    journal.append(5, b"an hour")
    assert [int(path.stem) for path in segments(folder)] == [1, 3, 5]
    assert numbers(journal) == [1, 2, 3, 4, 5]
    assert numbers(journal, after=2) == [3, 4, 5]


def test_a_clock_that_is_set_back_loses_nothing(journal, folder, clock):
    for number, step in enumerate([0, -86_400, 10, -86_400 * 400, 4000, 86_400 * 401], 1):
        clock.now += step
        journal.append(number, b"%d" % number)
    assert numbers(journal) == [1, 2, 3, 4, 5, 6]
    assert len(segments(folder)) == 5


def test_only_the_gateway_can_look_inside(journal, folder):
    previous = os.umask(0)
    try:
        journal.append(1, b"names of keys")
    finally:
        os.umask(previous)
    paths = [folder, *folder.rglob("*")]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()} == {0o600}


# Orphans


def test_a_journal_becomes_an_orphan_when_its_writer_is_gone(folder, clock):
    journal = new_journal(folder, clock=clock)
    journal.append(1, b"a")
    assert list(orphans(folder)) == []
    journal.close()
    journal.close()
    [orphan] = orphans(folder)
    assert orphan.writer == journal.writer
    assert orphan.last == 1
    assert payloads(orphan) == [b"a"]
    assert list(orphans(folder)) == []  # it is taken
    orphan.close()
    assert [again.writer for again in closing(orphans(folder))] == [journal.writer]


def closing(taken):
    for journal in taken:
        yield journal
        journal.close()


def test_a_retired_journal_is_no_orphan_but_can_be_read(folder):
    journal = new_journal(folder)
    journal.append(1, b"a")
    journal.retire()
    assert list(orphans(folder)) == []
    [reader] = journals(folder)
    assert (reader.writer, reader.retired, payloads(reader)) == (journal.writer, True, [b"a"])


def test_whoever_rebuilds_reads_journals_of_the_living_too(journal, folder):
    journal.append(1, b"a")
    [reader] = journals(folder)
    assert (reader.writer, reader.retired, payloads(reader)) == (journal.writer, False, [b"a"])
    journal.append(2, b"b")
    assert numbers(reader, after=1) == [2]


def test_nothing_is_left_of_a_journal_that_was_never_appended_to(folder):
    new_journal(folder).close()
    assert list(folder.iterdir()) == []
    unlucky = new_journal(folder)
    (path := folder / unlucky.writer / "lock").unlink()
    path.touch()  # as if it had died before its first entry
    assert list(orphans(folder)) == []
    assert list(folder.iterdir()) == []
    unlucky.close()


def test_there_are_no_orphans_where_there_is_no_folder(folder):
    assert list(orphans(folder)) == []
    assert journals(folder) == []


def test_an_orphan_can_be_appended_to(folder):
    journal = new_journal(folder)
    journal.append(1, b"a")
    journal.close()
    [orphan] = orphans(folder)
    orphan.append(2, b"b")
    assert payloads(orphan) == [b"a", b"b"]
    orphan.close()
    with pytest.raises(JournalError, match="is closed"):
        orphan.append(3, b"c")


RACE = """
import sys
from pathlib import Path
from router.ledger.journal.journal import orphans
print("ready", flush=True)
sys.stdin.readline()
print(*[orphan.writer for orphan in orphans(Path(sys.argv[1]))], flush=True)
sys.stdin.readline()
"""


def child(code: str, *arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)


def test_processes_that_start_at_once_share_the_orphans(folder):
    left = set()
    for _ in range(40):
        journal = new_journal(folder)
        journal.append(1, b"a")
        journal.close()
        left.add(journal.writer)
    children = [child(RACE, folder) for _ in range(3)]
    for process in children:
        assert process.stdout.readline() == "ready\n"
    for process in children:
        process.stdin.write("go\n")
    taken = [writer for process in children for writer in process.stdout.readline().split()]
    assert len(taken) == len(set(taken)) == 40
    assert set(taken) == left
    for process in children:
        process.communicate("end\n", timeout=10)
    assert len(list(closing(orphans(folder)))) == 40


APPENDING = """
import itertools, os, sys
from pathlib import Path
from router.ledger.journal.journal import new_journal
journal = new_journal(Path(sys.argv[1]))
for number in itertools.count(1):
    journal.append(number, os.urandom(100) * (number % 50))
    os.write(1, b"%d\\n" % number)
"""


@pytest.mark.parametrize("many", [1, 50, 400])
def test_a_killed_process_loses_nothing_that_it_appended(folder, many):
    process = child(APPENDING, folder)
    for _ in range(many):
        assert process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    appended = many + len([line for line in process.stdout.read().split("\n") if line])
    process.stdout.close()
    process.stdin.close()
    [orphan] = orphans(folder)
    skipped = []
    read = [entry.number for entry in orphan.entries(on_skip=skipped.append)]
    assert read in ([*range(1, appended + 1)], [*range(1, appended + 2)])  # the last may not have been announced
    assert len(skipped) <= 1
    orphan.append(orphan.last + 1, b"goes on")
    assert numbers(orphan) == [*read, read[-1] + 1]
    orphan.close()


def test_the_last_file_of_an_orphan_is_brought_to_disk(folder, disk):
    """Its writer may have died before it did that."""
    journal = new_journal(folder)
    journal.append(1, b"a")
    journal.close()
    assert len(list(closing(orphans(folder, disk=disk)))) == 1
    assert disk.syncs == 1


def test_a_folder_that_is_swept_away_before_it_is_locked_is_made_anew(folder, monkeypatch):
    lock, swept = fcntl.flock, []

    def sweep_first(fd: int, operation: int) -> None:
        if not swept:
            swept.extend(path.name for path in folder.iterdir())
            shutil.rmtree(folder / swept[0])
        lock(fd, operation)

    monkeypatch.setattr("fcntl.flock", sweep_first)
    journal = new_journal(folder)
    journal.append(1, b"a")
    assert [journal.writer] == [path.name for path in folder.iterdir()] != swept
    journal.close()


LOOKING = """
import sys
from pathlib import Path
from router.ledger.journal.journal import orphans
rounds = 0
while not Path(sys.argv[1], "enough").exists():
    for orphan in orphans(Path(sys.argv[1])):
        print("took", orphan.writer)
        orphan.close()
    rounds += 1
    if rounds == 1:
        print("looking", flush=True)
"""


def test_a_new_journal_is_nobody_elses_however_soon_they_look(folder):
    folder.mkdir()
    looking = child(LOOKING, folder)
    assert looking.stdout.readline() == "looking\n"
    made = [new_journal(folder) for _ in range(100)]
    for journal in made:
        journal.append(1, b"a")
        assert payloads(journal) == [b"a"]
    (folder / "enough").touch()
    output, _ = looking.communicate(timeout=30)
    assert output == ""
    for journal in made:
        journal.close()
    assert len(list(closing(orphans(folder)))) == 100


# Trouble


@pytest.mark.parametrize("what", ["1.log", "00000000000000000001.log", "lock"])
def test_what_cannot_be_opened_is_explained(folder, what):
    (folder / "w" / what).mkdir(parents=True)
    (folder / "w" / "00000000000000000002.log").touch()
    with pytest.raises(JournalError, match=r"cannot (read|take) the journal .*Is a directory"):
        list(orphans(folder))
    if what != "lock":
        with pytest.raises(JournalError, match=r"cannot read the journal .*Is a directory"):
            payloads(journals(folder)[0])


def test_what_cannot_be_retired_stays_open(troubled, disk, folder):
    troubled.append(1, b"a")
    disk.syncing = OSError(5, "Input/output error")
    with pytest.raises(JournalError, match=r"cannot retire the journal .*look after that disk"):
        troubled.retire()
    assert list(orphans(folder)) == []
    disk.syncing = None
    troubled.append(2, b"b")
    troubled.retire()
    assert [reader.retired for reader in journals(folder)] == [True]


async def test_a_lack_of_threads_is_explained(journal, monkeypatch):
    def no_more(thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr("threading.Thread.start", no_more)
        with pytest.raises(JournalError, match="can't start new thread"):
            journal.append(1, b"a")
        assert not journal.healthy
    journal.append(1, b"a")
    await journal.synced()
    assert journal.healthy


class Failing(Disk):
    """Fails on demand: `writing` and `syncing` are errors or None; `room` is how many bytes are still taken."""

    def __init__(self) -> None:
        self.writing = self.syncing = self.truncating = None
        self.room = 1 << 40
        self.syncs = 0

    def write(self, fd, parts):
        if self.writing:
            raise self.writing
        raw = b"".join(parts)[: self.room]
        if not raw:
            raise OSError(28, "No space left on device")
        self.room -= len(raw)
        return super().write(fd, (raw,))

    def truncate(self, fd, size):
        if self.truncating:
            raise self.truncating
        super().truncate(fd, size)

    def sync(self, fd):
        self.syncs += 1
        if self.syncing:
            raise self.syncing
        super().sync(fd)


@pytest.fixture
def disk() -> Failing:
    return Failing()


@pytest.fixture
def troubled(folder, clock, disk):
    made = new_journal(folder, clock=clock, disk=disk)
    yield made
    made.close()


@pytest.mark.parametrize("room", [0, 10, 30, 1000])
def test_a_full_disk_is_an_error_and_leaves_a_journal_to_go_on_with(troubled, disk, room):
    troubled.append(1, b"a")
    disk.room = room
    with pytest.raises(JournalError, match=r"No space left on device; make room on that disk"):
        troubled.append(2, bytes(2000))
    assert not troubled.healthy
    assert "No space left" in troubled.why
    assert payloads(troubled) == [b"a"]
    disk.room = 1 << 40
    troubled.append(2, b"b")
    assert troubled.healthy
    assert payloads(troubled) == [b"a", b"b"]


def test_a_disk_that_is_full_from_the_start_leaves_no_file_behind(troubled, disk, folder):
    disk.room = 5
    with pytest.raises(JournalError, match="No space left"):
        troubled.append(1, b"a")
    assert segments(folder) == []
    disk.room = 1 << 40
    troubled.append(1, b"a")
    assert payloads(troubled) == [b"a"]


@pytest.mark.parametrize("whole", [0, 1])
def test_what_cannot_be_cut_off_is_left_behind(troubled, disk, folder, whole):
    for number in range(1, whole + 1):
        troubled.append(number, b"a")
    disk.room, disk.truncating = 100, OSError(5, "Input/output error")
    with pytest.raises(JournalError, match="No space left"):
        troubled.append(whole + 1, bytes(2000))
    disk.room = 1 << 40
    troubled.append(whole + 1, b"b")
    troubled.append(whole + 2, b"c")
    skipped = []
    assert [entry.payload for entry in troubled.entries(on_skip=skipped.append)] == [b"a"] * whole + [b"b", b"c"]
    assert [each.first for each in skipped] == [2] * whole
    assert len(list(folder.glob("*/*.damaged"))) == 1 - whole


def test_the_system_can_refuse_any_byte_of_an_entry(troubled, disk):
    """A write that takes only a part is followed by one for the rest."""
    disk.write = lambda fd, parts: Disk.write(disk, fd, (b"".join(parts)[:7],))
    troubled.append(1, b"in many small pieces")
    assert payloads(troubled) == [b"in many small pieces"]


LIMITED = """
import resource, sys
from pathlib import Path
from router.ledger.journal.journal import JournalError, new_journal
journal = new_journal(Path(sys.argv[1]))
journal.append(1, bytes(2000))
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
try:
    journal.append(2, bytes(2000))
except JournalError as error:
    print(error)
print(journal.healthy)
journal.append(2, bytes(500))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.append(3, bytes(2000))
print(journal.healthy, [(entry.number, len(entry.payload)) for entry in journal.entries()])
"""


def test_a_real_limit_of_the_file_size_is_explained(folder):
    output, _ = child(LIMITED, folder).communicate(timeout=30)
    lines = output.splitlines()
    assert "File too large; raise the limit of a file's size" in lines[0]
    assert lines[1:] == ["False", "True [(1, 2000), (2, 500), (3, 2000)]"]


EXHAUSTED = """
import resource, sys
from pathlib import Path
from router.ledger.journal.journal import JournalError, new_journal, orphans
from router.ledger.journal.disk import SEGMENT_SECONDS

now = 1e9
folder = Path(sys.argv[1])
begun, fresh = new_journal(folder, clock=lambda: now), new_journal(folder)
begun.append(1, b"a")
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
for attempt in (
    lambda: fresh.append(1, b"a"),
    lambda: new_journal(folder),
    lambda: list(orphans(folder)),
    lambda: list(begun.entries()),
    lambda: begun.compact(list, 1),
):
    try:
        attempt()
    except JournalError as error:
        print(error)
now += 2 * SEGMENT_SECONDS
begun.append(2, b"b")
print(begun.healthy, fresh.healthy)
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
fresh.append(1, b"a")
print(fresh.healthy, [entry.number for entry in begun.entries()])
"""


def test_a_lack_of_file_descriptors_is_explained_and_what_is_open_goes_on(folder):
    output, _ = child(EXHAUSTED, folder).communicate(timeout=30)
    *errors, during, afterwards = output.splitlines()
    assert len(errors) == 5
    for error in errors:
        assert "Too many open files; raise the limit of open files (ulimit -n)" in error
    assert during == "True False"
    assert afterwards == "True [1, 2]"


def test_a_folder_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match=r"cannot make a journal in .*Not a directory"):
        new_journal(tmp_path / "file" / "journal")


# To disk


async def test_synced_means_that_an_fsync_came_after_the_append(troubled, disk):
    await troubled.synced()
    assert disk.syncs == (before := disk.syncs)
    troubled.append(1, b"a")
    await troubled.synced()
    assert disk.syncs > before
    await troubled.synced()


async def test_many_who_wait_share_one_fsync(troubled, disk):
    troubled.append(1, b"a")
    await troubled.synced()
    before = disk.syncs
    troubled.append(2, b"b")
    await asyncio.gather(*[troubled.synced() for _ in range(100)])
    assert disk.syncs - before <= 2  # one may have been under way


async def test_what_nobody_waits_for_is_synced_all_the_same(troubled, disk, eventually):
    before = disk.syncs
    troubled.append(1, b"a")
    await eventually(lambda: disk.syncs > before)


async def test_the_loop_goes_on_while_the_disk_is_slow(troubled, disk):
    reader, writer = os.pipe()
    disk.sync = lambda fd: select.select([reader], [], [], 10)
    troubled.append(1, b"a")
    waiting = asyncio.create_task(troubled.synced())
    await asyncio.sleep(0)
    troubled.append(2, b"b")
    assert not waiting.done()
    os.close(writer)
    await waiting
    await troubled.synced()
    del disk.sync
    troubled.close()
    os.close(reader)


async def test_a_wait_can_be_given_up(troubled):
    troubled.append(1, b"a")
    waiting = asyncio.create_task(troubled.synced())
    await asyncio.sleep(0)
    waiting.cancel()
    await troubled.synced()
    assert waiting.cancelled()


async def test_a_failed_fsync_is_an_error_until_another_file_was_synced(troubled, disk, folder):
    troubled.append(1, b"a")
    await troubled.synced()
    disk.syncing = OSError(5, "Input/output error")
    troubled.append(2, b"b")
    with pytest.raises(JournalError, match="Input/output error; look after that disk"):
        await troubled.synced()
    disk.syncing = None
    with pytest.raises(JournalError, match="Input/output error"):
        await troubled.synced()  # the system would say yes now, but may have dropped what it could not write
    assert not troubled.healthy
    troubled.append(3, b"c")
    await troubled.synced()
    assert troubled.healthy
    assert [int(path.stem) for path in segments(folder)] == [1, 3]
    assert payloads(troubled) == [b"a", b"b", b"c"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists a process's descriptors")
async def test_finished_segments_are_synced_and_closed(troubled, disk, folder, clock):
    descriptors = len(os.listdir("/proc/self/fd"))
    for number in range(1, 30):
        clock.now += SEGMENT_SECONDS
        troubled.append(number, b"a")
    await troubled.synced()
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 3
    troubled.close()
    assert len(os.listdir("/proc/self/fd")) <= descriptors


def test_a_journal_without_entries_reads_as_empty(tmp_path):
    journal = new_journal(tmp_path)
    assert [list(reader.entries()) for reader in journals(tmp_path)] == [[]]
    journal.close()
