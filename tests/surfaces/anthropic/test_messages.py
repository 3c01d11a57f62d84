from __future__ import annotations

from router.core.values import Usage
from router.surfaces.anthropic.messages import EXAMPLE_TOKENS
from router.surfaces.registry import SURFACES

ANSWER = b'{"type":"message","content":[{"type":"text","text":"Hi"}],"usage":{"input_tokens":3,"output_tokens":1}}'


def test_an_answer_tells_its_usage_and_its_text() -> None:
    surface = SURFACES["messages"]
    assert surface.read_answer(ANSWER) == (True, Usage(3, output=1))
    assert (surface.usage_of(ANSWER), surface.text_bytes_of(ANSWER)) == (Usage(3, output=1), len("textHi"))


def test_an_example_has_a_limit() -> None:
    surface = SURFACES["messages"]
    assert surface.read(surface.example("chat", "Hi")).max_output_tokens == EXAMPLE_TOKENS
