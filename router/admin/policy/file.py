"""Writing the policy's file: as a whole or not at all, with the mode it had."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from router.system.atomic_file import replacing


class NotWritten(Exception):
    """The text says why and what to do."""


def is_writable(path: Path) -> bool:
    real = path.resolve()
    return os.access(real, os.W_OK) and os.access(real.parent, os.W_OK | os.X_OK)


def write_policy(path: Path, content: bytes) -> None:
    """Replace the file. Where the path is a symbolic link the file that it leads to is replaced. Raises NotWritten."""
    real = path.resolve()
    if not os.access(real, os.W_OK):
        raise NotWritten(_explained(real, OSError(errno.EACCES, os.strerror(errno.EACCES))))
    try:
        before = real.stat()
        with replacing(real, durable=True) as file:
            file.write(content)
            with contextlib.suppress(PermissionError):  # only root may give files away
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fchmod(file.fileno(), before.st_mode & 0o7777)  # after that: it takes setuid bits away
    except OSError as error:
        raise NotWritten(_explained(real, error)) from None


def _explained(path: Path, error: OSError) -> str:
    if error.errno == errno.EROFS:
        return f"{path} is on a read-only file system: edit it where it comes from, and the gateway takes it over"
    if error.errno == errno.EBUSY:
        return f"{path} cannot be replaced because it is mounted by itself: mount its directory instead"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{path} may not be written by the gateway's user: allow it, also in its directory, or edit it by hand"
    return f"{path} cannot be written: {error.strerror}"
