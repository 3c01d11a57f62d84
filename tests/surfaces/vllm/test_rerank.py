from __future__ import annotations

import json
from typing import Any

import pytest

from router.core.units import Units
from router.core.values import Usage
from router.surfaces.openai.content import PAIR_BOUND, PAIR_TOKENS
from router.surfaces.vllm.rerank import Rerank

RERANK = Rerank()
QUERY, DOCUMENT = "q" * 30, "d" * 60
PICTURE = {"type": "image_url", "image_url": {"url": "https://a.test/b.png"}}


def body(query: Any = QUERY, documents: Any = DOCUMENT, **more: Any) -> bytes:
    return json.dumps({"model": "m", "query": query, "documents": documents} | more).encode()


def test_a_query_is_read_again_with_each_document() -> None:
    one, three = RERANK.read(body()), RERANK.read(body(documents=[DOCUMENT] * 3))
    assert one.input_tokens == (30 + 60) // 3 + PAIR_TOKENS
    assert three.input_tokens == 3 * one.input_tokens
    assert three.input_bound - len(body(documents=[DOCUMENT] * 3)) >= 2 * 30 + 3 * PAIR_BOUND


@pytest.mark.parametrize(
    "document",
    [
        DOCUMENT,
        {"text": DOCUMENT},
        {"title": DOCUMENT, "year": 1999},
        {"content": [{"type": "text", "text": DOCUMENT}]},
    ],
)
def test_documents_are_texts_or_objects_of_texts(document: Any) -> None:
    reading = RERANK.read(body(documents=[document]))
    assert (reading.unreadable, reading.modalities) == ((), {"text"})
    assert reading.input_tokens >= (30 + 60) // 3


@pytest.mark.parametrize(
    ("document", "unreadable", "addresses"),
    [
        ({"content": [PICTURE]}, ("image",), ("https://a.test/b.png",)),
        ({"image": "https://a.test/b.png"}, ("image",), ("https://a.test/b.png",)),
        (PICTURE, ("image",), ("https://a.test/b.png",)),
        ([1, 2, 3], ("token ids",), ()),
    ],
)
def test_what_is_no_text_is_unreadable(document: Any, unreadable: Any, addresses: Any) -> None:
    reading = RERANK.read(body(documents=[document]))
    assert (reading.unreadable, reading.addresses) == (unreadable, addresses)


def test_a_query_with_a_picture_is_looked_at_with_each_document() -> None:
    once, twice = (RERANK.read(body({"content": [PICTURE]}, [DOCUMENT] * count)) for count in (1, 2))
    assert twice.input_tokens > 2 * 1500 > once.input_tokens
    assert twice.input_bound > 2 * 50_000 > once.input_bound


def test_without_documents_there_is_no_pair() -> None:
    assert RERANK.read(b'{"model":"m","query":"abc"}').input_tokens == 1


RESULTS = b'"results":[{"index":0,"relevance_score":0.9}]'
VLLM = b'{"id":"r","model":"m","usage":{"prompt_tokens":14,"total_tokens":14},%b}' % RESULTS
JINA = b'{"model":"m","usage":{"total_tokens":15},%b}' % RESULTS
COHERE = b'{"id":"r",%b,"meta":{"billed_units":{"search_units":1}}}' % RESULTS


BOTH = COHERE[:-1] + b',"usage":{"prompt_tokens":14,"total_tokens":14}}'
SEARCHED = Units(searches=1)


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        (VLLM, Usage(14)),
        (JINA, Usage(15)),
        (COHERE, Usage(units=SEARCHED)),
        (BOTH, Usage(14, units=SEARCHED)),
        (COHERE.replace(b":1}}}", b":2.5}}}"), Usage(units=Units(searches=3))),
    ],
)
def test_answers_of_vllm_jina_and_cohere(answer: bytes, usage: Usage | None) -> None:
    assert RERANK.read_answer(answer) == (True, usage)
    assert RERANK.usage_of(answer) == usage


def test_what_has_no_results_is_no_answer() -> None:
    assert not RERANK.read_answer(b'{"id":"r"}')[0]


@pytest.mark.parametrize(
    "meta",
    [
        *(b"null", b"{}", b'{"billed_units":null}', b'{"billed_units":{}}', b'{"billed_units":{"search_units":0}}'),
        *(b'{"billed_units":{"search_units":-1}}', b'{"billed_units":{"search_units":1e12}}', b'{"billed_units":7}'),
    ],
)
def test_searches_that_cannot_be_are_not_reported(meta: bytes) -> None:
    answer = b'{"id":"r",%b,"meta":%b}' % (RESULTS, meta)
    assert RERANK.read_answer(answer) == (True, None)


@pytest.mark.parametrize(
    ("documents", "likely"), [(["d"] * 100, 1), (["d"] * 101, 2), ("d", 1), ([], 1), (["d" * 150_000] * 2, 3)]
)
def test_a_search_is_a_query_with_up_to_a_hundred_documents_and_long_ones_are_several(
    documents: Any, likely: int
) -> None:
    reading = RERANK.read(body(documents=documents))
    assert reading.likely == Units(searches=likely)
    assert reading.units.searches >= likely
