"""The files of a journal, as bytes.

A *segment* `<first number>.log` holds entries as they were appended. A *summary* `<first>-<last>.sum` stands in for
the segment that began with `first`. Both begin with a header, and then come frames, big-endian:

    header  8 bytes magic, of which the last is the version | 8 first number | 8 last number, 0 in a segment
            | 8 seconds: when the segment was begun, or the newest entry of a summary | 4 CRC-32 of these
    frame   4 CRC-32 of the rest | 4 length of the payload | 8 number | 8 seconds | payload

Reading ends at the first frame that is not whole. It never looks for another one behind that: payloads hold text
that clients chose, and could hold what looks like a frame.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

SEGMENT_MAGIC = b"BEjrnlL\x01"
SUMMARY_MAGIC = b"BEjrnlS\x01"
SEGMENT_SUFFIX, SUMMARY_SUFFIX, UNFINISHED_SUFFIX, DAMAGED_SUFFIX = ".log", ".sum", ".new", ".damaged"
HOLDS_NAME = "holds"
"""Of the file beside them, see `hold_file`."""

_HEADER = struct.Struct(">8sQQd")
_CRC = struct.Struct(">I")
_FRAME = struct.Struct(">IIQd")
_CHECKED = struct.Struct(">IQd")
HEADER_BYTES = _HEADER.size + _CRC.size
FRAME_BYTES = _FRAME.size


class Entry(Struct, frozen=True):
    """One appended payload. `at` is in epoch seconds, by the clock of the machine that wrote it."""

    number: int
    at: float
    payload: bytes


class Header(Struct, frozen=True):
    """`last` is 0 in a segment. `at`: when the segment was begun, or the newest entry of a summary."""

    first: int
    last: int
    at: float


class JournalFile(Struct, frozen=True):
    """A file by its name. `last` is 0 for a segment: how far it goes only its frames tell."""

    path: Path
    first: int
    last: int

    @property
    def is_summary(self) -> bool:
        return self.path.suffix == SUMMARY_SUFFIX

    def covers(self, other: JournalFile) -> bool:
        """Whether this summary stands in for that segment."""
        return self.is_summary and not other.is_summary and self.first <= other.first <= self.last


def segment_path(folder: Path, first: int) -> Path:
    return folder / f"{first:020d}{SEGMENT_SUFFIX}"


def summary_path(folder: Path, first: int, last: int) -> Path:
    return folder / f"{first:020d}-{last:020d}{SUMMARY_SUFFIX}"


def list_files(folder: Path) -> list[JournalFile]:
    """Segments and summaries in the order of their numbers, also segments that a summary covers. Raises OSError."""
    found = [file for path in folder.iterdir() if (file := _named(path)) is not None]
    return sorted(found, key=lambda file: (file.first, file.last))


def readable(files: list[JournalFile]) -> list[JournalFile]:
    """Without the segments that a summary covers: they are what an interrupted compaction did not come to remove."""
    summaries = [file for file in files if file.is_summary]
    return [file for file in files if not any(summary.covers(file) for summary in summaries)]


def holds_nothing(folder: Path) -> bool:
    """Whether it has no file with more than a header, and no holds. What cannot be read counts as something. Raises
    OSError."""
    kept = (SEGMENT_SUFFIX, SUMMARY_SUFFIX, DAMAGED_SUFFIX)
    written = [path for path in folder.iterdir() if path.suffix in kept or path.name == HOLDS_NAME]
    return all(path.stat().st_size <= (0 if path.name == HOLDS_NAME else HEADER_BYTES) for path in written)


def _named(path: Path) -> JournalFile | None:
    """None for what is not a file of a journal."""
    first, _, last = path.stem.partition("-")
    if path.suffix == SEGMENT_SUFFIX and first.isdecimal() and not last:
        return JournalFile(path, int(first), 0)
    if path.suffix == SUMMARY_SUFFIX and first.isdecimal() and last.isdecimal():
        return JournalFile(path, int(first), int(last))
    return None


def segment_header(first: int, at: float) -> bytes:
    return _with_crc(_HEADER.pack(SEGMENT_MAGIC, first, 0, at))


def summary_header(first: int, last: int, at: float) -> bytes:
    return _with_crc(_HEADER.pack(SUMMARY_MAGIC, first, last, at))


def _with_crc(header: bytes) -> bytes:
    return header + _CRC.pack(zlib.crc32(header))


def frame_head(number: int, at: float, payload: bytes) -> bytes:
    """What comes before a payload."""
    checked = _CHECKED.pack(len(payload), number, at)
    return _CRC.pack(zlib.crc32(payload, zlib.crc32(checked))) + checked


def read_header(file: JournalFile) -> Header | str:
    """The header of a file, or why it has none. Raises OSError."""
    with file.path.open("rb") as opened:
        return _header(file, opened)


def _header(file: JournalFile, opened: BinaryIO) -> Header | str:
    raw = opened.read(HEADER_BYTES)
    magic = SUMMARY_MAGIC if file.is_summary else SEGMENT_MAGIC
    if len(raw) < HEADER_BYTES:
        return "it ends in its header"
    if raw[_HEADER.size :] != _CRC.pack(zlib.crc32(raw[: _HEADER.size])) or raw[:7] != magic[:7]:
        return "its header is damaged"
    if raw[7] != magic[7]:
        return f"it was written by another version (format {raw[7]}, this one reads {magic[7]})"
    _, first, last, at = _HEADER.unpack_from(raw)
    if (first, last) != (file.first, file.last):
        return "its header belongs to another file"
    return Header(first, last, at)


def read_entries(file: JournalFile, on_damage: Callable[[str, int], None]) -> Iterator[Entry]:
    """The entries of one file, as long as it is when the iteration begins.

    `on_damage(why, number)` is called when bytes are left that are not whole entries, with the last number read or 0.
    Raises OSError.
    """
    with file.path.open("rb") as opened:
        left = os.fstat(opened.fileno()).st_size - HEADER_BYTES
        header = _header(file, opened)
        if isinstance(header, str):
            on_damage(header, 0)
            return
        last = 0
        while left > 0:
            entry = next_entry(opened, left)
            if isinstance(entry, str):
                on_damage(entry, last)
                return
            if not _follows(file, entry.number, last):
                on_damage(f"it has number {entry.number} where that cannot be", last)
                return
            yield entry
            last = entry.number
            left -= FRAME_BYTES + len(entry.payload)


def _follows(file: JournalFile, number: int, last: int) -> bool:
    if file.is_summary:
        return number == file.last
    return number > last if last else number == file.first


def next_entry(opened: BinaryIO, left: int) -> Entry | str:
    """The entry at a file's position, or why it is none. A damaged length never makes it read beyond `left`."""
    head = opened.read(FRAME_BYTES) if left >= FRAME_BYTES else b""
    if len(head) < FRAME_BYTES:
        return "it ends in an entry that was never finished"
    crc, length, number, at = _FRAME.unpack(head)
    if length > left - FRAME_BYTES:
        return "it ends in an entry that was never finished, or is damaged"
    payload = opened.read(length)
    if zlib.crc32(payload, zlib.crc32(head[_CRC.size :])) != crc:
        return "an entry is damaged"
    return Entry(number, at, payload)
