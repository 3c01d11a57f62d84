"""One cheap look at a text, before anything else: what may be in it, by shapes and letters that all of it shares.

Most requests hold nothing that is sought, so this is what a request costs. It reads JSON as it stands: escapes of one
letter may be in it, but not those that hide a character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from router.core.sensitivity import encodings
from router.core.sensitivity.finders import FINDERS
from router.core.sensitivity.finders.finder import ADDRESSES, ALWAYS, NUMBERS, RUNS, SIGNS, WORDS
from router.core.sensitivity.finders.text import NUMBER, RUN, SEPARATORS

HIDDEN: Final = 64
"""There may be more once an encoding is taken away. A clue that no finder needs: it is asked about what comes out."""
EVERYTHING: Final = NUMBERS | RUNS | WORDS | SIGNS | ADDRESSES | ALWAYS | HIDDEN

_DIGITS = bytes(48 if 48 <= code < 58 else code for code in range(256))
_OPAQUE = re.compile(rb"\\[u/bf]")
_ESCAPED = SEPARATORS + b"\\nrt"
_RUNS = bytes(97 if code < 128 and (chr(code).isalnum() or code in b"+/-_") else 32 for code in range(256))
_WORDS_SOUGHT = tuple(word for finder in FINDERS.values() for word in finder.words)
# What begins a word becomes one letter, which a single pattern can skip to.
_BEGINNINGS = frozenset(word[0] for word in _WORDS_SOUGHT)
_MARK = min(_BEGINNINGS)
_MARKED = bytes(_MARK if code in _BEGINNINGS else code for code in bytes(range(256)).lower())
_WORDS = re.compile(
    b"%b(?:%b)"
    % (re.escape(bytes((_MARK,))), b"|".join(re.escape(word[1:].translate(_MARKED)) for word in _WORDS_SOUGHT))
)
_GAP = rb"(?:[ .()/,|_-]|\\+[nrt]){0,4}"
_STRING_BEGINS = re.compile(rb'"%b[0-9]' % _GAP)
_STRING_ENDS = re.compile(
    b'"(?:(?<=\\\\")|(?<=\\\\[nrt]")|%b)'
    % b"|".join(b'(?<=[0-9+(]%b")' % (b"[ .()/,|_-]" * number) for number in range(5))
)
_ACCOUNT_GOES_ON = re.compile(rb'"[A-Za-z]?[0-9]{1,2}(?:[ ./_-]|\\+[nrt]){0,3}[0-9A-Za-z]')
_ACCOUNT_BEGINS = re.compile(rb'[A-Za-z]{2}[0-9]{2}(?:[ ./_-]|\\+[nrt]|[0-9A-Za-z]){0,64}\\*"')
_ADDRESS = re.compile(rb"://")


def glance(data: bytes, sought: int) -> int:
    """Clues, in one sum: of every finder that finds something, and of what hides it. Words only if they are sought.

    The text is JSON; of the escapes only those of line ends, tabs and quotes can be looked through.
    """
    between = SEPARATORS
    if data.find(b"\\") >= 0:
        if _OPAQUE.search(data) is not None:
            return EVERYTHING
        between = _ESCAPED
    clues = ALWAYS if data.translate(_DIGITS, between).find(NUMBER) < 0 else ALWAYS | NUMBERS
    if sought & WORDS and _WORDS.search(data.translate(_MARKED)) is not None:
        clues |= WORDS
    if data.find(b"@") >= 0:
        clues |= SIGNS if _ADDRESS.search(data) is None else SIGNS | ADDRESSES
    if encodings.has_escapes(data):
        clues |= HIDDEN
    runs = data.translate(_RUNS)
    if runs.find(RUN) >= 0:
        clues |= _runs(data, runs)
    if (_STRING_BEGINS.search(data) is not None and _STRING_ENDS.search(data) is not None) or (
        clues & NUMBERS and _account_is_cut(data)
    ):
        clues |= HIDDEN
    return clues


def _account_is_cut(data: bytes) -> bool:
    return _ACCOUNT_GOES_ON.search(data) is not None or (
        encodings.may_begin_account(data) and _ACCOUNT_BEGINS.search(data) is not None
    )


def _runs(data: bytes, runs: bytes) -> int:
    clues = 0
    for run in _long(data, runs):
        if encodings.said(run):
            return RUNS | HIDDEN
        if len(run) > len(run.translate(None, b"0123456789")):
            clues = RUNS
    return clues


def _long(data: bytes, runs: bytes) -> Iterator[bytes]:
    """As they are, and without the letter of an escape before them."""
    start = runs.find(RUN)
    while start >= 0:
        stop = runs.find(b" ", start)
        stop = len(runs) if stop < 0 else stop
        yield data[start:stop]
        if start > 0 and data[start - 1 : start] == b"\\":  # compiled, a slice may not begin before its text
            yield data[start + 1 : stop]
        start = runs.find(RUN, stop)
