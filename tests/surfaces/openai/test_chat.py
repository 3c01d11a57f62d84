from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace
from support.embedded_files import NO_FILES, WITH_FILES
from support.samples.registry import SAMPLES

from router.core.reading import BadBody, Reading
from router.surfaces.openai.chat import read_plain
from router.surfaces.openai.read_request import read
from router.surfaces.registry import SURFACES
from tests.core.conftest import Make

PLAIN: dict[str, Any] = {"model": "chat", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"stream": True, "temperature": 0.5},
        {"max_tokens": 5, "max_completion_tokens": 7, "n": 3},
        {"service_tier": "Flex"},
        {"service_tier": None},
    ],
)
def test_the_quick_way_says_the_same_as_the_other(more: dict[str, Any]) -> None:
    body = json.dumps(PLAIN | more).encode()
    assert read_plain(body) == read(body)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(PLAIN | {"tools": []}).encode(),
        json.dumps(PLAIN | {"metadata": {"sensitivity": "restricted"}}).encode(),
        json.dumps(PLAIN | {"model": "größer"}, ensure_ascii=False).encode(),
        b'{"model":"a","model":"b","messages":[]}',
        b'{"model":"a","messages":[],"service_tier":"flex","service_tier":"auto"}',
        b'{"model":"a","messages":[],"\\u006eo":1}',
        b'{"model":"","messages":[]}',
        b'{"model":"\xff","messages":[]}',
        b"[]",
    ],
)
def test_all_else_goes_the_other_way(body: bytes) -> None:
    assert read_plain(body) is None


def slowly(body: bytes) -> Reading | None:
    try:
        return read(body)
    except BadBody:
        return None


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("text", [*WITH_FILES, *NO_FILES])
def test_the_quick_way_takes_no_file_for_text(text: str, ascii_only: bool) -> None:
    body = json.dumps(PLAIN | {"messages": [{"role": "user", "content": text}]}, ensure_ascii=ascii_only).encode()
    assert read_plain(body) in (None, read(body))
    assert bool(SURFACES["chat"].read(body).unreadable) == (text in WITH_FILES)


@pytest.mark.parametrize("name", SAMPLES)
def test_of_every_sample_the_quick_way_says_the_same_or_nothing(name: str) -> None:
    sample = SAMPLES[name]
    places = (*sample.places, *sample.unreadable, *sample.outside)
    for body in [
        *map(sample.body, places),
        *(sample.body(place, text) for place in sample.places for text in WITH_FILES),
    ]:
        assert read_plain(body) in (None, slowly(body))


def test_an_answer_is_kept_only_for_who_asks_for_that(make: Make) -> None:
    chat = SURFACES["chat"]
    for store, stores in (("true", True), ("false", False), ("null", False), ("1", False)):
        reading = chat.read(b'{"model":"m","messages":[{"role":"user","content":"Hi"}],"store":%b}' % store.encode())
        assert reading.stores is stores
        scanner = type(chat.scanner(reading, make.route("openai", kind="openai"))).__name__
        assert scanner == ("StoredChunkScanner" if stores else "ChunkScanner")
    assert type(chat.scanner(replace(reading, stores=True), make.route("gpu"))).__name__ == "RunningUsageScanner"
    assert chat.stored_id(b'{"id":"chatcmpl-1","choices":[]}') == "chatcmpl-1"


@pytest.mark.parametrize(
    ("modalities", "stores"), [('["text","audio"]', True), ('["text"]', False), ("null", False), ('"audio"', False)]
)
def test_what_an_answer_says_in_sound_is_kept_under_an_id(modalities: str, stores: bool) -> None:
    chat = SURFACES["chat"]
    ask = b'{"model":"m","messages":[{"role":"user","content":"Hi"}],"modalities":%b}' % modalities.encode()
    assert chat.read(ask).stores is stores
    said = b'{"id":"chatcmpl-1","choices":[{"message":{"role":"assistant","audio":{"id":"audio_1","data":"//8="}}}]}'
    assert chat.stored_parts(said) == ("audio_1",)
