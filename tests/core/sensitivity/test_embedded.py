"""A file in a text is told by how it begins."""

from __future__ import annotations

import json
from base64 import b64encode
from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.embedded_files import DATA_URLS, FILES, HIDDEN, NO_FILES, WITH_FILES, disguised, texts_with

from router.core.sensitivity.embedded import has_embedded_file
from tests.support import harmless


def body(text: str) -> bytes:
    return json.dumps({"messages": [{"role": "tool", "content": text}]}).encode()


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_a_file_is_seen_wherever_it_stands(file: bytes) -> None:
    for text in texts_with(file):
        assert has_embedded_file(body(text))
        assert has_embedded_file(body(text).replace(b"/", b"\\/"))


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_no_character_that_detectors_see_through_hides_it(file: bytes) -> None:
    for text in disguised(file):
        assert has_embedded_file(body(text))
        assert has_embedded_file(json.dumps([text], ensure_ascii=False).encode())


@pytest.mark.parametrize("before", [1, 2, 100, 101])
@pytest.mark.parametrize("name", ["PNG", "PDF", "WebP", "MP4", "old Office", "7z", "xz", "ELF", "Ogg"])
def test_it_is_seen_inside_of_another_one(name: str, before: int) -> None:
    assert has_embedded_file(body(b64encode(bytes(before) + FILES[name]).decode()))


@pytest.mark.parametrize("text", DATA_URLS)
def test_a_data_url_is_one_in_any_spelling(text: str) -> None:
    assert has_embedded_file(body(text))


@pytest.mark.parametrize("text", NO_FILES)
def test_what_is_no_file_is_text(text: str) -> None:
    assert not has_embedded_file(body(text))


def test_of_harmless_texts_those_with_a_data_url_have_a_file() -> None:
    for _, text in islice(harmless.drawn(), 5000):
        assert has_embedded_file(body(text)) == (";base64," in text)


@pytest.mark.parametrize("text", HIDDEN)
def test_percent_signs_entities_and_escapes_hide_no_file(text: str) -> None:
    assert has_embedded_file(body(text))


def test_what_is_hidden_too_deep_counts_as_a_file() -> None:
    assert has_embedded_file(body("%" + "25" * 20 + "69VBORw0KGgo"))


@pytest.mark.parametrize(
    "text", ["20%25 of it", "a &# b", "&#9999999;", "R&amp;D", "C:\\users\\u4111", "%41", "&amp;#38;"]
)
def test_what_hides_something_is_no_file_by_itself(text: str) -> None:
    assert not has_embedded_file(body(text))
    assert not has_embedded_file(json.dumps([text]).replace("a", "\\u0061").encode())


FRAGMENTS = st.sampled_from(
    (
        *(
            "iVBORw0KGgo",
            "/9j/",
            "H4sI",
            "JVBERi0",
            "R0lGODlh",
            "UklGRaaaaaaBVkkg",
            ";base64,",
            ";",
            "base64",
            ",",
            "A" * 16,
        ),
        *(
            "A" * 32,
            "QUJD" * 8,
            "/" * 8,
            "\\",
            "\n",
            "\t",
            "\b",
            '"',
            " ",
            "é",
            "\U0001f600",
            "\u200b",
            "a",
            "%2C",
            "%3B",
        ),
        *("%69", "u0041", "n", "&#105;", "%25", "_9j_", "\\users", "+", "-"),
    )
)
TEXTS = st.sampled_from((*WITH_FILES, *NO_FILES)) | st.lists(FRAGMENTS, max_size=9).map("".join)
SHORT = {"/": "\\/", "\n": "\\n", "\t": "\\t", "\b": "\\b", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def spelled(text: str, chance: Random, share: float) -> str:
    """As a string of JSON, with some of its characters escaped that need not be."""
    pieces = []
    for char in text:
        if chance.random() < share:
            codes = [char.encode("utf-16-be")[at : at + 2].hex() for at in range(0, len(char.encode("utf-16-be")), 2)]
            pieces += [f"\\u{code.upper() if chance.random() < 0.5 else code}" for code in codes]
        elif char == "/" and chance.random() < 0.5:
            pieces.append(char)
        else:
            pieces.append(SHORT.get(char, char))
    return f'"{"".join(pieces)}"'


@settings(max_examples=300)
@given(text=TEXTS, inner=st.booleans(), seed=st.integers(0, 2**32), share=st.sampled_from((0, 0.02, 0.3, 1)))
def test_however_characters_are_escaped_the_answer_is_the_same(text: str, inner: bool, seed: int, share: float) -> None:
    chance = Random(seed)
    said = f"[{spelled(text, chance, share)}]" if inner else text
    plain = json.dumps([said], ensure_ascii=False).encode()
    assert has_embedded_file(f"[{spelled(said, chance, share)}]".encode()) == has_embedded_file(plain)


@given(file=st.sampled_from(WITH_FILES), levels=st.integers(1, 4), seed=st.integers(0, 2**32))
def test_a_file_in_json_in_strings_is_seen_however_it_is_escaped(file: str, levels: int, seed: int) -> None:
    chance = Random(seed)
    for _ in range(levels):
        file = f"[{spelled(file, chance, 0.1)}]"
    assert has_embedded_file(file.encode())
