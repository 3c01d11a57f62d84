"""A file in a text is told by how it begins."""

from __future__ import annotations

import gzip
import json
import zipfile
from base64 import b64encode, urlsafe_b64encode
from io import BytesIO
from itertools import islice
from urllib.parse import quote, quote_plus

import pytest

from router.core.sensitivity.embedded import has_embedded_file
from tests.support import harmless

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


def body(text: str) -> bytes:
    return json.dumps({"messages": [{"role": "tool", "content": text}]}).encode()


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_a_file_is_seen_wherever_it_stands(file: bytes) -> None:
    coded = b64encode(file).decode()
    lines = "\n".join(coded[at : at + 76] for at in range(0, len(coded), 76))
    for text in (coded, lines, f"see\n{coded}", json.dumps({"type": "image", "data": coded})):
        assert has_embedded_file(body(text))
        assert has_embedded_file(body(text).replace(b"/", b"\\/"))
    assert has_embedded_file(body(urlsafe_b64encode(file).decode()))
    assert has_embedded_file(body("/show?src=" + quote_plus(f"data:image/png;base64,{coded}")))
    assert has_embedded_file(body("/show?src=" + quote(f"data:x,{coded}", safe="")))


@pytest.mark.parametrize(
    "text",
    [
        *("data:image/png;base64,{}", "data:image/png;BASE64,{}", "data:image/png; base64,{}", "data:a;Base64 , {}"),
        "data:application/octet-stream;base64,{}",
    ],
)
def test_a_data_url_is_one_in_any_spelling(text: str) -> None:
    assert has_embedded_file(body(text.replace(", {}", ",{}").format("iVBORw0K" * 8)))
    assert has_embedded_file(body(text.replace(", {}", ",{}").format("AAECAwQF" * 8)))


@pytest.mark.parametrize(
    "text",
    [
        *("plain", "write ;base64, and then the data", "a PNG begins with iVBORw0KGgo in base64", "/9j/ is a JPEG"),
        b64encode(b"GIF89a is a format of pictures that many still use").decode(),
        b64encode(b"an ordinary text which anybody can read and does").decode(),
        "src/9j/parts/of/a/long/path/without/any/point/in/it",
    ],
)
def test_what_is_no_file_is_text(text: str) -> None:
    assert not has_embedded_file(body(text))


def test_of_harmless_texts_those_with_a_data_url_have_a_file() -> None:
    for _, text in islice(harmless.drawn(), 5000):
        assert has_embedded_file(body(text)) == (";base64," in text)
