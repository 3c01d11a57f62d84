"""POST /tokenize: the token ids of a prompt or a conversation."""

from __future__ import annotations

import msgspec

from router.surfaces.openai.answers import Results, begins
from router.surfaces.vllm.tokenizer import Tokenizer


class Tokenize(Tokenizer):
    def __init__(self) -> None:
        super().__init__("tokenize", "/tokenize")

    def example(self, model: str, prompt: str) -> bytes:
        return msgspec.json.encode({"model": model, "prompt": prompt})

    def has_result(self, answer: Results) -> bool:
        return begins(answer.tokens, b"[")
