from __future__ import annotations

from router.surfaces.openai.completions import Completions

COMPLETIONS = Completions()


def test_each_prompt_is_answered_as_often_as_was_asked() -> None:
    assert COMPLETIONS.read(b'{"model":"m","prompt":["a","b"],"n":2,"max_tokens":10}').max_output_tokens == 40


def test_an_answer_has_a_text() -> None:
    assert COMPLETIONS.read_answer(b'{"choices":[{"text":""}]}')[0]
    assert not COMPLETIONS.read_answer(b'{"choices":[{"message":{}}]}')[0]
