"""A text as finders see it, with the shapes that tell them quickly where there is nothing.

In a shape all digits are the same. Looking for a literal in that is many times faster than any pattern, so patterns
are only tried where a shape occurs. Each look at a text counts: it is taken at every request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

BORDER = b"\x1f"
"""Stands where one part or message of a conversation ends and the next one begins (`core.unescape`)."""
SEPARATORS = b" .-()/,|_\t\r\n" + BORDER
"""What may stand between the digits of one number."""
REACH = 128
"""No match is longer than this, with what is looked at around it."""
_DIGITS = bytes(48 if 48 <= code < 58 else code for code in range(256))
_GROUPS = bytes(45 if code in SEPARATORS else shaped for code, shaped in enumerate(_DIGITS))
_ALPHABET = bytes(97 if code < 128 and (chr(code).isalnum() or code in b"+/-_") else 32 for code in range(256))
_NUMBER = b"0" * 9
"""The numbers sought have nine digits or more, apart from separators."""
_RUN = b"a" * 15
"""No token, and nothing in base64 that matters, is shorter."""
_BLOCK = 4096
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b" ", b"f": b" ", b'"': b'"'}


class Text:
    """Bytes in UTF-8 without backslash escapes (see `flat`); each shape of them is made once."""

    __slots__ = ("_blocks", "_lower", "_runs", "data", "dense")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.dense = data.translate(_DIGITS, SEPARATORS)
        """Without separators, each digit a 0."""
        self._runs: tuple[tuple[int, int], ...] | None = None
        self._blocks: tuple[tuple[int, int, bytes], ...] | None = None
        self._lower: bytes | None = None

    @property
    def lower(self) -> bytes:
        if self._lower is None:
            self._lower = self.data.lower()
        return self._lower

    @property
    def runs(self) -> tuple[tuple[int, int], ...]:
        """Offsets (from, to) of runs of letters, digits and `+/-_` that are as long as tokens are, and base64."""
        if self._runs is None:
            self._runs = tuple(_long_runs(self.data.translate(_ALPHABET)))
        return self._runs

    @property
    def blocks(self) -> tuple[tuple[int, int, bytes], ...]:
        """Offsets (from, to) of the blocks in which, or just behind which, nine digits stand together; their shapes."""
        if self._blocks is None:
            self._blocks = tuple(self._dense_blocks()) if _NUMBER in self.dense else ()
        return self._blocks

    def _dense_blocks(self) -> Iterator[tuple[int, int, bytes]]:
        for start in range(0, len(self.data), _BLOCK):
            stop = start + _BLOCK
            block = self.data[start : stop + REACH]
            if _NUMBER in block.translate(_DIGITS, SEPARATORS):
                yield start, stop, block.translate(_GROUPS)

    def numbers(self, pattern: re.Pattern[bytes], *shapes: bytes) -> Iterator[re.Match[bytes]]:
        """Matches that begin in one of the blocks, read to their end.

        Only blocks with one of the shapes are looked at, in which 0 is any digit and - any separator.
        """
        for start, stop, shape in self.blocks:
            if shapes and not any(literal in shape for literal in shapes):
                continue
            for match in pattern.finditer(self.data, start, stop + REACH):
                if match.start() >= stop:
                    break
                yield match


def _long_runs(shape: bytes) -> Iterator[tuple[int, int]]:
    start = shape.find(_RUN)
    while start >= 0:
        stop = shape.find(b" ", start)
        stop = len(shape) if stop < 0 else stop
        yield start, stop
        start = shape.find(_RUN, stop)


Finder = Callable[[Text], bool]


def flat(data: bytes) -> bytes:
    r"""Backslash escapes of one character as what they stand for, at any level of escaping (`\\\n` is a new line).

    What is left of a name such as `C:\new` may lose a letter, which makes no number, address or key of anything.
    """
    if b"\\" not in data:
        return data
    while b"\\\\" in data:
        data = data.replace(b"\\\\", b"\\")
    first, *others = data.split(b"\\")
    pieces = [first]
    for piece in others:
        meant = _ESCAPES.get(piece[:1])
        pieces += (b"\\", piece) if meant is None else (meant, piece[1:])
    return b"".join(pieces)


_LETTERS = bytes(code for code in range(128) if chr(code).isalpha())


def starts(text: bytes, at: int) -> bool:
    """Whether something may start here: after no letter or digit, or glued to a word (VISA4111...)."""
    return not text[at - 1 : at].isalnum() or _ends_in_word(text, at)


def ends(text: bytes, at: int) -> bool:
    return not text[at : at + 1].isalnum() or _is_word(text, at)


def is_alone(text: bytes, start: int, end: int) -> bool:
    """Whether no letter or digit touches what stands here."""
    return not text[start - 1 : start].isalnum() and not text[end : end + 1].isalnum()


def _ends_in_word(text: bytes, at: int) -> bool:
    """Letters that are more than one and no hexadecimal number, and in no longer name with digits."""
    before = text[max(0, at - 32) : at]
    kept = before.rstrip(_LETTERS)
    return _reads_as_word(before[len(kept) :]) and not kept[-1:].isdigit()


def _is_word(text: bytes, at: int) -> bool:
    after = text[at : at + 32]
    kept = after.lstrip(_LETTERS)
    return _reads_as_word(after[: len(after) - len(kept)]) and not kept[:1].isdigit()


def _reads_as_word(letters: bytes) -> bool:
    return len(letters) > 1 and (bool(letters.strip(b"abcdefABCDEF")) or letters.lower() == b"cc")
