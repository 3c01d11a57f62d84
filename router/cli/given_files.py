"""Files that a command line names: what is wrong with one, in words, and which of them would be waited for."""

from __future__ import annotations

import argparse
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OPEN_ALREADY = ("/dev/fd/", "/proc/")
"""Where what a shell opened for a command stands, as for `<(zcat requests.jsonl.gz)`: its other end is there."""


def said(error: Exception) -> str:
    """For people: of a file that cannot be had its name and what is wrong with it, and no number of the system's."""
    if not isinstance(error, OSError):
        return str(error)
    why = (error.strerror or str(error)).lower()
    return f"{error.filename}: {why}" if error.filename else why


@contextmanager
def reading(path: str | None) -> Iterator[None]:
    """Whatever becomes of reading that file is told with its name; no other is opened meanwhile. Raises OSError."""
    refuse_pipe(path)
    try:
        yield
    except OSError as error:
        raise OSError(error.errno or 0, error.strerror or str(error), error.filename or path) from None


def add_force(parser: argparse.ArgumentParser) -> None:
    """For every command that writes a file which its command line names, see `check_writable`."""
    parser.add_argument("--force", action="store_true", help="replace the file that is written if it is there already")


def check_writable(path: str | None, *, force: bool) -> None:
    """Looked at before work is done that may take minutes. Raises OSError, also for a file that is there already, and
    that nobody said may be lost. A terminal, a pipe or a device is written to as it is."""
    if not path:
        return
    folder = Path(path).parent
    if Path(path).is_dir():
        raise IsADirectoryError(errno.EISDIR, "cannot be written, since it is a folder", path)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"cannot be written, since there is no folder {folder}", path)
    if not force and Path(path).is_file():
        raise FileExistsError(errno.EEXIST, "is there already: name a new file, or replace this one with --force", path)


def refuse_pipe(path: str | None) -> None:
    """Raises OSError for a named pipe: opening it would take until somebody writes to it, without a word."""
    if path and _is_pipe(path) and not os.path.realpath(path).startswith(_OPEN_ALREADY):
        raise OSError(0, "it is a named pipe, to which nobody may ever write: name a file", path)


def _is_pipe(path: str) -> bool:
    try:
        return stat.S_ISFIFO(Path(path).stat().st_mode)
    except OSError:
        return False  # whoever reads it says why it cannot be read
