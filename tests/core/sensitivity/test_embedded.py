"""A file in a text is told by how it begins."""

from __future__ import annotations

import json
from itertools import islice

import pytest
from support.embedded_files import DATA_URLS, FILES, NO_FILES, texts_with

from router.core.sensitivity.embedded import has_embedded_file
from tests.support import harmless


def body(text: str) -> bytes:
    return json.dumps({"messages": [{"role": "tool", "content": text}]}).encode()


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_a_file_is_seen_wherever_it_stands(file: bytes) -> None:
    for text in texts_with(file):
        assert has_embedded_file(body(text))
        assert has_embedded_file(body(text).replace(b"/", b"\\/"))


@pytest.mark.parametrize("text", DATA_URLS)
def test_a_data_url_is_one_in_any_spelling(text: str) -> None:
    assert has_embedded_file(body(text))


@pytest.mark.parametrize("text", NO_FILES)
def test_what_is_no_file_is_text(text: str) -> None:
    assert not has_embedded_file(body(text))


def test_of_harmless_texts_those_with_a_data_url_have_a_file() -> None:
    for _, text in islice(harmless.drawn(), 5000):
        assert has_embedded_file(body(text)) == (";base64," in text)
