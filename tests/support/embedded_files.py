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
    return (
        *(coded, lines, f"see\n{coded}", f"here is the file: {coded}", json.dumps({"type": "image", "data": coded})),
        urlsafe_b64encode(file).decode(),
        f"C:\\users\\a {coded}",
        "/show?src=" + quote_plus(f"data:image/png;base64,{coded}"),
        "/show?src=" + quote(f"data:x,{coded}", safe=""),
    )


WITH_FILES = (*DATA_URLS, *HIDDEN, *[text for file in FILES.values() for text in texts_with(file)])
