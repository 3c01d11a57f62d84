from __future__ import annotations

from router.surfaces.vllm.tokenize import Tokenize

TOKENIZE = Tokenize()


def test_prompts_and_conversations_are_read() -> None:
    assert TOKENIZE.read(b'{"model":"m","prompt":"one"}').input_tokens == 1
    assert TOKENIZE.read(b'{"model":"m","messages":[{"role":"user","content":"one"}]}').input_tokens > 1


def test_an_answer_has_tokens() -> None:
    assert TOKENIZE.read_answer(b'{"count":2,"max_model_len":2048,"tokens":[1,2]}')[0]
    assert not TOKENIZE.read_answer(b'{"count":2}')[0]
