"""Reading files that somebody names: regular ones, and not more of them than makes sense.

A named pipe would be waited for until somebody writes to it, and a device or a disk image read until memory ends; both
would hold up whoever follows the policy, without a word.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_regular(path: str | Path, limit: int) -> bytes:
    """At most `limit` bytes and one more. Raises OSError, also for what is no regular file."""
    # Without O_NONBLOCK opening a pipe would wait for its other end.
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(handle, "rb") as file:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(0, "Is a directory" if stat.S_ISDIR(mode) else "it is not a regular file")
        return file.read(limit + 1)
