"""Texts of a body in the order in which somebody reads them, where a number may go on from one into the next one.

Of the body's structure only that is taken: ids, times, settings, signatures and whatever else stands between two texts
is no text, however long it is, and texts that are empty are none, however many they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from router.core.sensitivity import encodings
from router.core.sensitivity.finders.text import REACH
from router.core.sensitivity.unescape import fold

TEXTS = frozenset(
    (
        *("text", "content", "output", "input", "arguments", "thinking", "reasoning", "reasoning_content", "refusal"),
        *("summary", "prompt", "suffix", "instructions", "system", "query", "result", "transcript", "code", "logs"),
    )
)
"""Members that are read, where they are strings; and so are the strings of any list."""
_MOST_LEVELS = 5
"""Of JSON in strings."""
_SIGNS = 16
"""Texts of nothing but signs that are looked at between two others."""
_BETWEEN = r"[ .()/,|_\t\r\n-]"
_ENDS = re.compile(rf"[0-9+(]{_BETWEEN}{{0,4}}\Z")
_BEGINS = re.compile(rf"{_BETWEEN}{{0,4}}[0-9]")
_LONGEST_SIGN = 64
_SAYS_NOTHING = re.compile(rf"{_BETWEEN}{{0,{_LONGEST_SIGN}}}\Z")
_NAMES = tuple(name.encode() for name in TEXTS)
_LONGEST_NAME = 160
"""With what is blank behind it."""
_BLANK = b" \t\r\n\\"
_IN_JSON = rb"(?:[ .()/,|_-]|\\+[nrt])"
_ESCAPED_DIGIT = rb"\\u(?:00[23]|[fF]{2}1)[0-9a-fA-F]"
_WIDE_DIGIT = rb"\xef\xbc[\x90-\x99]"
STRING_BEGINS = re.compile(rb'"%b{0,4}(?:[0-9]|\\{0,31}%b|%b)' % (_IN_JSON, _ESCAPED_DIGIT, _WIDE_DIGIT))
"""One that a number may go on in."""
# Behind an escape may be anything.
_STRING_ENDS = re.compile(
    rb'"(?:(?<=\\")|(?<=\\[nrt]")|(?<=%b")|(?<=%b")|%b)'
    % (_ESCAPED_DIGIT, _WIDE_DIGIT, b"|".join(b'(?<=[0-9+(]%b")' % (b"[ .()/,|_-]" * number) for number in range(5)))
)
_SEEN = 16
"""Characters at the ends of a text that tell whether a number may go on there."""
_APART = "x"
"""Stands where none does."""


def may_have_seams(body: bytes) -> bool:
    """Whether a text begins with a digit behind one that ends in one. For bodies in which `STRING_BEGINS` is found: all
    others have none, and pay for nothing."""
    end = _STRING_ENDS.search(body)
    return end is not None and any(
        _is_text(body[max(0, match.start() - _LONGEST_NAME) : match.start()])
        for match in STRING_BEGINS.finditer(body, end.end())
    )


def _is_text(before: bytes) -> bool:
    """Whether what goes before a quote makes it the beginning of a text."""
    before = before.rstrip(_BLANK)
    if not before.endswith(b":"):
        return before.endswith((b",", b"["))
    name = before[:-1].rstrip(_BLANK).rstrip(b'"\\')
    return name.endswith(_NAMES) or b"\\u" in name


def seams_of(body: bytes) -> bytes:
    """A list of texts, in JSON, between which numbers may go on; empty where there are none. Takes a time linear in
    the body's length."""
    texts = [text for text in _texts(_decoded(body)) if _folded(text[: 4 * _SEEN]).strip()]
    kept: list[str] = []
    last = -1
    for at in range(1, len(texts)):
        if _goes_on(texts[at - 1], texts[at]):
            if kept and last < at - 1:
                kept.append(_APART)
            kept += [_shown(text) for text in texts[max(last + 1, at - 1) : at + 1]]
            last = at
    return msgspec.json.encode(list(_with_few_signs(kept))) if kept else b""


def _texts(value: Any) -> Iterator[str]:
    stack: list[tuple[Any, bool, int]] = [(value, True, 0)]
    while stack:
        each, is_text, level = stack.pop()
        if isinstance(each, dict):
            stack += [(member, name in TEXTS, level) for name, member in reversed(each.items())]
        elif isinstance(each, list):
            stack += [(item, True, level) for item in reversed(each)]
        elif is_text and isinstance(each, str):
            inside = _decoded(each) if level < _MOST_LEVELS and _may_be_json(each) else None
            if inside is None:
                yield each
            else:
                stack.append((inside, True, level + 1))


def _decoded(text: str | bytes) -> Any:
    """None for what is no JSON."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _may_be_json(text: str) -> bool:
    bare = text.strip()
    return bare[:1] + bare[-1:] in ("{}", "[]", '""')


def _folded(text: str) -> str:
    return text if text.isascii() else fold(text.encode(errors="replace").decode())


def _goes_on(before: str, behind: str) -> bool:
    end, begin = _folded(before[-_SEEN:]), _folded(behind[:_SEEN])
    return (_ENDS.search(end) is not None or _is_sign(before)) and (
        _BEGINS.match(begin) is not None or _is_sign(behind)
    )


def _is_sign(text: str) -> bool:
    return _SAYS_NOTHING.match(_folded(text[: 2 * _LONGEST_SIGN])) is not None


def _shown(text: str) -> str:
    """Its ends, where it is long."""
    data = text.encode(errors="replace")
    return (data if len(data) <= 2 * REACH else encodings.ends_of(data, REACH)).decode(errors="replace")


def _with_few_signs(texts: Iterable[str]) -> Iterator[str]:
    signs = 0
    for text in texts:
        signs = signs + 1 if _is_sign(text) else 0
        if signs <= _SIGNS:
            yield text
