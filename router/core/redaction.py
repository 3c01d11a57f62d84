"""Our credentials, taken out of what backends say."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Collection, Iterable
from html.entities import html5
from typing import Final

_BEARER = re.compile(rb"(?i)(bearer(?:\s|%20|\\[nrt])+)[^\s\"'\\,;<>]{6,}")
_HIDDEN = b"[secret]"
_SHORTEST = 6
"""Bytes of a credential: a shorter one hides nothing, and would be found in any text."""
_SHORTEST_IN_ANSWERS = 16
"""The same of answers, which are free to say what own servers are given for a credential, such as "lm-studio"."""

NOT_SHOWN = b"The backend's error is not shown, since it may repeat a credential."
"""Stands for a text that says a credential in other bytes, which cannot be taken out of it."""

_PIECE = _SHORTEST_IN_ANSWERS
"""Bytes in a row of a credential that tell too much of it; providers' keys begin alike for fewer."""
_MOST_SEARCHED = 64 * 1024
"""Bytes of an error that is shown: to look through more would hold others up."""
_BREAKS = re.compile(rb"(?:\s|\\[nrt])+")
"""What base64 is folded with, also as JSON escapes it."""

_BASE64 = rb"[A-Za-z0-9+/_=-]*"
_FOR_ADDRESSES = bytes.maketrans(b"+/", b"-_")

_LEVELS = 3
"""How often a text may have been escaped: JSON in a string of JSON is two."""
_MOST_DECODED = 256 * 1024
"""Bytes of a text that are looked through for what its escapes say, which takes time."""
_JSON_ESCAPE = re.compile(rb"(?s)\\(?:u([0-9a-fA-F]{4})|(.))")
_PERCENT_ESCAPE = re.compile(rb"%([0-9a-fA-F]{2})")
_CHARACTER_REFERENCE = re.compile(rb"&(?:#0{0,32}([0-9]{1,7})|#[xX]0{0,32}([0-9a-fA-F]{1,6})|([a-zA-Z]{2,32}));?")


class Secrets:
    """Credentials, each the value of a header; one too short to hide anything is not looked for."""

    __slots__ = ("_encoded", "_encoded_in_answers", "_forms", "_words", "_words_in_answers")

    def __init__(self, credentials: Iterable[str]) -> None:
        words = {form for each in credentials for form in _written(_word(each)) if len(form) >= _SHORTEST}
        self._words: Final = tuple(sorted(words, key=len, reverse=True))
        """A longer one first, of which another may be a part."""
        self._encoded: Final = tuple(core for word in self._words for core in _cores(word))
        self._forms: Final = self._words + self._encoded
        self._words_in_answers: Final = tuple(word for word in self._words if len(word) >= _SHORTEST_IN_ANSWERS)
        self._encoded_in_answers: Final = tuple(core for word in self._words_in_answers for core in _cores(word))

    @property
    def longest(self) -> int:
        """Bytes of the longest that `out_of_answer` looks for; 0 for nothing."""
        return max(map(len, self._words_in_answers + self._encoded_in_answers), default=0)

    def out_of_answer(self, data: bytes) -> bytes:
        """Bytes of an answer, of which some repeat what went wrong: without those of them that are long, as they are
        and in base64. What tells none stays the very object."""
        return _taken_out(data, self._words_in_answers, self._encoded_in_answers)

    def without(self, body: bytes) -> bytes:
        """Bytes of a backend's error with all of them, as they are and in base64, and whatever is called a bearer's,
        taken out, and long pieces of long ones. `NOT_SHOWN` alone where one is escaped, or folded in base64, and of
        more than 64 KB."""
        if len(body) > _MOST_SEARCHED:
            return NOT_SHOWN
        body = _taken_out(body, self._words, self._encoded)
        joined = _BREAKS.sub(b"", body)
        if len(joined) < len(body) and any(joined.find(core) >= 0 for core in self._encoded):
            return NOT_SHOWN
        # Before bearers', which would take only its beginning.
        if self._words and may_say_escaped(body, self._forms):
            return NOT_SHOWN
        for word in self._words_in_answers:
            body = _pieces_out(body, word)
        return _BEARER.sub(rb"\1" + _HIDDEN, body)

    def held_in(self, data: bytes) -> bool:
        """Whether bytes of a backend's repeat one of them, as it is, in base64, or escaped."""
        for form in self._forms:
            if data.find(form) >= 0:
                return True
        return bool(self._words) and _has_escapes(data) and may_say_escaped(data, self._forms)


NO_SECRETS: Final = Secrets(())


def without_secrets(body: bytes, secret: str) -> bytes:
    """`Secrets.without` of one."""
    return Secrets((secret,)).without(body)


def _taken_out(text: bytes, words: Iterable[bytes], encoded: Iterable[bytes]) -> bytes:
    for word in words:
        if text.find(word) >= 0:
            text = text.replace(word, _HIDDEN)
    for core in encoded:
        if text.find(core) >= 0:
            text = re.sub(re.escape(core) + _BASE64, _HIDDEN, text)
    return text


def _pieces_out(text: bytes, word: bytes) -> bytes:
    """Without any run of a word's that is long enough to be no accident."""
    for start in range(len(word) - _PIECE + 1):
        while (at := text.find(word[start : start + _PIECE])) >= 0:
            end = _PIECE
            while start + end < len(word) and text.startswith(word[start + end : start + end + 1], at + end):
                end += 1
            text = text[:at] + _HIDDEN + text[at + end :]
    return text


def _cores(word: bytes) -> tuple[bytes, ...]:
    """What base64 writes for a word wherever it stands in a text: without the signs that also depend on what is before
    and behind it, in both alphabets."""
    found = set()
    for before in range(3):
        encoded = b64encode(bytes(before) + word)
        first, last = -(-before * 8 // 6), (before + len(word)) * 8 // 6
        core = encoded[first:last]
        found |= {core, core.translate(_FOR_ADDRESSES)}
    return tuple(sorted(found))


def may_say_escaped(text: bytes, words: Collection[bytes]) -> bool:
    """Whether a text says one of some words once escapes of JSON, of addresses and of HTML are decoded, in whatever
    order. Also where it has escapes and is too long to be looked through. Words too short to be credentials are not
    looked for."""
    words = [word for word in words if len(word) >= _SHORTEST]
    if not words or not _has_escapes(text):
        return False
    if len(text) > _MOST_DECODED:
        return True
    forms = {text}
    for _ in range(_LEVELS):
        forms = {decoded(each) for each in forms for decoded in _DECODERS}
        if any(word in form for form in forms for word in words):
            return True
    return False


def _has_escapes(text: bytes) -> bool:
    """Every answer's head is looked at. `find`, since `in` first tries whether what is looked for is a number."""
    return text.find(b"%") >= 0 or text.find(b"&") >= 0 or text.find(b"\\") >= 0


def _unescaped(escape: re.Match[bytes]) -> bytes:
    """What an escape of JSON's stands for; those of control characters, which no credential has, become letters."""
    code: bytes | None = escape[1]
    return escape[2] if code is None else chr(int(code, 16)).encode(errors="replace")


def _json_decoded(text: bytes) -> bytes:
    return _JSON_ESCAPE.sub(_unescaped, text)


def _percent_decoded(text: bytes) -> bytes:
    return _PERCENT_ESCAPE.sub(lambda escape: bytes.fromhex(escape[1].decode()), text)


def _referred(reference: re.Match[bytes]) -> bytes:
    """What a character reference stands for; one that nobody knows stays as it is."""
    decimal, hexadecimal, name = reference.groups()
    if name is not None:
        return html5.get(f"{name.decode()};", reference[0].decode()).encode()
    code = int(hexadecimal, 16) if decimal is None else int(decimal)
    return chr(code).encode(errors="replace") if code <= _LAST_CODE else reference[0]


def _html_decoded(text: bytes) -> bytes:
    return _CHARACTER_REFERENCE.sub(_referred, text)


_LAST_CODE = 0x10FFFF
_DECODERS = (_json_decoded, _percent_decoded, _html_decoded)


def _written(word: bytes) -> tuple[bytes, ...]:
    """As it is, and as some write it in JSON, where nothing else of a credential is ever escaped."""
    return word, word.replace(b"/", b"\\/")


def _word(secret: str) -> bytes:
    """Of an authorization header, what is secret."""
    return secret.rpartition(" ")[2].encode()
