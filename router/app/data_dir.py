"""The directory that one gateway has to itself: its ledger, its copy of the policy, its sockets."""

from __future__ import annotations

import fcntl
import os
import tempfile
from hashlib import sha256
from pathlib import Path

from router.ledger.server.address import parse_address

LAST_GOOD = "last-good-policy.yaml"
"""The copy of the policy that was last served."""
LONGEST_SOCKET_PATH = 100
_FOLDERS = ("appendonlydir", "journal", "policy-history")


class DataDirUnusable(Exception):
    """The text says why and what to do."""


def take_data_dir(path: Path) -> int:
    """Make the directory if need be and lock it for this process; the answer keeps the lock until it is closed.

    The lock is not the embedded server's, which `breakeven usage` takes too when no gateway runs.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        _close_to_others(path)
        lock = os.open(path / "gateway.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise DataDirUnusable(f"the data directory {path} is a file; name a folder with --data-dir") from None
    except OSError as error:
        raise DataDirUnusable(
            f"the data directory {path} cannot be used: {error.strerror}; name another with --data-dir"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise DataDirUnusable(
            f"the data directory {path} is in use by another Breakeven; stop that one, "
            "or give this one a directory of its own with --data-dir"
        ) from None
    return lock


def _close_to_others(path: Path) -> None:
    """Also what an earlier version left open to read."""
    path.chmod(0o700)
    for folder in _FOLDERS:
        for each in (path / folder, *(path / folder).rglob("*")):
            if not each.is_symlink() and each.exists():
                each.chmod(each.stat().st_mode & 0o700)


def runtime_dir(data_dir: Path) -> Path:
    """Where sockets go: the data directory, unless its path is too long for a socket's name."""
    if len(os.fsencode(data_dir / "adapter.sock")) <= LONGEST_SOCKET_PATH:
        return data_dir
    return Path(tempfile.mkdtemp(prefix="breakeven-"))


def wakes_folder(data_dir: Path) -> Path:
    """Where workers leave word for this gateway's controller while the ledger is lost."""
    return data_dir / "wakes"


def journal_folder(data_dir: Path, redis: str) -> Path:
    """Where workers journal what goes to one ledger: what was written for one server is never sent to another."""
    name = sha256(parse_address(redis).name.encode()).hexdigest()[:12] if redis else "embedded"
    return data_dir / "journal" / name
