"""What text is hidden in besides JSON's escapes: percent signs, HTML entities, base64, and the frame between parts.

Nothing here makes a text longer, and every pattern repeats within bounds.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping

from router.core.sensitivity.finders.text import BORDER, Text

_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_ENTITY = re.compile(rb"&(?:#0{0,32}([0-9]{1,7})|#[xX]0{0,32}([0-9A-Fa-f]{1,6})|([A-Za-z]{2,12}));?")
NAMED: Mapping[bytes, bytes] = {
    b"amp": b"&",
    b"apos": b"'",
    b"boxV": b"|",
    b"boxv": b"|",
    b"brvbar": b"|",
    b"bull": b"-",
    b"bullet": b"-",
    b"centerdot": b"-",
    b"CenterDot": b"-",
    b"colon": b":",
    b"comma": b",",
    b"commat": b"@",
    b"dash": b"-",
    b"ensp": b" ",
    b"emsp": b" ",
    b"equals": b"=",
    b"frasl": b"/",
    b"gt": b">",
    b"hairsp": b" ",
    b"horbar": b"-",
    b"hybull": b"-",
    b"hyphen": b"-",
    b"lowbar": b"_",
    b"lt": b"<",
    b"mdash": b"-",
    b"mid": b"|",
    b"middot": b"-",
    b"minus": b"-",
    b"nbsp": b" ",
    b"ndash": b"-",
    b"NewLine": b"\n",
    b"num": b"#",
    b"numsp": b" ",
    b"par": b"|",
    b"period": b".",
    b"plus": b"+",
    b"puncsp": b" ",
    b"quot": b'"',
    b"sdot": b"-",
    b"shy": b"",
    b"sol": b"/",
    b"Tab": b"\t",
    b"thinsp": b" ",
    b"verbar": b"|",
    b"Verbar": b"|",
    b"vert": b"|",
    b"Vert": b"|",
    b"VerticalLine": b"|",
    b"zwj": b"",
    b"zwnj": b"",
}
_LAST_CHARACTER = 0x10FFFF

_SPACE = r"\s{0,64}+"
_NAME = rf'{_SPACE}"[a-z_]{{1,32}}"{_SPACE}:{_SPACE}'
_GOES_ON = "(?=[ ._/-]{0,2}+[0-9])"
_VALUE = rf'(?:"(?!{_GOES_ON})[^"]{{0,64}}+"|[0-9a-z.]{{1,16}}+|\{{[^{{}}]{{0,256}}+\}}){_SPACE}'
# From the end of one text to the beginning of the next, both with digits: the next item of a list, the next part of
# a message, the next message; other members of either are short. No group is repeated possessively, here and in the
# finders: before Python 3.11.5 such a group goes on from where its last try failed, instead of where it began.
FRAME = re.compile(
    (
        rf'"(?<=[0-9 ._/-]")(?:(?<=[0-9]")|(?<=[0-9][ ._/-]")|(?<=[0-9][ ._/-]{{2}}"))'
        rf"{_SPACE}(?:,{_NAME}{_VALUE}){{0,4}}"
        rf"(?:\}}{_SPACE}(?:\]{_SPACE}(?:,{_NAME}{_VALUE}){{0,4}}\}}{_SPACE})?,{_SPACE}\{{"
        rf'(?:{_NAME}(?:{_VALUE},|\[{_SPACE}\{{)){{0,6}}{_NAME}|,{_SPACE})"{_GOES_ON}'
    ).encode()
)

_STANDARD = bytes.maketrans(b"-_", b"+/")
_FIRST_OF_FOUR = b"CIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
"""What every third octet of a text looks like: no control character but the ends of lines and tabs."""
_HEAD = 64
_NOT_TEXT = bytes(code for code in range(32) if code not in b"\t\n\r") + b"\x7f"
_GAP = b"\n\r\t "


def has_escapes(data: bytes) -> bool:
    """Whether a percent sign or an entity stands for a character."""
    return (data.find(b"%") >= 0 and _PERCENT.search(data) is not None) or (
        data.find(b"&") >= 0 and _ENTITY.search(data) is not None
    )


def may_hide(text: Text) -> bool:
    """Whether `joined` or `decoded` would change a text."""
    return (
        has_escapes(text.data)
        or (bool(text.runs) and next(_base64(text), None) is not None)
        or (_may_be_framed(text.dense) and FRAME.search(text.data) is not None)
    )


def _may_be_framed(dense: bytes) -> bool:
    """Whether a string ends in a digit and another one begins with one."""
    return b'0"' in dense and (b':"0' in dense or b'""0' in dense)


def joined(data: bytes) -> bytes:
    """The text with a border character in place of the frame between two parts, where a number may go on."""
    return FRAME.sub(BORDER, data)


def decoded(data: bytes) -> bytes:
    """The text, in UTF-8, with one level of percent signs, entities and base64 taken away."""
    if b"%" in data:
        data = _PERCENT.sub(_octet, data)
    if b"&" in data:
        data = _ENTITY.sub(_character, data)
    return _without_base64(Text(data))


def _octet(match: re.Match[bytes]) -> bytes:
    return bytes((int(match[1], 16),))


def _character(match: re.Match[bytes]) -> bytes:
    """As browsers read it; of the names only those of punctuation and spaces."""
    decimal, hexadecimal, name = match.groups()
    if name is not None:
        return NAMED.get(name, match[0])
    code = int(decimal) if decimal is not None else int(hexadecimal, 16)
    return match[0] if code > _LAST_CHARACTER or 0xD800 <= code < 0xE000 else chr(code).encode()


def _base64(text: Text) -> Iterator[tuple[int, int, bytes]]:
    """Runs that say something in base64, with their offsets (from, to)."""
    for start, stop in text.runs:
        plain = said(text.data[start:stop])
        if plain:
            yield start, stop + text.data.startswith(b"=", stop) + text.data.startswith(b"==", stop), plain


def said(run: bytes) -> bytes:
    """What a run says, or nothing if that is no text; its beginning tells, since most runs are names or data.

    Digits alone never say a sign or two digits in a row.
    """
    if run.isdigit() or run[:_HEAD:4].strip(_FIRST_OF_FOUR):
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


def _without_base64(text: Text) -> bytes:
    """Runs with nothing but line ends between them are one, as in mail."""
    data = text.data
    pieces: list[bytes] = []
    end = 0
    for start, stop, plain in _base64(text):
        between = data[end:start]
        pieces += (between if not pieces or between.strip(_GAP) else b"", plain)
        end = stop
    return b"".join((*pieces, data[end:])) if pieces else data
