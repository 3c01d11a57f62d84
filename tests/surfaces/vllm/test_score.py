from __future__ import annotations

import json

import pytest

from router.core.values import Usage
from router.surfaces.vllm.score import Score

SCORE = Score()


@pytest.mark.parametrize(
    ("queries", "documents"),
    [("queries", "documents"), ("queries", "items"), ("text_1", "text_2"), ("data_1", "data_2")],
)
def test_by_whatever_name_texts_come(queries: str, documents: str) -> None:
    one = SCORE.read(json.dumps({"model": "m", queries: "q" * 30, documents: "d" * 60}).encode())
    many = SCORE.read(json.dumps({"model": "m", queries: ["q" * 30], documents: ["d" * 60] * 2}).encode())
    assert (one.input_tokens, many.input_tokens) == (34, 68)


def test_two_lists_are_scored_text_by_text() -> None:
    pairs = SCORE.read(json.dumps({"model": "m", "queries": ["q" * 30] * 2, "documents": ["d" * 60] * 2}).encode())
    assert pairs.input_tokens == 68


def test_an_answer_has_a_score() -> None:
    answer = b'{"data":[{"index":0,"object":"score","score":-1.5e-3}],"usage":{"prompt_tokens":9,"total_tokens":9}}'
    assert SCORE.read_answer(answer) == (True, Usage(9))
    assert not SCORE.read_answer(b'{"data":[]}')[0]
