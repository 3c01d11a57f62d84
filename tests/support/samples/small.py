"""What vLLM serves besides: rerank, score, pooling, classify, tokenize, detokenize."""

from __future__ import annotations

import json

from support.samples.openai import CONVERSATIONS, OUTSIDE, PIXELS, TEXTS, read_only
from support.samples.sample import ADDRESS, SAID, TEXT, Fields, Sample

_IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXELS}"}}

_ELSEWHERE = {"type": "image_url", "image_url": {"url": ADDRESS}}


def _rerank(input: int, output: int) -> bytes:
    result = {"index": 0, "document": {"text": SAID}, "relevance_score": 0.5}
    return json.dumps({"id": "r", "results": [result], "usage": read_only(input)}).encode()


RERANK = Sample(
    surface="rerank",
    places={
        "query": {"query": TEXT, "documents": ["a", "b"]},
        "documents": {"query": "a", "documents": ["a", TEXT]},
        "documents that are objects": {"query": "a", "documents": [{"text": TEXT}]},
        "documents in parts": {"query": "a", "documents": {"content": [{"type": "text", "text": TEXT}]}},
        "instruction": {"query": "a", "documents": ["a"], "instruction": TEXT},
        "unknown member": {"query": "a", "documents": ["a"], "x_note": TEXT},
        "member name": {"query": "a", "documents": ["a"], TEXT: 1},
    },
    unreadable={
        "image among the documents": {"query": "a", "documents": {"content": [_IMAGE]}},
        "image for a query": {"query": {"content": [_IMAGE]}, "documents": ["a"]},
        "token ids": {"query": [1, 2], "documents": ["a"]},
    },
    outside={"document outside": {"query": "a", "documents": {"content": [_ELSEWHERE]}}},
    answer=_rerank,
)


def _score(input: int, output: int) -> bytes:
    return json.dumps({"id": SAID, "data": [{"index": 0, "score": 0.5}], "usage": read_only(input)}).encode()


SCORE = Sample(
    surface="score",
    places={
        "queries": {"queries": TEXT, "documents": ["a", "b"]},
        "documents": {"queries": "a", "documents": ["b", TEXT]},
        "items": {"queries": ["a"], "items": [TEXT]},
        "text_1": {"text_1": TEXT, "text_2": ["a", "b"]},
        "text_2": {"text_1": ["a"], "text_2": TEXT},
        "data_1": {"data_1": TEXT, "data_2": "a"},
        "data_2": {"data_1": "a", "data_2": {"content": [{"type": "text", "text": TEXT}]}},
        "instruction": {"queries": "a", "documents": "b", "instruction": TEXT},
        "unknown member": {"queries": "a", "documents": "b", "x_note": TEXT},
    },
    unreadable={
        "image": {"data_1": "a", "data_2": {"content": [_IMAGE]}},
        "token ids": {"queries": "a", "documents": [[1, 2], [3]]},
    },
    outside={"document outside": {"data_1": "a", "data_2": {"content": [_ELSEWHERE]}}},
    answer=_score,
)


def _pooling(input: int, output: int) -> bytes:
    return json.dumps({"id": SAID, "data": [{"index": 0, "data": [0.1]}], "usage": read_only(input)}).encode()


POOLING = Sample(
    surface="pooling",
    places={**TEXTS, "conversation": CONVERSATIONS["message"], "earlier turn": CONVERSATIONS["earlier turn"]},
    unreadable={
        "token ids": {"input": [1, 2, 3]},
        "data of a plugin": {"data": {"data": "x", "data_format": "url"}},
        "conversation with an image": {"messages": [{"role": "user", "content": [_IMAGE]}]},
    },
    outside=OUTSIDE,
    answer=_pooling,
)


def _classify(input: int, output: int) -> bytes:
    data = [{"index": 0, "label": SAID, "probs": [1.0]}]
    return json.dumps({"id": "c", "data": data, "usage": read_only(input)}).encode()


CLASSIFY = Sample(
    surface="classify",
    places={**TEXTS, "conversation": CONVERSATIONS["message"]},
    unreadable={"token ids": {"input": [1, 2, 3]}},
    outside=OUTSIDE,
    answer=_classify,
)

_PROMPT: dict[str, Fields] = {
    "prompt": {"prompt": TEXT},
    "unknown member": {"prompt": "Hi", "x_note": TEXT},
    "member name": {"prompt": "Hi", TEXT: 1},
}
TOKENIZE = Sample(
    surface="tokenize",
    places={**_PROMPT, **CONVERSATIONS},
    unreadable={"conversation with an image": {"messages": [{"role": "user", "content": [_IMAGE]}]}},
    outside=OUTSIDE,
    answer=lambda input, output: b'{"count":1,"max_model_len":9,"tokens":[1],"token_strs":["%b"]}' % SAID.encode(),
)
DETOKENIZE = Sample(
    surface="detokenize",
    places={"unknown member": {"tokens": [1, 2], "x_note": TEXT}, "member name": {"tokens": [1], TEXT: 1}},
    unreadable={"token ids": {"tokens": [1, 2, 3]}},
    sealed=True,
    answer=lambda input, output: b'{"prompt":"%b"}' % SAID.encode(),
)
