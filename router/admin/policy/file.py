"""Writing the policy's file: as a whole or not at all, with the mode it had."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path


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
    fresh = real.with_name(f".{real.name}.{secrets.token_hex(4)}.new")
    try:
        _write_like(real, fresh, content)
        fresh.replace(real)
        _sync_folder(real.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise NotWritten(_explained(real, error)) from None


def _write_like(real: Path, fresh: Path, content: bytes) -> None:
    before = real.stat()
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        with contextlib.suppress(PermissionError):  # only root may give files away
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
        os.fchmod(file.fileno(), before.st_mode & 0o7777)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _explained(path: Path, error: OSError) -> str:
    if error.errno == errno.EROFS:
        return f"{path} is on a read-only file system: edit it where it comes from, and the gateway takes it over"
    if error.errno == errno.EBUSY:
        return f"{path} cannot be replaced because it is mounted by itself: mount its directory instead"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{path} may not be written by the gateway's user: allow it, also in its directory, or edit it by hand"
    return f"{path} cannot be written: {error.strerror}"
