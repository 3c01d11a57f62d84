"""One writer's folder: who has it, whether it is retired, how it is made and removed.

Its lock belongs to one process and is free when that ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from router.ledger.journal.disk import PRIVATE_FILE, Disk

LOCK_NAME, RETIRED_NAME = "lock", "retired"
_PRIVATE_FOLDER = 0o700


def make_folder(disk: Disk, parent: Path) -> tuple[Path, int]:
    """A new writer's folder, and its lock. Raises OSError."""
    parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    parent.chmod(_PRIVATE_FOLDER)
    disk.sync_path(parent.parent)
    while True:
        folder = parent / secrets.token_hex(8)
        folder.mkdir(mode=_PRIVATE_FOLDER)
        disk.sync_path(parent)
        lock = take(folder)
        if lock is not None:
            return folder, lock
        # Somebody who looked for orphans took it before we could, and removes it since it is empty.


def folders(parent: Path) -> Iterator[Path]:
    """Those of all writers; none if there is no such folder. Raises OSError."""
    try:
        paths = sorted(parent.iterdir())
    except FileNotFoundError:
        return
    yield from (path for path in paths if path.is_dir())


def take(folder: Path) -> int | None:
    """Its lock, held until it is closed; None when somebody else has it, or removed the folder. Raises OSError."""
    path = folder / LOCK_NAME
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(lock).st_ino:
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:
        os.close(lock)
        raise
    os.close(lock)
    return None


def remove_folder(folder: Path) -> None:
    """With all that is in it; its lock must be held. Raises OSError."""
    for path in list(folder.iterdir()):
        if path.name != LOCK_NAME:
            path.unlink()
    (folder / LOCK_NAME).unlink()
    try:
        folder.rmdir()
    except OSError:
        pass  # somebody tries to take it just now, finds nothing in it, and removes it


def is_retired(folder: Path) -> bool:
    return (folder / RETIRED_NAME).exists()


def mark_retired(disk: Disk, folder: Path) -> None:
    """Raises OSError."""
    (folder / RETIRED_NAME).touch(mode=PRIVATE_FILE)
    disk.sync_path(folder)
