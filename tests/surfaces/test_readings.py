"""What a body says may be as long as its client likes; what is read of it may not: all that follows goes over it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.compiled import interpreted_only

from router.core.policy import Media
from router.core.reading import MOST_CHARACTERS, MOST_LABELS, MOST_OBJECTS, BadBody, Reading
from router.core.sensitivity.media import fetch_of
from router.surfaces.registry import KEPT, READERS

MANY = 2_000
WORDS = [f"{number:x}" for number in range(MANY)]
TYPES = ["".join(chr(97 + int(digit)) for digit in str(number)) for number in range(MANY)]


def parts(parts: list[Any]) -> dict[str, Any]:
    """The same as content of each dialect, and as values of a kept object."""
    message = {"role": "user", "content": parts}
    return {"model": "chat", "max_tokens": 1, "messages": [message], "input": [message], "kept": parts}


def asked(**fields: Any) -> dict[str, Any]:
    return {**parts([{"type": "text", "text": "hi"}]), **fields}


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}, "source": {"type": "url", "url": url}}


MADE: dict[str, Callable[[], dict[str, Any]]] = {
    "tags": lambda: asked(metadata={"tags": WORDS}),
    "the same tag": lambda: asked(metadata={"tags": ["a"] * MANY}),
    "levels": lambda: asked(metadata={"sensitivity" + " " * number: word for number, word in enumerate(WORDS[:500])}),
    "a long tag": lambda: asked(metadata={"tags": ["x" * 2 * MOST_CHARACTERS]}),
    "a long model": lambda: asked(model="x" * 2 * MOST_CHARACTERS),
    "hosts": lambda: parts([image(f"https://{word}.example/a") for word in WORDS]),
    "addresses of one host": lambda: parts([image(f"https://cats.example/{word}") for word in WORDS]),
    "no addresses": lambda: parts([image(f"http:/{word}") for word in WORDS]),
    "a long address": lambda: parts([image("https://cats.example/" + "x" * 2 * MOST_CHARACTERS)]),
    "types": lambda: parts([{"type": word} for word in TYPES]),
    "types of items": lambda: asked(input=[{"type": word} for word in TYPES]),
    "ids": lambda: parts([{"type": "file", "file_id": f"file-{word}"} for word in WORDS]),
    "ids of sources": lambda: parts([{"type": "image", "source": {"type": "file", "file_id": word}} for word in WORDS]),
    "ids of sounds": lambda: asked(messages=[{"role": "assistant", "audio": {"id": word}} for word in WORDS]),
    "tools": lambda: asked(
        tools=[{"type": word, "file_id": word, "server_url": f"https://{word}.org"} for word in TYPES]
    ),
    "servers": lambda: asked(mcp_servers=[{"type": "url", "url": f"https://{word}.example"} for word in WORDS]),
    "sealed": lambda: asked(input=[{"type": "reasoning", "encrypted_content": word} for word in WORDS]),
}


@pytest.fixture(scope="module", params=MADE)
def body(request: pytest.FixtureRequest) -> bytes:
    return json.dumps(MADE[request.param]()).encode()


def lengths(value: Any) -> Iterator[int]:
    """Of a value and of all that is in it."""
    if isinstance(value, (str, bytes, tuple, frozenset)):
        yield len(value)
    if isinstance(value, (tuple, frozenset)):
        for each in value:
            yield from lengths(each)
    elif hasattr(value, "__struct_fields__"):
        for name in value.__struct_fields__:
            yield from lengths(getattr(value, name))


@pytest.mark.parametrize("surface", ["chat", "responses", "messages", "embeddings", "image_edits", KEPT.surface.name])
def test_no_field_of_a_reading_is_as_long_as_a_body(surface: str, body: bytes) -> None:
    try:
        reading = READERS[surface].read(body)
    except BadBody as refused:
        assert refused.code is None or refused.code.startswith("too_many") or surface == "image_edits"
        return
    for name in Reading.__struct_fields__:
        value = getattr(reading, name)
        assert sum(lengths(value)) <= 2 * MOST_CHARACTERS, name
        assert not isinstance(value, (tuple, frozenset)) or len(value) <= MOST_OBJECTS, name
    assert sum(len(label.tags) + 1 for label in reading.labels) <= 2 * MOST_LABELS


@interpreted_only
def test_what_would_be_fetched_is_judged_in_a_bounded_number_of_steps() -> None:
    made = parts([image(f"https://{word}.example/{other}") for word in WORDS[:200] for other in "abcd"])
    reading = READERS["chat"].read(json.dumps(made).encode())
    steps = 0

    def count(frame: Any, event: str, arg: Any) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        fetch_of(reading.addresses, Media())
    finally:
        sys.setprofile(None)
    assert steps < 200 * 250
