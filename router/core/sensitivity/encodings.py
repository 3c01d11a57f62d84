"""What text is hidden in besides JSON's escapes: percent signs, HTML entities, base64, and the frame between parts.

Nothing here makes a text longer than by half, and every pattern repeats within bounds.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping
from itertools import chain

from router.core.sensitivity.finders.text import BORDER, DIGITS, NUMBER, REACH, RUN, SEPARATORS, Text

_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
# The semicolon of full width is read as a comma (`unescape.fold`).
_ENTITY = re.compile(rb"&(?:#(?:0{0,32}([0-9]{1,7})|[xX]0{0,32}([0-9A-Fa-f]{1,6}))[;,]?|([A-Za-z]{2,12});?)")
_PLUSES = re.compile(rb"[0-9A-Za-z_.*-]\+[0-9A-Za-z_.*%-]")
"""Between words of a form, in which they stand for spaces."""
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
_BETWEEN = r"[ .()/,|_\t\r\n-]"
_BEFORE = "|".join(f'(?<=[0-9+(]{_BETWEEN * number}")' for number in range(5))
_GOES_ON = f"(?={_BETWEEN}{{0,4}}+[0-9])"
_LETTERS_BEFORE = "|".join(f'(?<=[0-9A-Za-z]{_BETWEEN * number}")' for number in range(5))
_LETTERS_GO_ON = f'(?={_BETWEEN}{{0,4}}+[0-9A-Za-z])(?![a-z_]{{1,32}}+"{_SPACE}:)'
_NOTHING = f'(?:"{_BETWEEN}{{0,64}}+"(?!{_SPACE}:)|null)'
# What a model does not see: no two of these begin alike, so that there is one way to read them.
_UNSEEN = (
    rf'(?:(?:[{{}}\[\],]|"(?:text|content)"{_SPACE}:|{_NOTHING}'
    rf'|"(?!(?:text|content)")[a-z_]{{1,32}}+"{_SPACE}:{_SPACE}'
    rf'(?:"(?!{_GOES_ON})[^"]{{0,64}}+"|[0-9a-z.]{{1,16}}+|(?=[\[{{]|"{_GOES_ON}))){_SPACE})'
)


def _frame(before: str, goes_on: str) -> re.Pattern[bytes]:
    """From the end of one text to the beginning of the next one: the next item of a list, the next part of a message,
    the next message, and what of these is empty between them."""
    return re.compile(
        (
            rf'"(?:{before}){_SPACE}(?:(?:,{_SPACE}{_NOTHING}{_SPACE}){{0,16}},{_SPACE}'
            rf'|{_UNSEEN}{{0,24}}?\}}{_SPACE},{_SPACE}\{{{_SPACE}{_UNSEEN}{{0,32}})"{goes_on}'
        ).encode()
    )


# No group is repeated possessively, here and in the finders: before Python 3.11.5 such a group goes on from where its
# last try failed, instead of where it began.
FRAME = _frame(_BEFORE, _GOES_ON)
"""Between texts with digits at their seam."""
LETTERS_FRAME = _frame(_LETTERS_BEFORE, _LETTERS_GO_ON)
"""The same with letters, too, which account numbers have."""

_SAID = re.compile(rf'[:,\[]{_SPACE}"({_BETWEEN}{{1,64}}+)"(?={_SPACE}[,\]}}])'.encode())
_SHORTEST_SAID = len(',"-",')
_EDGE = re.compile(rb"[A-Za-z\"{}]")
ACCOUNT = re.compile(
    rb"[A-Za-z]{2}[0-9]{2}(?:[ ./_\t\r\n-]{0,3}[0-9A-Za-z]){11}(?:[ ./_\t\r\n-]{0,3}[0-9A-Za-z]){0,18}"
)
"""Of the shape of an account's number, at least as long as the shortest."""
_ACCOUNT = 64
_COUNTRY_ENDS = re.compile(
    rb'"(?:(?<=[^0-9A-Za-z][A-Za-z]")|(?<=[^0-9A-Za-z][A-Za-z]{2}")|(?<=[^0-9A-Za-z][A-Za-z]{2}[0-9]"))'
)
_BEGUN = re.compile(f'[A-Za-z]{{2}}[0-9]{{2}}(?:{_BETWEEN}{{0,3}}[0-9A-Za-z]){{0,28}}{_BETWEEN}{{0,4}}"'.encode())
"""What may be the beginning of one, up to the end of a text."""
_SHAPES = bytes(97 if 64 < code < 128 and chr(code).isalpha() else code for code in DIGITS)
_STANDARD = bytes.maketrans(b"-_", b"+/")
_FIRST_OF_FOUR = b"CIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
"""What every third octet of a text looks like: no control character but the ends of lines and tabs."""
_HEAD = 64
_NOT_TEXT = bytes(code for code in range(32) if code not in b"\t\n\r") + b"\x7f"
_GAP = b"\n\r\t "
_NEXT_LINE = re.compile(rb"""[ \t]{0,16}+\r?\n[ \t>|]{0,16}+([A-Za-z0-9+/_-]{1,1000}+)(={0,2})(?![^\s"'<)\]},;.])""")
"""A line with nothing but base64, behind another one; also in a mail that is quoted."""


def has_escapes(data: bytes) -> bool:
    """Whether a percent sign, an entity or a plus stands for a character."""
    return (
        (data.find(b"%") >= 0 and _PERCENT.search(data) is not None)
        or (data.find(b"&") >= 0 and _ENTITY.search(data) is not None)
        or has_pluses(data)
    )


def has_pluses(data: bytes) -> bool:
    """Whether pluses may stand for spaces, as they do in forms."""
    return data.find(b"+") >= 0 and _PLUSES.search(data) is not None


def spaced(data: bytes) -> bytes:
    return data.replace(b"+", b" ")


def may_hide(text: Text) -> bool:
    """Whether `joined` or `decoded` would change a text."""
    return has_escapes(text.data) or (bool(text.runs) and next(_base64(text), None) is not None) or is_framed(text)


def is_framed(text: Text) -> bool:
    """Whether a number goes on from one part into the next one."""
    return (_may_be_framed(text.dense) and bool(_seams(text.data))) or (
        NUMBER in text.dense and next(_accounts(text.data), None) is not None
    )


def _may_be_framed(dense: bytes) -> bool:
    """Whether a string begins with a digit, and is not a body's first."""
    return b':"0' in dense or b'""0' in dense or b'["0' in dense or b'null"0' in dense


def joined(data: bytes) -> Iterator[bytes]:
    """What stands around the frames between parts in which a number goes on: with nothing in place of the frame, and
    with a border character, for a separator that it stands for."""
    dense = data.translate(DIGITS, SEPARATORS)
    if _may_be_framed(dense) and (seams := _seams(data)):
        pieces = [piece if len(piece) <= 2 * REACH else ends_of(piece, REACH) for piece in _between(data, seams)]
        said = [
            b"".join(_SAID.findall(data, start + 1, stop)) if stop - start > _SHORTEST_SAID else b""
            for start, stop in seams
        ]
        yield _with([between and between.strip() for between in said], pieces)
        yield _with([between or BORDER for between in said], pieces)
    if NUMBER in dense:
        yield from _accounts(data)


def _with(seams: list[bytes], pieces: list[bytes]) -> bytes:
    return b"".join(chain.from_iterable(zip(pieces, (*seams, b""), strict=True)))


def _seams(data: bytes) -> list[tuple[int, int]]:
    """Offsets (from, to) of the frames between parts with nine digits or more at their seams."""
    found: list[tuple[int, int]] = []
    open_: list[tuple[int, int]] = []
    digits = end = 0
    for start, stop in (*map(re.Match.span, FRAME.finditer(data)), (len(data), len(data))):
        dense = data[end:start].translate(DIGITS, SEPARATORS)
        kept = dense.lstrip(b"0")
        digits += len(dense) - len(kept)
        if kept or start == len(data):
            if digits >= len(NUMBER):
                found += open_
            open_ = []
            digits = len(kept) - len(kept.rstrip(b"0"))
        open_.append((start, stop))
        end = stop
    return found


def _between(data: bytes, seams: list[tuple[int, int]]) -> list[bytes]:
    bounds = [0, *chain.from_iterable(seams), len(data)]
    return [data[start:stop] for start, stop in zip(bounds[::2], bounds[1::2], strict=True)]


def ends_of(piece: bytes, reach: int) -> bytes:
    """Without its middle; no row of numbers is cut."""
    first, last = _EDGE.search(piece, reach), _EDGE.search(piece[-reach::-1])
    if first is None or last is None or first.end() >= (begin := len(piece) - reach - last.start()):
        return piece
    return piece[: first.end()] + b'"' + piece[begin:]


def _accounts(data: bytes) -> Iterator[bytes]:
    """What may be the number of an account that goes on behind a frame, without frames, with what goes before it."""
    for begin, end in _begun_accounts(data):
        number, at = data[begin:end], end
        while len(number) < _ACCOUNT and (frame := LETTERS_FRAME.match(data, at)) is not None:
            at = data.find(b'"', frame.end())
            number += data[frame.end() : min(at, frame.end() + _ACCOUNT)]
        account = ACCOUNT.match(number)
        if account is not None and account.end() > end - begin:
            yield data[max(0, begin - _ACCOUNT) : begin] + number


def _begun_accounts(data: bytes) -> Iterator[tuple[int, int]]:
    """Offsets (from, to) of what may be the beginning of an account's number at the end of a text."""
    for match in _COUNTRY_ENDS.finditer(data):
        end = match.start()
        yield next(at for at in (end - 1, end - 2, end - 3) if not data[at - 1 : at].isalnum()), end
    if may_begin_account(data):
        for match in _BEGUN.finditer(data):
            yield match.start(), match.end() - 1


def may_begin_account(data: bytes) -> bool:
    """Whether two letters and two digits follow each other."""
    return data.translate(_SHAPES).find(b"aa00") >= 0


def decoded(data: bytes) -> bytes:
    """The text, in UTF-8, with one level of percent signs, entities and base64 taken away."""
    return _without_base64(Text(characters(data)))


def characters(data: bytes) -> bytes:
    """The text with one level of percent signs and entities taken away."""
    if b"%" in data:
        data = _PERCENT.sub(_octet, data)
    return _ENTITY.sub(_character, data) if b"&" in data else data


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
    done = 0
    for start, stop in text.runs:
        if start < done:
            continue
        lines, done = _lines(text.data, start, stop)
        plain = _said_together(lines) if len(lines) > 1 else b""
        if plain:
            yield start, done, plain
            continue
        done = stop
        plain = said(text.data[start:stop])
        if plain:
            yield start, stop + text.data.startswith(b"=", stop) + text.data.startswith(b"==", stop), plain


def _lines(data: bytes, start: int, stop: int) -> tuple[list[bytes], int]:
    """A run and the lines of base64 behind it, up to one that is padded, and where they end."""
    lines = [data[start:stop]]
    padded = data.startswith(b"=", stop)
    while not padded and (line := _NEXT_LINE.match(data, stop)) is not None:
        lines.append(line[1])
        padded, stop = bool(line[2]), line.end()
    return lines, stop


def _said_together(lines: list[bytes]) -> bytes:
    """What lines say that are one, as mail and `base64` wrap it. Behind it stands what they say otherwise: without the
    last one, if that is short and so may be a word; and each by itself, if together they are no text to their end."""
    together = said(b"".join(lines))
    if not together:
        return b""
    read = [together]
    if len(lines[-1]) < len(RUN):
        read.append(said(b"".join(lines[:-1]))[-REACH:])
    if any(len(line) % 4 for line in lines[:-1]) and not _is_text(together):
        read.append(b"".join([said(line) or line for line in lines]))
    return BORDER.join(read)


def said(run: bytes) -> bytes:
    """What a run says, or nothing if that is no text; its beginning tells, since most runs are names or data.

    Digits alone never say a sign or two digits in a row.
    """
    if run.isdigit() or run[:_HEAD:4].strip(_FIRST_OF_FOUR):
        return b""
    return _octets(run) if _is_text(_octets(run[:_HEAD])) else b""


def _octets(run: bytes) -> bytes:
    whole = run[: len(run) - 1] if len(run) % 4 == 1 else run
    return binascii.a2b_base64(whole.translate(_STANDARD) + b"=" * (-len(whole) % 4))


def _is_text(said: bytes) -> bool:
    """Without control characters, in UTF-8 up to a character that the end cuts."""
    if len(said.translate(None, _NOT_TEXT)) != len(said):
        return False
    return said.isascii() or len(said) - len(said.decode(errors="ignore").encode()) < 4


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
