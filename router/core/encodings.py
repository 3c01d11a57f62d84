"""What text is hidden in besides JSON's escapes: percent signs, HTML entities, base64, and the frame between parts.

Nothing here makes a text longer, and every pattern repeats within bounds.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping

from router.core.finders.text import Text

_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_ENTITY = re.compile(r"&(?:#0{0,32}([0-9]{1,7})|#[xX]0{0,32}([0-9A-Fa-f]{1,6})|([A-Za-z]{2,8}));?")
_NAMED: Mapping[str, str] = {
    "amp": "&",
    "apos": "'",
    "colon": ":",
    "comma": ",",
    "commat": "@",
    "dash": "-",
    "ensp": " ",
    "emsp": " ",
    "equals": "=",
    "gt": ">",
    "hyphen": "-",
    "lowbar": "_",
    "lt": "<",
    "nbsp": " ",
    "num": "#",
    "period": ".",
    "plus": "+",
    "quot": '"',
    "shy": "",
    "sol": "/",
    "thinsp": " ",
    "zwj": "",
    "zwnj": "",
}
_LAST_CHARACTER = 0x10FFFF

_BORDER = "\x1f"
_SPACE = r"\s{0,64}+"
_WORD = rf'{_SPACE}"[a-z_]{{1,32}}"{_SPACE}'
# From the end of one text to the beginning of the next, both with digits: the next item of a list, the next part of
# a message, the next message; other members of either are short words.
_FRAME = re.compile(
    rf'(?<=[0-9])([ ._/-]{{0,2}}+)"(?:{_SPACE},{_WORD}:{_WORD}){{0,3}}+{_SPACE}'
    rf"(?:\}}{_SPACE}(?:\]{_SPACE}(?:,{_WORD}:{_WORD}){{0,3}}+\}}{_SPACE})?,{_SPACE}\{{"
    rf"(?:{_WORD}:{_SPACE}(?:{_WORD},|\[{_SPACE}\{{)){{0,6}}+{_WORD}:|,){_SPACE}"
    rf'"(?=[ ._/-]{{0,2}}+[0-9])'
)

_SHORTEST = 15
_STANDARD = bytes.maketrans(b"-_", b"+/")
_FIRST_OF_FOUR = b"CIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
"""What every third octet of a text looks like: no control character but the ends of lines and tabs."""
_HEAD = 64
_NOT_TEXT = bytes(code for code in range(32) if code not in b"\t\n\r") + b"\x7f"
_GAP = b"\n\r\t "


def may_hide(text: Text) -> bool:
    """Whether `joined` or `decoded` would change a text in ASCII."""
    data = text.data
    return (
        (b"%" in data and _PERCENT.search(data) is not None)
        or (b"&" in data and _ENTITY.search(data.decode("ascii", "replace")) is not None)
        or next(_base64(text), None) is not None
        or (_may_be_framed(text.dense) and _FRAME.search(data.decode("ascii", "replace")) is not None)
    )


def _may_be_framed(dense: bytes) -> bool:
    """Whether a string ends in a digit and another one begins with one."""
    return b'0"' in dense and (b':"0' in dense or b'""0' in dense)


def joined(text: str) -> str:
    """The text with a border character in place of the frame between two parts, where a number may go on."""
    return _FRAME.sub(r"\1" + _BORDER, text)


def decoded(text: str) -> str:
    """The text with one level of percent signs, entities and base64 taken away."""
    if "%" in text:
        text = _PERCENT.sub(_octet, text.encode()).decode(errors="replace")
    if "&" in text:
        text = _ENTITY.sub(_character, text)
    return _without_base64(text, Text(text.encode("ascii", "replace")))


def _octet(match: re.Match[bytes]) -> bytes:
    return bytes((int(match[1], 16),))


def _character(match: re.Match[str]) -> str:
    """As browsers read it; of the names only those of punctuation and spaces."""
    decimal, hexadecimal, name = match.groups()
    if name is not None:
        return _NAMED.get(name, match[0])
    code = int(decimal) if decimal is not None else int(hexadecimal, 16)
    return match[0] if code > _LAST_CHARACTER or 0xD800 <= code < 0xE000 else chr(code)


def _base64(text: Text) -> Iterator[tuple[int, int, bytes]]:
    """Runs that say something in base64, with their offsets (from, to)."""
    for start, stop in text.long_runs(_SHORTEST):
        said = _said(text.data[start:stop])
        if said:
            yield start, stop + text.data.startswith(b"=", stop) + text.data.startswith(b"==", stop), said


def _said(run: bytes) -> bytes:
    """What a run says, or nothing if that is no text; its beginning tells, since most runs are names or data."""
    if run[:_HEAD:4].strip(_FIRST_OF_FOUR):
        return b""
    head = _octets(run[:_HEAD])
    return _octets(run) if len(head.translate(None, _NOT_TEXT)) == len(head) and _is_utf8(head) else b""


def _octets(run: bytes) -> bytes:
    whole = run[: len(run) - 1] if len(run) % 4 == 1 else run
    return binascii.a2b_base64(whole.translate(_STANDARD) + b"=" * (-len(whole) % 4))


def _is_utf8(head: bytes) -> bool:
    """Up to a character that the end cuts."""
    text = head.decode(errors="ignore")
    return len(head) - len(text.encode()) < 4


def _without_base64(text: str, plain: Text) -> str:
    """Runs with nothing but line ends between them are one, as in mail."""
    pieces: list[str] = []
    lines: list[bytes] = []
    end = 0
    for start, stop, said in _base64(plain):
        if not lines or plain.data[end:start].strip(_GAP):
            pieces += (_text(lines), text[end:start])
            lines = []
        lines.append(said)
        end = stop
    return "".join((*pieces, _text(lines), text[end:]))


def _text(lines: list[bytes]) -> str:
    return b"".join(lines).decode(errors="replace")
