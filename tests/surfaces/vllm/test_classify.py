from __future__ import annotations

from router.core.values import Usage
from router.surfaces.vllm.classify import Classify

CLASSIFY = Classify()


def test_prompts_and_conversations_are_read() -> None:
    assert CLASSIFY.read(b'{"model":"m","input":["one","three"]}').input_tokens == 3
    assert CLASSIFY.read(b'{"model":"m","messages":[{"role":"user","content":"one"}]}').input_tokens > 3


def test_an_answer_has_probabilities() -> None:
    answer = (
        b'{"data":[{"label":"spam","probs":[0.9,0.1],"num_classes":2}],"usage":{"prompt_tokens":3,"total_tokens":3}}'
    )
    assert CLASSIFY.read_answer(answer) == (True, Usage(3))
    assert not CLASSIFY.read_answer(b'{"data":[]}')[0]
