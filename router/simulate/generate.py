"""The answer: text, tool calls, token counts, and the order in which tokens appear.

A token here is at most eight letters or digits, or one other character, with the white space before it.
That gives English about the counts of a real tokenizer, needs no vocabulary, and tokens join to the text
exactly. The answer depends on nothing but the request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import cycle, islice
from typing import Any

from msgspec import Struct

_TOKEN = re.compile(r"\s*(?:\w{1,8}|[^\w\s])|\s+\Z")
_QUOTED = 60


class Choice(Struct, frozen=True):
    """One of the answers to one request."""

    index: int
    pieces: tuple[str, ...]
    """Tokens, as they appear; of a tool call, those of its arguments."""
    finish: str
    stop_reason: str | None = None
    tool: str | None = None
    """Name of the function that is called."""
    tokens: int = 0
    """Tokens that were worked for: a stop sequence counts though it is not shown."""

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class Tick(Struct, frozen=True):
    """One token of one choice at its turn."""

    step: int
    choice: Choice
    piece: str
    last: bool


def tokenize(text: str) -> tuple[str, ...]:
    return tuple(_TOKEN.findall(text))


def count_tokens(text: str) -> int:
    return sum(1 for _ in _TOKEN.finditer(text))


def simulated_text(who: str, prompt: str, place: int) -> str:
    """`place` tells the answers to one prompt apart."""
    quoted = prompt if len(prompt) <= _QUOTED else prompt[:_QUOTED].rstrip() + "…"
    variant = f" (answer {place + 1})" if place else ""
    return f'This is a simulated answer from {who}; no model was run{variant}. You asked: "{quoted}"'


def write_text(index: int, text: str, limit: int, stop: tuple[str, ...], *, endless: bool) -> Choice:
    """Cut a text at the first stop sequence and at `limit` tokens; an endless one is repeated up to the limit."""
    whole = tokenize(text)
    source = tuple(islice(cycle((*whole, "\n")), limit)) if endless else whole
    cut = _first_stop("".join(source), stop)
    if cut is not None:
        shown = tokenize("".join(source)[: cut[0]])
        spent = count_tokens("".join(source)[: cut[0]] + cut[1])
        if spent <= limit:
            return Choice(index, shown, "stop", stop_reason=cut[1], tokens=spent)
    if len(source) > limit or endless:
        return Choice(index, source[:limit], "length", tokens=min(limit, len(source)))
    return Choice(index, source, "stop", tokens=len(source))


def call_tool(index: int, name: str, schema: Mapping[str, Any], limit: int, *, named: bool) -> Choice:
    """A call with the least arguments that the schema allows. OpenAI ends a call that tool_choice named with "stop"."""
    pieces = tokenize(json.dumps(sample(schema), ensure_ascii=False))
    finish = "length" if len(pieces) > limit else "stop" if named else "tool_calls"
    return Choice(index, pieces[:limit], finish, tool=name, tokens=min(limit, len(pieces)))


def sample(schema: Mapping[str, Any]) -> Any:
    """A value that fits a JSON Schema's type; only types, enums, consts and properties are looked at."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object")
    if kind == "object":
        properties = schema.get("properties") or {}
        return {name: sample(properties.get(name, {"type": "string"})) for name in schema.get("required") or properties}
    simple = {"string": "simulated", "integer": 0, "number": 0.0, "boolean": False, "array": [], "null": None}
    return simple.get(kind if isinstance(kind, str) else kind[0])


def timeline(choices: tuple[Choice, ...]) -> Iterator[Tick]:
    """Tokens of all choices, step by step, as if they were produced side by side.

    A choice without tokens has one tick with an empty piece, so that every choice ends.
    """
    pieces = {choice.index: choice.pieces or ("",) for choice in choices}
    for step in range(max(map(len, pieces.values()))):
        for choice in choices:
            own = pieces[choice.index]
            if step < len(own):
                yield Tick(step, choice, own[step], last=step == len(own) - 1)


def _first_stop(text: str, stop: tuple[str, ...]) -> tuple[int, str] | None:
    found = [(text.find(sequence), sequence) for sequence in stop if sequence in text]
    return min(found, default=None)
