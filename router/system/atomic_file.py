"""Replacing a file as a whole: whoever opens it finds all of what was there before, or all of what is there now.

    write under another name -> fsync -> rename -> fsync of the folder

The order is the guarantee. Renaming first would let readers see half a file; renaming before the fsync would, after a
power cut, leave a name that leads to nothing, because names may reach the disk before contents do; and without the
fsync of the folder the old file may be back.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o600
ORDINARY = 0o666
"""What the umask leaves of it is for others."""


def replace_file(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Give the file that content. Raises OSError, which names it: a full disk alone would not say which one."""
    try:
        with replacing(path, mode=mode) as file:
            file.write(content)
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


@contextlib.contextmanager
def replacing(path: Path, *, mode: int = PRIVATE, durable: bool = False) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` when the block ends, and is gone when the block raises.

    A symbolic link is replaced itself. `durable` also outlives a power cut, for the price of two fsyncs.
    Raises OSError.
    """
    # A name of its own for each writer: two at once do not write into one file, and the last to end wins.
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(handle)
        fresh.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
    if durable:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
