"""A text as finders see it, with the shapes that tell them quickly where there is nothing.

In a shape all digits are the same. Looking for a literal in that is many times faster than any pattern, so patterns
are only tried where a shape occurs. Each look at a text counts: it is taken at every request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from router.core.sensitivity.finders.rows import Shape

BORDER = b"\x1f"
"""Stands where one part or message of a conversation ends and the next one begins (`core.sensitivity.unescape`)."""
SEPARATORS = b" .-()/,|_\t\r\n" + BORDER
"""What may stand between the digits of one number."""
REACH = 128
"""No match is longer than this, with what is looked at around it."""
DIGITS = bytes(48 if 48 <= code < 58 else code for code in range(256))
_GROUPS = bytes(
    45 if code in SEPARATORS else 97 if 64 < code < 128 and chr(code).isalpha() else shaped
    for code, shaped in enumerate(DIGITS)
)
_ALPHABET = bytes(97 if code < 128 and (chr(code).isalnum() or code in b"+/-_") else 32 for code in range(256))
NUMBER = b"0" * 9
"""The numbers sought have nine digits or more, apart from separators."""
RUN = b"a" * 15
"""No token, and nothing in base64 that matters, is shorter."""
_BLOCK = 4096
_LEAST_STEPS = 2000
_OCTETS_PER_STEP = 7
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b" ", b"f": b" ", b'"': b'"'}


class TooDense(Exception):
    """There is more that may be something than can be looked at: whoever seeks takes it for found."""


class Effort:
    """What may be spent on all texts of a body, in steps of about a microsecond."""

    __slots__ = ("left",)

    def __init__(self, size: int) -> None:
        """`size` of the body in octets."""
        self.left = _LEAST_STEPS + size // _OCTETS_PER_STEP
        """Below 0 once there was too much."""

    def spend(self, steps: int) -> None:
        """Raises TooDense."""
        self.left -= steps
        if self.left < 0:
            raise TooDense


class Text:
    """Bytes in UTF-8 without backslash escapes (see `flat`); each shape of them is made once."""

    __slots__ = ("_blocks", "_lower", "_runs", "data", "dense", "spend")

    def __init__(self, data: bytes, effort: Effort | None = None) -> None:
        self.data = data
        self.spend = (effort or Effort(len(data))).spend
        self.dense = data.translate(DIGITS, SEPARATORS)
        """Without separators, each digit a 0."""
        self._runs: tuple[tuple[int, int], ...] | None = None
        self._blocks: tuple[tuple[int, int, Shape], ...] | None = None
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
    def blocks(self) -> tuple[tuple[int, int, Shape], ...]:
        """Offsets (from, to) of the blocks in which, or just behind which, nine digits stand together; their shapes."""
        if self._blocks is None:
            self._blocks = tuple(self._dense_blocks()) if NUMBER in self.dense else ()
        return self._blocks

    def _dense_blocks(self) -> Iterator[tuple[int, int, Shape]]:
        for start in range(0, len(self.data), _BLOCK):
            stop = start + _BLOCK
            block = self.data[start : stop + REACH]
            self.spend(1)
            if NUMBER in block.translate(DIGITS, SEPARATORS):
                yield start, stop, Shape(block.translate(_GROUPS))

    def numbers(self, pattern: re.Pattern[bytes], *shapes: bytes) -> Iterator[re.Match[bytes]]:
        """Matches that begin in one of the blocks, read to their end.

        Only blocks with one of the shapes are looked at, in which 0 is any digit and - any separator.
        """
        for start, stop, block in self.blocks:
            if shapes and not any(shape in block.data for shape in shapes):
                continue
            for match in pattern.finditer(self.data, start, stop + REACH):
                if match.start() >= stop:
                    break
                self.spend(3)
                yield match

    def shaped(self, pattern: re.Pattern[bytes], *shapes: bytes) -> Iterator[re.Match[bytes]]:
        """Matches that begin where the text has one of the shapes, in which 0 is a digit, - a separator, a a letter.

        No digit goes before them.
        """
        for start, stop, block in self.blocks:
            for shape in shapes:
                yield from self._at(pattern, start, stop, block.places(shape))

    def _at(
        self, pattern: re.Pattern[bytes], start: int, stop: int, places: Iterator[int]
    ) -> Iterator[re.Match[bytes]]:
        tried = 0
        for at in places:
            tried += 1
            match = pattern.match(self.data, start + at, stop + REACH)
            if match is not None and at < stop - start:
                self.spend(4)
                yield match
        self.spend(tried // 4)


def _long_runs(shape: bytes) -> Iterator[tuple[int, int]]:
    start = shape.find(RUN)
    while start >= 0:
        stop = shape.find(b" ", start)
        stop = len(shape) if stop < 0 else stop
        yield start, stop
        start = shape.find(RUN, stop)


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
