"""Texts with a file in base64 in them, and such without."""

from __future__ import annotations

import gzip
import json
import zipfile
from base64 import b64encode, urlsafe_b64encode
from io import BytesIO
from urllib.parse import quote, quote_plus

NOISE = bytes(range(256))


def archive() -> bytes:
    written = BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        file.writestr("a.txt", "a" * 99)
    return written.getvalue()


FILES = {
    "PNG": b"\x89PNG\r\n\x1a\n" + NOISE,
    "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF" + NOISE,
    "GIF": b"GIF89a\1\0\1\0" + NOISE,
    "WebP": b"RIFF\x24\0\0\0WEBPVP8 " + NOISE,
    "WAV": b"RIFF\x24\0\0\0WAVEfmt " + NOISE,
    "PDF": b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj",
    "ZIP": archive(),
    "gzip": gzip.compress(NOISE),
}
_OTHERS = {
    "MP4": "0000001866747970 6d703432",
    "HEIC": "0000001c66747970 68656963",
    "AVIF": "0000002066747970 61766966",
    "QuickTime": "0000001466747970 71742020",
    "MP3": "494433 0400000000",
    "MP3 without a tag": "fffb9064 00000000",
    "Ogg": "4f67675300020000",
    "FLAC": "664c614300000022",
    "MIDI": "4d54686400000006",
    "WebM": "1a45dfa39f4286",
    "Flash video": "464c560105",
    "Windows Media": "3026b2758e66cf11",
    "TIFF": "49492a0008000000",
    "TIFF of Motorola": "4d4d002a00000008",
    "BMP": "424d 36040000 00000000 36000000 28000000",
    "icon": "000001000100",
    "JPEG 2000": "0000000c6a5020200d0a870a",
    "JPEG XL": "0000000c4a584c200d0a870a",
    "Photoshop": "3842505300010000",
    "old Office": "d0cf11e0a1b11ae1",
    "DjVu": "41542654464f524d 00",
    "7z": "377abcaf271c0004",
    "xz": "fd377a585a000004",
    "Zstandard": "28b52ffd04",
    "bzip2": "425a6839314159265359",
    "RAR": "526172211a0700",
    "LZ4": "04224d1864",
    "cabinet": "4d53434600000000",
    "ELF": "7f454c46020101",
    "program of Windows": "4d5a900003000000",
    "program of macOS": "cffaedfe0c000001",
    "class of Java": "cafebabe00000041",
    "WebAssembly": "0061736d01000000",
    "SQLite": "53514c69746520666f726d6174203300",
    "HDF5": "894844460d0a1a0a",
}
"""How they begin, in hexadecimal."""
FILES |= {name: bytes.fromhex(begun) + NOISE for name, begun in _OTHERS.items()}
DATA_URLS = tuple(
    [
        form.format(data)
        for form in (
            *("data:image/png;base64,{}", "data:image/png;BASE64,{}", "data:image/png; base64,{}", "data:a;Base64 ,{}"),
            *("data:application/octet-stream;base64,{}", "x?u=data:application/pdf;base64%2C{}"),
        )
        for data in ("iVBORw0K" * 8, "AAECAwQF" * 8)
    ]
)
NO_FILES = (
    *("plain", "write ;base64, and then the data", "a PNG begins with iVBORw0KGgo in base64", "/9j/ is a JPEG"),
    b64encode(b"GIF89a is a format of pictures that many still use").decode(),
    b64encode(b"an ordinary text which anybody can read and does").decode(),
    *("iVBORw0KGgo is how a PNG begins in base64, and then come its size and its colours", "/9j/ " + "and on " * 20),
    *("H4sI\nthis is\nhow gzip\nbegins in base64 and goes on in lines of words", "a ;base64, " + "word and words " * 9),
    *("BM " * 30, "MZ header of a program, ELF, ID3 tags, OggS pages, fLaC frames and RIFF chunks " * 2),
    "src/9j/parts/of/a/long/path/without/any/point/in/it",
)
PNG = "iVBORw0KGgo" + "AAECAwQF" * 8
HIDDEN = (
    *[
        form.format("AAECAwQF" * 8)
        for form in (
            *("data:image/bmp%3Bbase64,{}", "data:image/bmp&#59;base64,{}", "data:image/bmp&amp;#x3b;base64,{}"),
            *("data:image/bmp;%62ase64,{}", "data:image/bmp;base64&comma;{}", "data:image/bmp;base64%252C{}"),
        )
    ],
    *(PNG.replace("i", "%69", 1), PNG.replace("i", "&#105;", 1), PNG.replace("i", "%2569", 1), "%20/9j/" + PNG),
    *("/9j/".replace("/", "&sol;") + PNG, PNG.replace("i", "%5Cu0069"), PNG.replace("R", "\\u0052")),
)
"""By percent signs, entities and escapes inside each other."""


def texts_with(file: bytes) -> tuple[str, ...]:
    coded = b64encode(file).decode()
    lines = "\n".join(coded[at : at + 76] for at in range(0, len(coded), 76))
    short = [coded[at : at + 4] for at in range(0, len(coded), 4)]
    twenty = [coded[at : at + 20] for at in range(0, len(coded), 20)]
    return (
        *("\n".join(short), " ".join(short), "\n".join(twenty), " ".join(twenty), "\n  > ".join(twenty)),
        *(coded, lines, f"see\n{coded}", f"here is the file: {coded}", json.dumps({"type": "image", "data": coded})),
        urlsafe_b64encode(file).decode(),
        f"C:\\users\\a {coded}",
        "/show?src=" + quote_plus(f"data:image/png;base64,{coded}"),
        "/show?src=" + quote(f"data:x,{coded}", safe=""),
    )


def disguised(file: bytes) -> tuple[str, ...]:
    """In characters that detectors take for others, or for none."""
    coded = b64encode(file).decode()
    return (
        *(between.join(coded) for between in ("\u200b", "\u00ad", "\u2060\ufeff", "\u034f")),
        *("\u00a0".join(coded[at : at + width] for at in range(0, len(coded), width)) for width in (4, 20, 76)),
        "".join(chr(ord(sign) + 0xFEE0) for sign in coded),
        "data:image/png;base64,".replace("b", "\u200bb") + coded,
    )


WITH_FILES = (*DATA_URLS, *HIDDEN, *[text for file in FILES.values() for text in texts_with(file)])
