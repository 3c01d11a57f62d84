"""Whether somebody is still writing a file."""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path

_OWN_DISKS = frozenset({"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "ramfs", "tmpfs", "xfs", "zfs"})
"""File systems of which only this machine writes the files. What others have open on a network's is not known here."""


def has_writer(path: str | Path) -> bool | None:
    """Whether a process has the file open for writing; None where that cannot be known: Linux tells it to the file's
    owner and to root (CAP_LEASE), on a disk of this machine.

    A lease to read is refused while there is a writer (fcntl(2), F_SETLEASE), and is given back at once.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return None
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return _refuses_lease(fd) if _file_system(fd) in _OWN_DISKS else None
    except OSError:
        return None
    finally:
        os.close(fd)


def _refuses_lease(fd: int) -> bool:
    """Raises OSError when that is not for us to ask."""
    try:
        # Whoever opens it for writing in between makes the system tell the holder: by SIGIO, which would end us.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    return False


def _file_system(fd: int) -> str:
    """The type of the one that an open file is on; empty when the system does not say. Raises OSError."""
    facts = Path(f"/proc/self/fdinfo/{fd}").read_text(encoding="ascii", errors="replace").splitlines()
    mount = next((line.split()[1] for line in facts if line.startswith("mnt_id:")), "")
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.split(" ", 1)[0] == mount:
            return line.partition(" - ")[2].split(" ", 1)[0]
    return ""
