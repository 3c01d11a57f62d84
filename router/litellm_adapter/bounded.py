"""How much a provider may send as one answer, and as one line of a stream.

The providers' libraries join pieces as they come, and look at all of a line again with each: a long one holds the
process, and every other request in it, for minutes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

LARGEST = 32 << 20
"""Bytes of an answer, as they come over the wire."""
LONGEST_LINE = 4 << 20
"""Bytes of a line of what is read line by line."""


class Bound:
    """Counts one answer. `lines` is true for what is read line by line, as event streams are."""

    def __init__(self, *, lines: bool) -> None:
        self._lines = lines
        self._all = self._line = 0

    def exceeded(self, part: bytes) -> str:
        """Why no more is taken once this part has come; empty while it is."""
        self._all += len(part)
        if self._all > LARGEST:
            return f"the answer has more than {LARGEST} bytes"
        end = part.rfind(b"\n") + 1
        self._line = len(part) - end if end else self._line + len(part)
        if self._lines and self._line > LONGEST_LINE:
            return f"a line of the answer has more than {LONGEST_LINE} bytes"
        return ""


def bounded_stream(httpx: Any) -> type:
    """The class of streams that end with an error once a bound is exceeded; made of another one.

    `lost` is told of the error with which one ends.
    """

    class AnswerTooLargeError(httpx.TransportError):  # type: ignore[misc]
        pass

    class BoundedStream(httpx.AsyncByteStream):  # type: ignore[misc]
        def __init__(self, inner: Any, lost: Callable[[Exception], None], *, lines: bool) -> None:
            self._inner = inner
            self._lost = lost
            self._bound = Bound(lines=lines)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                async for part in self._inner:
                    if why := self._bound.exceeded(part):
                        raise AnswerTooLargeError(why)
                    yield part
            except httpx.TransportError as error:
                self._lost(error)
                raise

        async def aclose(self) -> None:
            await self._inner.aclose()

    return BoundedStream
