"""Whether somebody is still writing a file."""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path


def has_writer(path: str | Path) -> bool:
    """Whether a process has the file open for writing, as far as the system tells: Linux does, to the file's owner and
    to root, on a disk of this machine. False for everything that cannot be known.

    A lease to read is refused while there is a writer (fcntl(2), F_SETLEASE), and is given back at once.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # Whoever opens it for writing in between makes the system tell the holder: by SIGIO, which would end us.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False
