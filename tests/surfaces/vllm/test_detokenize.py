from __future__ import annotations

from router.surfaces.vllm.detokenize import Detokenize

DETOKENIZE = Detokenize()


def test_token_ids_are_unreadable() -> None:
    reading = DETOKENIZE.read(b'{"model":"m","tokens":[1,2,3]}')
    assert (reading.input_tokens, reading.unreadable) == (3, ("token ids",))


def test_an_answer_has_a_prompt() -> None:
    assert DETOKENIZE.read_answer(b'{"prompt":"one"}')[0]
    assert not DETOKENIZE.read_answer(b'{"tokens":[1]}')[0]
