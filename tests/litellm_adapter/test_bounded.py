from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from router.litellm_adapter.bounded import LARGEST, LONGEST_LINE, Bound, bounded_stream

MEGABYTE = b"x" * (1 << 20)


def taken(bound: Bound, parts: list[bytes]) -> int:
    """How many parts it lets pass."""
    return next((number for number, part in enumerate(parts) if bound.exceeded(part)), len(parts))


def test_an_answer_ends_at_its_largest() -> None:
    assert taken(Bound(lines=False), [MEGABYTE] * 40) == LARGEST >> 20


def test_a_line_of_a_stream_ends_at_its_longest_and_lines_begin_anew() -> None:
    assert taken(Bound(lines=True), [MEGABYTE] * 40) == LONGEST_LINE >> 20
    assert taken(Bound(lines=True), [MEGABYTE, b"\ndata: ", MEGABYTE, MEGABYTE, MEGABYTE, b"\n"] * 4) == 24


class Stream:
    def __init__(self, *parts: bytes) -> None:
        self.parts, self.closed = parts, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            yield part

    async def aclose(self) -> None:
        self.closed = True


LIKE_HTTPX: Any = SimpleNamespace(TransportError=type("TransportError", (Exception,), {}), AsyncByteStream=object)


async def test_a_stream_is_handed_on_until_a_bound_is_exceeded_and_closes_what_it_reads() -> None:
    inner = Stream(b"data: 1\n\n", *[MEGABYTE] * 5)
    lost: list[Exception] = []
    stream = bounded_stream(LIKE_HTTPX)(inner, lost.append, lines=True)
    seen = []
    with pytest.raises(LIKE_HTTPX.TransportError, match="a line of the answer has more than"):
        async for part in stream:
            seen.append(len(part))
    assert len(seen) == 5
    assert [type(error).__name__ for error in lost] == ["AnswerTooLargeError"]
    await stream.aclose()
    assert inner.closed
    lost.clear()
    whole = [part async for part in bounded_stream(LIKE_HTTPX)(Stream(b"{", b"}"), lost.append, lines=False)]
    assert whole == [b"{", b"}"]
    assert not lost
