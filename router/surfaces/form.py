"""Bodies of the type multipart/form-data (RFC 7578), read so strictly that no other parser can read them otherwise.

What detectors saw has to be what a backend reads. So a body is refused where parsers are known to differ: something
before the first boundary or behind the last, a boundary anywhere else than between parts, line ends that are none, a
name given twice, escapes in names, two names of one file that differ, encodings of parts, character sets. Nothing is
decoded or written anew: parts are spans of the body, which goes on byte for byte.
"""

from __future__ import annotations

import re
import string
from typing import Final, NamedTuple

import msgspec

from router.core.reading import BadBody, Span

MOST_PARTS: Final = 128
MOST_HEAD: Final = 4096
"""Bytes of one part's headers."""

_VALUE = r"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]{1,70}|\"[^\"\\]{1,70}\")"
_TYPE = re.compile(
    rf"multipart/form-data((?:[ \t]*;[ \t]*[A-Za-z0-9-]{{1,32}}={_VALUE})+)[ \t]*", re.IGNORECASE | re.ASCII
)
_PARAMETER = re.compile(r"([A-Za-z0-9-]+)=(?:\"([^\"]+)\"|([^\"; \t]+))", re.ASCII)
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]", re.ASCII)
_FIRST_LINE = re.compile(rb"--([0-9A-Za-z'()+_,./:=? -]{1,70})\r\n")
_HEADER = re.compile(rb"([A-Za-z-]{1,64}):[ \t]?([^\r\n\x00]*)")
_DISPOSITION = re.compile(
    rb'form-data;[ ]?name=(?:"([^"\\\x00-\x1f\x7f]*)"|([0-9A-Za-z_.\[\]-]+))'
    rb'(?:;[ ]?filename=(?:"([^"\\\x00-\x1f\x7f]*)"|([0-9A-Za-z_.-]+)))?'
    rb"(?:;[ ]?filename\*=[Uu][Tt][Ff]-8''([0-9A-Za-z!#$&+.^_`|~%-]*))?"
)
_NAME = re.compile(rb"[A-Za-z_][0-9A-Za-z_.-]{0,63}(?:\[[0-9A-Za-z_.-]{0,64}\]){0,4}")
_MEDIA_TYPE = re.compile(
    rb"[0-9A-Za-z!#$&^_.+-]{1,127}/[0-9A-Za-z!#$&^_.+-]{1,127}"
    rb"(?:;[ ]?[A-Za-z0-9-]{1,64}=(?:\"[^\"\\]{0,128}\"|[^\"\\; ]{1,128})){0,8}"
)
_OF_TEXT = re.compile(rb"(?:text/plain|application/json)(?:;[ ]?charset=\"?(?:utf-8|us-ascii)\"?)?", re.IGNORECASE)
_AROUND = f"{string.ascii_letters}'()+_,./:=? -"
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_IDENTITY = frozenset({b"7bit", b"8bit", b"binary"})
_SEVERAL = "[]"
"""What ends the name of a field that may be given more than once."""


class Part(NamedTuple):
    """A field, or a file: then it has a file name, which may be empty."""

    name: str
    filename: str | None
    media_type: str
    """Empty where it does not say."""
    span: Span
    """Of its content in the body."""


class Form:
    """One body, with its parts in their order."""

    def __init__(self, content_type: str, body: bytes, parts: tuple[Part, ...]) -> None:
        self.content_type: Final = content_type
        self.parts: Final = parts
        self._body = body

    def content(self, part: Part) -> bytes:
        start, end = part.span
        return self._body[start:end]

    def field(self, name: str) -> Part | None:
        """The field of this name, of which there is one at most."""
        return next((part for part in self.parts if part.name == name and part.filename is None), None)

    def text(self, name: str) -> str | None:
        """What stands in it."""
        part = self.field(name)
        return None if part is None else self.content(part).decode()

    @property
    def texts(self) -> bytes:
        """All that it says in text, as JSON: names, fields, the names and types of files, and its boundary. A field
        that is there several times is a list."""
        fields: dict[str, list[str]] = {}
        for part in self.parts:
            if part.filename is None:
                fields.setdefault(part.name, [part.name]).append(self.content(part).decode())
        files = [[part.name, part.filename, part.media_type] for part in self.parts if part.filename is not None]
        boundary = boundary_of(self._body)
        return msgspec.json.encode([*fields.values(), *files, [boundary, bare(boundary)]])


def is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


def read_form(body: bytes, content_type: str) -> Form:
    """Raises BadBody for all that might be read in two ways."""
    boundary = _boundary(content_type)
    parts = _parts(body, b"--" + boundary)
    _check_names(parts)
    for part in parts:
        if part.filename is None:
            _check_text(body, part)
    return Form(content_type, body, tuple(parts))


def told_by(body: bytes) -> str:
    """The content type of a body that came without one, by its first line."""
    boundary = boundary_of(body)
    return f'multipart/form-data; boundary="{boundary}"' if boundary else ""


def boundary_of(body: bytes) -> str:
    """What stands in its first line; empty for a body that begins as no form does."""
    found = _FIRST_LINE.match(body)
    return found[1].decode() if found is not None else ""


def bare(boundary: str) -> str:
    """Without what stands around its digits: to detectors, a number that a letter touches is none."""
    return boundary.strip(_AROUND)


def _boundary(content_type: str) -> bytes:
    found = _TYPE.fullmatch(content_type)
    if found is None:
        raise _bad("its content type has to be 'multipart/form-data' with a boundary")
    given: dict[str, str] = {}
    for name, quoted, token in _PARAMETER.findall(found[1]):
        if name.lower() in given:
            raise _bad(f"its content type says '{name}' twice")
        given[name.lower()] = quoted or token
    boundary = given.pop("boundary", "")
    if not _BOUNDARY.fullmatch(boundary) or given.pop("charset", "utf-8").lower() != "utf-8" or given:
        raise _bad("its content type may have a boundary, and the charset utf-8, and nothing else")
    return boundary.encode()


def _parts(body: bytes, delimiter: bytes) -> list[Part]:
    if not body.startswith(delimiter + b"\r\n"):
        raise _bad("it does not begin with its boundary")
    parts: list[Part] = []
    position, between = len(delimiter) + 2, b"\r\n" + delimiter
    while True:
        if len(parts) == MOST_PARTS:
            raise _bad(f"it has more than {MOST_PARTS} parts")
        blank = body.find(b"\r\n\r\n", position, position + MOST_HEAD)
        end = body.find(between, blank + 4) if blank >= 0 else -1
        if end < 0:
            raise _bad(f"part {len(parts) + 1} is not whole, or has no headers, or too long ones")
        parts.append(_part(body[position:blank], (blank + 4, end), len(parts) + 1))
        position = end + len(between) + 2
        mark = body[position - 2 : position]
        if mark == b"--":
            break
        if mark != b"\r\n":
            raise _bad("a boundary is followed by something else than a line's end")
    if body[position:] not in (b"", b"\r\n"):
        raise _bad("something follows its last boundary")
    if body.count(delimiter) != len(parts) + 1:
        raise _bad("its boundary occurs inside a part")
    return parts


def _part(head: bytes, span: Span, number: int) -> Part:
    headers: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n"):
        found = _HEADER.fullmatch(line)
        if found is None or found[1].lower() in headers:
            raise _bad(f"a header of part {number} cannot be understood, or is given twice")
        headers[found[1].lower()] = found[2].strip(b" \t")
    name, filename = _names(headers.pop(b"content-disposition", b""), number)
    media_type = headers.pop(b"content-type", b"")
    encoding = headers.pop(b"content-transfer-encoding", b"binary").lower()
    length = headers.pop(b"content-length", b"%d" % (span[1] - span[0]))
    if headers or encoding not in _IDENTITY or length != b"%d" % (span[1] - span[0]):
        raise _bad(f"part {number} has a header that changes how it is read")
    if media_type and not (_MEDIA_TYPE if filename is not None else _OF_TEXT).fullmatch(media_type):
        raise _bad(f"the content type of part {number} cannot be understood")
    return Part(name, filename, media_type.decode("latin-1"), span)


def _names(disposition: bytes, number: int) -> tuple[str, str | None]:
    found = _DISPOSITION.fullmatch(disposition)
    name = b"" if found is None else found[1] or found[2] or b""
    if found is None or not _NAME.fullmatch(name):
        raise _bad(f"the name of part {number} cannot be understood")
    filename = found[3] if found[3] is not None else found[4]
    if found[5] is not None and (filename is None or _unquoted(found[5]) != filename):
        raise _bad(f"part {number} has two file names that differ")
    try:
        return name.decode(), None if filename is None else filename.decode()
    except UnicodeDecodeError:
        raise _bad(f"the file name of part {number} is not UTF-8") from None


def _unquoted(text: bytes) -> bytes:
    return _PERCENT.sub(lambda found: bytes((int(found[1], 16),)), text)


def _check_names(parts: list[Part]) -> None:
    """A field is there once. Parsers differ on which of two counts, and on whether a[b] is a part of a."""
    seen: set[str] = set()
    for part in parts:
        name, bracket, _ = part.name.partition("[")
        if part.name in seen and not part.name.endswith(_SEVERAL):
            raise BadBody(f"The field '{part.name}' is given twice.", part.name, "duplicate_field")
        if name in ("model", "stream") and (bracket or part.filename is not None):
            raise BadBody(f"The field '{name}' has to be a field of that very name.", name, "invalid_value")
        seen.add(part.name)


def _check_text(body: bytes, part: Part) -> None:
    start, end = part.span
    try:
        body[start:end].decode()
    except UnicodeDecodeError:
        raise BadBody(f"The field '{part.name}' is not UTF-8.", part.name, "invalid_value") from None


def _bad(why: str) -> BadBody:
    return BadBody(f"The request body is no form that can be read: {why}.", code="invalid_form")
