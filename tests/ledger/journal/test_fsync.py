"""What was written comes onto the disk: one fsync for all who wait, and none that is believed after it failed."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.ledger.errors import JournalError
from router.ledger.journal.disk import Disk, Segment
from router.ledger.journal.fsync import Syncer


class Watched(Disk):
    """Counts fsyncs of files and of folders; fails with `trouble`, and does not return while `open` is not set."""

    def __init__(self) -> None:
        self.files: list[int] = []
        self.folders = 0
        self.trouble: OSError | None = None
        self.entered = threading.Event()
        self.open = threading.Event()
        self.open.set()

    def sync(self, fd: int) -> None:
        self.entered.set()
        assert self.open.wait(10)
        if self.trouble is not None:
            raise self.trouble
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            self.folders += 1
        else:
            self.files.append(fd)
        super().sync(fd)


@pytest.fixture
def disk() -> Watched:
    return Watched()


@pytest.fixture
def syncer(disk: Watched, tmp_path: Path) -> Iterator[Syncer]:
    made = Syncer(disk, tmp_path)
    yield made
    disk.open.set()
    made.end()


@pytest.fixture
def segment(syncer: Syncer, disk: Watched, tmp_path: Path) -> Segment:
    """The one that is written, with nothing that waits for the disk."""
    syncer.start()
    made = Segment(disk, tmp_path, 1, 0.0)
    syncer.turn_to(made)
    return made


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


async def test_where_nothing_was_written_nobody_waits_and_nothing_is_synced(syncer: Syncer, disk: Watched) -> None:
    await syncer.wait()
    assert disk.files == [] and not syncer.why


async def test_who_waits_goes_on_once_the_file_and_its_name_are_on_disk(
    syncer: Syncer, disk: Watched, segment: Segment
) -> None:
    syncer.written += 1
    await syncer.wait()
    assert (disk.files, disk.folders) == ([segment.fd], 1) and segment.listed


async def test_a_files_name_is_brought_to_disk_once(syncer: Syncer, disk: Watched, segment: Segment) -> None:
    for _ in range(3):
        syncer.written += 1
        await syncer.wait()
    assert (len(disk.files), disk.folders) == (3, 1)


async def test_all_who_wait_when_it_begins_share_one_fsync(syncer: Syncer, disk: Watched, segment: Segment) -> None:
    disk.open.clear()
    syncer.written += 1
    first = asyncio.create_task(syncer.wait())
    assert await asyncio.to_thread(disk.entered.wait, 10)
    syncer.written += 1
    others = [asyncio.create_task(syncer.wait()) for _ in range(50)]
    await asyncio.sleep(0)
    disk.open.set()
    await asyncio.gather(first, *others)
    assert len(disk.files) == 2


async def test_who_wrote_while_an_fsync_ran_waits_for_the_next(syncer: Syncer, disk: Watched, segment: Segment) -> None:
    """That one may have looked at the file before the entry stood in it."""
    disk.open.clear()
    syncer.written += 1
    first = asyncio.create_task(syncer.wait())
    assert await asyncio.to_thread(disk.entered.wait, 10)
    syncer.written += 1
    disk.open.set()
    await first
    await syncer.wait()
    assert len(disk.files) == 2


async def test_what_nobody_waits_for_is_synced_at_the_end(syncer: Syncer, disk: Watched, segment: Segment) -> None:
    fd = segment.fd
    syncer.written += 1
    syncer.end()
    assert fd in disk.files and not is_open(fd)
    syncer.end()


async def test_a_segment_that_is_finished_is_synced_once_more_and_closed(
    syncer: Syncer, disk: Watched, segment: Segment, tmp_path: Path
) -> None:
    second = Segment(disk, tmp_path, 2, 0.0)
    syncer.written += 1
    syncer.turn_to(second)
    await syncer.wait()
    assert {segment.fd, second.fd} == set(disk.files) and segment.listed and second.listed
    async with asyncio.timeout(10):
        while is_open(segment.fd):  # noqa: ASYNC110 - it is closed by the thread, right after it told of the sync
            await asyncio.sleep(0.002)
    assert is_open(second.fd)


async def test_a_failed_fsync_is_told_with_what_to_do(
    syncer: Syncer, disk: Watched, segment: Segment, tmp_path: Path
) -> None:
    disk.trouble = OSError(errno.EIO, "Input/output error")
    syncer.written += 1
    with pytest.raises(JournalError, match=r"cannot be brought to disk in .*Input/output error; look after that disk"):
        await syncer.wait()
    assert str(tmp_path) in syncer.why and not segment.sound and not segment.listed


async def test_a_file_whose_fsync_failed_is_not_believed_when_the_disk_is_well_again(
    syncer: Syncer, disk: Watched, segment: Segment, tmp_path: Path
) -> None:
    """The system may have dropped what it could not write, and says yes to the next fsync all the same."""
    disk.trouble = OSError(errno.EIO, "Input/output error")
    syncer.written += 1
    with pytest.raises(JournalError):
        await syncer.wait()
    disk.trouble = None
    with pytest.raises(JournalError):
        await syncer.wait()
    syncer.written += 1
    syncer.turn_to(Segment(disk, tmp_path, 2, 0.0))
    await syncer.wait()
    assert syncer.why == "" and not segment.sound


async def test_whoever_stopped_waiting_keeps_nobody_else(syncer: Syncer, disk: Watched, segment: Segment) -> None:
    disk.open.clear()
    syncer.written += 1
    waiting = [asyncio.create_task(syncer.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    disk.open.set()
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    assert await asyncio.wait_for(asyncio.gather(*waiting[1:]), 10) == [None, None]
    assert told == []


def test_a_loop_that_was_closed_meanwhile_does_not_end_the_thread(
    syncer: Syncer, disk: Watched, segment: Segment
) -> None:
    disk.open.clear()
    syncer.written += 1
    gone = asyncio.new_event_loop()
    waiting = gone.create_task(syncer.wait())
    gone.run_until_complete(asyncio.sleep(0))
    assert disk.entered.wait(10)
    waiting.cancel()
    gone.run_until_complete(asyncio.sleep(0))
    gone.close()
    disk.open.set()
    syncer.written += 1
    asyncio.run(asyncio.wait_for(syncer.wait(), 10))


async def test_before_it_was_started_there_is_nobody_who_would_sync(syncer: Syncer, disk: Watched) -> None:
    syncer.written += 1
    with pytest.raises(JournalError):
        await asyncio.wait_for(syncer.wait(), 5)
    assert disk.files == []


def test_a_folder_that_is_not_there_is_told_at_the_start(disk: Watched, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Syncer(disk, tmp_path / "absent").start()


def test_it_leaves_neither_a_thread_nor_an_open_file(syncer: Syncer, tmp_path: Path) -> None:
    def left() -> tuple[int, int]:
        threads = sum(thread.name == "journal-sync" for thread in threading.enumerate())
        return threads, sum(fd.resolve() == tmp_path.resolve() for fd in Path("/proc/self/fd").iterdir())

    syncer.start()
    syncer.start()
    assert left() == (1, 1)
    syncer.end()
    assert left() == (0, 0)
