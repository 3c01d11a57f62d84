"""E-mail addresses, in any script, and with `(at)` and `(dot)` for what robots look for."""

from __future__ import annotations

import re

from router.core.sensitivity.finders.finder import SIGNS, WORDS, Finder
from router.core.sensitivity.finders.text import Text

# Bytes above 127 are letters of other scripts; the full stops of Chinese and Japanese are no letters.
_LABEL = rb"[0-9A-Za-z-]{1,63}+"
_DOMAIN = re.compile(rb"@%b(?:\.%b){1,8}" % (_LABEL, _LABEL))
_IDN_LABEL = rb"(?:[0-9A-Za-z-]|[\xc2-\xe2\xe4-\xee\xf0-\xf4][\x80-\xbf]{1,3}|\xe3[\x81-\xbf][\x80-\xbf]){1,63}"
_IDN = re.compile(rb"@%b(?:\.%b){1,8}" % (_IDN_LABEL, _IDN_LABEL))
_TOP_LEVEL = re.compile(rb"[a-z]{2,24}|xn--[0-9a-z-]{2,59}")
_IDN_TOP_LEVEL = re.compile(rb"[a-z]{2,24}|[\x80-\xff]{4,96}")
# Names of files and packages look like addresses (logo@2x.png); calls on objects, too (a@b.mean()).
_FILE_ENDINGS = frozenset(b"png jpg jpeg gif svg webp ico pdf js jsx ts tsx css scss json html yaml yml txt".split())
_NAME_ENDS = b"_%+-!'"
_SPELLED_AT = re.compile(rb"[([]at[)\]] {0,2}%b(?: {0,2}(?:\.|[([] ?dot ?[)\]]| dot ) {0,2}%b){1,4}" % (_LABEL, _LABEL))
_LETTERS_ONLY = bytes(code if chr(code).isalpha() and code < 128 else 32 for code in range(256))
_SPELLED_OUT = re.compile(rb" at %b(?: dot %b){1,4}" % (_LABEL, _LABEL))


def email(text: Text) -> bool:
    return (b"@" in text.data and _has_sign(text)) or _is_spelled(text)


def _has_sign(text: Text) -> bool:
    data = text.data
    if any(_address_at(data, match, _TOP_LEVEL) for match in _DOMAIN.finditer(data)):
        return True
    return not data.isascii() and any(_address_at(data, match, _IDN_TOP_LEVEL) for match in _IDN.finditer(data))


def _address_at(data: bytes, match: re.Match[bytes], top_levels: re.Pattern[bytes]) -> bool:
    at = match.start()
    ending = match[0].rpartition(b".")[2].lower()
    return (
        _is_named(data, at)
        and not _is_git(data, at)
        and data[match.end() : match.end() + 1] not in (b"(", b"_")
        and ending not in _FILE_ENDINGS
        and top_levels.fullmatch(ending) is not None
    )


def _is_named(data: bytes, at: int) -> bool:
    return at > 0 and (data[at - 1] > 127 or data[at - 1 : at].isalnum() or data[at - 1] in _NAME_ENDS)


def _is_git(data: bytes, at: int) -> bool:
    """git@host is how repositories are addressed, not people."""
    return data[at - 3 : at] == b"git" and not data[at - 4 : at - 3].isalnum()


def _is_spelled(text: Text) -> bool:
    """bob (at) example.com, bob[at]example[dot]com, bob at example dot com."""
    data = text.lower
    bracketed = (b")" in data and b"(at)" in data) or (b"]" in data and b"[at]" in data)
    return (bracketed and any(_is_spelled_address(data, match) for match in _SPELLED_AT.finditer(data))) or (
        b" dot " in data and any(_is_spelled_address(data, match) for match in _SPELLED_OUT.finditer(data))
    )


def _is_spelled_address(data: bytes, match: re.Match[bytes]) -> bool:
    start, end = match.span()
    before = data[max(0, start - 3) : start].rstrip(b" ")[-1:]
    ending = data[max(start, end - 24) : end].translate(_LETTERS_ONLY).rpartition(b" ")[2]
    named = before.isalnum() or (before != b"" and before in _NAME_ENDS)
    return named and len(ending) > 1 and ending not in _FILE_ENDINGS


_LETTER = rb"[0-9A-Za-z_%+\x80-\xff!'-]"
_PLACES = (
    rb"(?:[^\\]%b|\\[^bfnrt])@[0-9A-Za-z\x80-\xff\\-]{1,}\." % _LETTER,
    rb"(?i)[([]at[)\]] {0,2}[0-9a-z-]",
    rb"(?i) at [0-9a-z-]{1,} dot [0-9a-z-]",
)
FINDER = Finder("email", email, SIGNS | WORDS, (b"dot ", b"(at)", b"[at]"), _PLACES)
