"""POST /detokenize: the text of token ids, which are unreadable."""

from __future__ import annotations

import msgspec

from router.surfaces.openai.answers import Results, begins
from router.surfaces.openai.shape import Shape
from router.surfaces.vllm.tokenizer import Tokenizer

_SHAPE = Shape(prompts=("tokens",))


class Detokenize(Tokenizer):
    def __init__(self) -> None:
        super().__init__("detokenize", "/detokenize", _SHAPE)

    def example(self, model: str, prompt: str) -> bytes:
        """A prompt has ids that only a tokenizer knows: in their place its bytes, which are as many or more."""
        return msgspec.json.encode({"model": model, "tokens": list(prompt.encode())})

    def has_result(self, answer: Results) -> bool:
        return begins(answer.prompt, b'"')
