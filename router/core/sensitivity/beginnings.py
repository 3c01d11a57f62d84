"""How files begin, and what that is in base64."""

from __future__ import annotations

from functools import cache
from typing import Final

# Octets, or the number of such that may be any. Each is told by its format's own description: RFC 1952 (gzip), 3533
# (Ogg), 8878 (Zstandard) and 9639 (FLAC); ISO/IEC 10918, 14496-12, 15444, 15948 (JPEG, MP4 with HEIC and AVIF,
# JPEG 2000, PNG) and 32000 (PDF); [MS-CFB] and PE by Microsoft; the System V ABI (ELF); APPNOTE.TXT (ZIP); id3.org;
# TIFF 6.0; 7zFormat.txt; xz-file-format.txt; and for the others the `magic` files of file(1).
ALONE: Final[tuple[tuple[bytes | int, ...], ...]] = (
    (b"\x89PNG\r\n\x1a\n",),
    (b"GIF87a",),
    (b"GIF89a",),
    *[(b"RIFF", 4, kind) for kind in (b"WEBP", b"WAVE", b"AVI ")],
    *[(b"FORM", 4, kind) for kind in (b"AIFF", b"AIFC")],
    (b"%PDF-",),
    (b"PK\3\4",),
    (b"\0\0\0", 1, b"ftyp"),
    (b"\0\0\0\x0cjP  \r\n\x87\n",),
    (b"\0\0\0\x0cJXL \r\n\x87\n",),
    *[(b"ID3%c" % version,) for version in (2, 3, 4)],
    *[(b"\xff\xfb\x90%c" % mode,) for mode in (0x00, 0x44, 0x64, 0xC4)],
    (b"OggS\0\2",),
    (b"fLaC",),
    (b"MThd\0\0\0",),
    (b"\x1a\x45\xdf\xa3",),
    (b"FLV\1",),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",),
    (b"II*\0",),
    (b"MM\0*",),
    (b"II+\0",),
    (b"BM", 4, b"\0\0\0\0", 1, b"\0\0\0"),
    (b"\0\0\1\0\1\0",),
    (b"8BPS\0\1",),
    (b"AT&TFORM",),
    (b"\xd7\xcd\xc6\x9a\0\0",),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
    (b"7z\xbc\xaf\x27\x1c",),
    (b"\xfd7zXZ\0",),
    (b"\x28\xb5\x2f\xfd",),
    *[(b"BZh%c1AY&SY" % size,) for size in b"123456789"],
    (b"Rar!\x1a\7",),
    (b"\x04\x22\x4d\x18",),
    (b"LZIP\1",),
    (b"MSCF\0\0\0\0",),
    *[(b"\x7fELF%c%c\1" % (size, order),) for size in (1, 2) for order in (1, 2)],
    (b"MZ\x90\0\3\0",),
    (b"\xcf\xfa\xed\xfe", 1, b"\0\0\1"),
    (b"\xca\xfe\xba\xbe\0\0\0",),
    (b"\0asm\1\0\0\0",),
    (b"SQLite format 3\0",),
    (b"\x89HDF\r\n\x1a\n",),
)
"""Pictures, sound, films, documents, archives, programs and tables, wherever in a run of base64 they stand."""
AT_A_BEGINNING: Final[tuple[tuple[bytes | int, ...], ...]] = ((b"\xff\xd8\xff",), (b"\x1f\x8b\x08",))
"""JPEG and gzip, which have but three octets: they count where a run begins."""
_SIGNS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SURE: Final = 36
"""Bits that must be known of what stands somewhere inside."""


def signs_of(beginning: tuple[bytes | int, ...], before: int = 0) -> tuple[str, ...]:
    """Signs of base64 that may stand for it, one set (as a string) for each place, with so many other octets (0 to 2)
    before it in the same group of three; nothing where too little is known of it to be told inside of others."""
    octets: list[int | None] = [None] * before
    for part in beginning:
        octets += list(part) if isinstance(part, bytes) else [None] * part
    bits = [_bit(octet, place) for octet in octets for place in range(8)]
    if before and sum(bit is not None for bit in bits) < _SURE:
        return ()
    bits += [None] * (-len(bits) % 6)
    places = [_fitting(tuple(bits[at : at + 6])) for at in range(0, len(bits), 6)]
    first = next(number for number, fitting in enumerate(places) if len(fitting) < len(_SIGNS))
    last = max(number for number, fitting in enumerate(places) if len(fitting) < len(_SIGNS))
    return tuple(places[first : last + 1])


def _bit(octet: int | None, place: int) -> int | None:
    return None if octet is None else octet >> (7 - place) & 1


@cache
def _fitting(bits: tuple[int | None, ...]) -> str:
    return "".join(
        sign
        for value, sign in enumerate(_SIGNS)
        if all(bit is None or bit == value >> (5 - place) & 1 for place, bit in enumerate(bits))
    )
