"""Asks the process that looks for names of people, places and the like what it finds in one request.

It fails closed: whatever is no answer in time counts as if all that was asked for had been found.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from router.core.reading import Reading
from router.core.sensitivity.entities import (
    BUSY,
    MOST_ANSWER,
    NOT_RUNNING,
    TOO_SLOW,
    EntitySearch,
    Question,
    Unanswered,
    answer_of,
    found_labels,
    frame,
    unanswered_labels,
)
from router.core.values import Facts
from router.gateway.active_policy import ActivePolicy
from router.gateway.request import Request
from router.surfaces.headers import TO_BACKEND

MOST_WAITING = 256
"""Requests of one worker that wait for an answer at the same time."""
MOST_OF_ONE = 32
"""Of one key."""

log = logging.getLogger("breakeven.gateway")


class EntityClient:
    """`folder` is where the process has its socket."""

    def __init__(self, folder: str) -> None:
        self._folder: Final = folder
        self._waiting: Counter[str] = Counter()
        """By key; none is 0."""

    async def added(
        self,
        serving: ActivePolicy,
        facts: Facts,
        reading: Reading,
        body: bytes,
        request: Request,
        deadline: float,
    ) -> Facts:
        """The facts with labels for what is found; as they are where nothing that may be found could change anything.

        `body` is the one that `reading` was made from, `deadline` a time of the loop.
        """
        return await self.heard(serving, facts, (reading.texts or body, _headers(request)), request, deadline)

    async def heard(
        self, serving: ActivePolicy, facts: Facts, said: tuple[bytes, ...], request: Request, deadline: float
    ) -> Facts:
        """The same for all that is `said` in these JSON documents; empty ones say nothing."""
        search = serving.entities
        pieces = tuple([each for each in said if each])
        detectors = () if search is None or not pieces else search.wanted(facts.labels, facts.key.permits)
        if search is None or not detectors:
            return facts
        try:
            found = await self._ask(search, search.question(detectors, pieces, facts.key.name), pieces, deadline)
        except Unanswered as silence:
            why = str(silence)
            log.warning("not looked at, so it counts as if all were found", extra={"request": request.id, "why": why})
            return replace(facts, labels=facts.labels + unanswered_labels(detectors, why))
        return replace(facts, labels=facts.labels + found_labels(detectors, found))

    async def _ask(
        self, search: EntitySearch, question: Question, pieces: tuple[bytes, ...], deadline: float
    ) -> frozenset[str]:
        """Raises Unanswered."""
        key = question.key
        if self._waiting[key] >= MOST_OF_ONE or self._waiting.total() >= MOST_WAITING:
            raise Unanswered(BUSY)
        self._waiting[key] += 1
        longest = max(0.0, min(search.presidio.timeout, deadline - asyncio.get_running_loop().time()))
        try:
            async with asyncio.timeout(longest):
                answer = await _exchange(str(Path(self._folder, search.socket)), question, pieces)
        except TimeoutError:
            raise Unanswered(TOO_SLOW) from None
        except (OSError, EOFError, RuntimeError):  # uvloop raises the last for a socket that has closed
            raise Unanswered(NOT_RUNNING) from None
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key]
        return answer_of(answer, question)


async def _exchange(path: str, question: Question, pieces: tuple[bytes, ...]) -> bytes:
    """A connection for each question: closing it takes the question back."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        for each in frame(question, pieces):
            writer.write(each)
        await writer.drain()
        answer = bytearray()
        while len(answer) <= MOST_ANSWER and (piece := await reader.read(MOST_ANSWER)):
            answer += piece
    finally:
        writer.transport.abort()
    if not answer:
        raise EOFError
    return bytes(answer)


def _headers(request: Request) -> bytes:
    """What every backend gets of them."""
    texts = [request.headers[name] for name in TO_BACKEND if name in request.headers]
    return msgspec.json.encode(texts) if texts else b""
