"""From what is asked to what is answered."""

from __future__ import annotations

from msgspec import Struct

from router.simulate.asked import Asked, Json
from router.simulate.generate import Choice, call_tool, simulated_text, write_text


class Answer(Struct, frozen=True):
    id: str
    created: int
    model: str
    prompt_tokens: int
    choices: tuple[Choice, ...]
    cached_tokens: int = 0

    @property
    def completion_tokens(self) -> int:
        return sum(choice.tokens for choice in self.choices)

    @property
    def steps(self) -> int:
        """Time that the answer takes, in tokens: choices are produced side by side."""
        return max(choice.tokens for choice in self.choices)


class Event(Struct, frozen=True):
    """One SSE event and the token that it has to wait for."""

    step: int
    data: Json


def choices_for(asked: Asked, who: str, room: int) -> tuple[Choice, ...]:
    """`room` is what the context leaves for each answer, in tokens."""
    limit = min(asked.max_tokens or room, room)
    return tuple(
        _choice(asked, who, place * asked.n + variant, place, variant, limit)
        for place in range(len(asked.prompts))
        for variant in range(asked.n)
    )


def _choice(asked: Asked, who: str, index: int, place: int, variant: int, limit: int) -> Choice:
    if asked.tool is not None:
        return call_tool(index, asked.tool.name, asked.tool.schema, limit, named=asked.tool.named)
    text = simulated_text(who, asked.prompts[place].text, variant)
    return write_text(index, text, limit, asked.stop, endless=asked.ignore_eos)
