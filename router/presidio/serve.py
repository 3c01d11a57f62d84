"""The socket that workers ask at, one question for each connection.

Of each key one question is looked at, and of all these a piece of a text in turn: whoever asks much waits behind its
own questions, and every other key for no more than one piece of these.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from router.core.sensitivity.entities import BUSY, LENGTHS, Answer, Question
from router.presidio.finder import Finder
from router.system.turns import Turns

MOST_WAITING = 1024
"""Questions that are held at the same time."""
MOST_OF_ONE = 64
"""Of one key that wait."""
LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 256 * 1024 * 1024
_ONLY_OWNER = 0o177


class Desk:
    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._turns = Turns(asyncio.get_running_loop(), MOST_WAITING)
        """One question of each key is looked at; of all these a piece in turn, as the loop has it."""
        self._held = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._held += 1
        try:
            answer = await (self._turned_away(reader) if self._held > MOST_WAITING else self._answer(reader))
            if answer is not None:
                writer.write(msgspec.json.encode(answer))
                await writer.drain()
        except (OSError, EOFError, msgspec.MsgspecError, asyncio.LimitOverrunError):
            pass  # whoever asked has left, or is no worker
        finally:
            self._held -= 1
            writer.close()

    async def _turned_away(self, reader: asyncio.StreamReader) -> Answer:
        """Its question is read all the same: a socket that is closed before that takes the answer with it."""
        rest = sum(LENGTHS.unpack(await reader.readexactly(LENGTHS.size)))
        while rest > 0 and (piece := await reader.read(min(rest, LARGEST_HEAD))):
            rest -= len(piece)
        return Answer(why=BUSY)

    async def _answer(self, reader: asyncio.StreamReader) -> Answer | None:
        """None when whoever asked has left: nobody waits for the rest."""
        head, body = LENGTHS.unpack(await reader.readexactly(LENGTHS.size))
        if head > LARGEST_HEAD or body > LARGEST_BODY:
            return None
        question = msgspec.json.decode(await reader.readexactly(head), type=Question)
        asked = await reader.readexactly(body)
        if self._turns.of(question.key) >= MOST_OF_ONE:
            return Answer(why=BUSY)
        await self._turns.take(question.key)
        try:
            return await self._looked(question, asked, reader)
        finally:
            self._turns.give_back(question.key)

    async def _looked(self, question: Question, asked: bytes, reader: asyncio.StreamReader) -> Answer | None:
        steps = self._finder.steps(question, asked)
        answer: Answer | None = None
        while answer is None and not (reader.at_eof() or reader.exception() is not None):
            answer = next(steps)
            await asyncio.sleep(0)
        return answer


@asynccontextmanager
async def listening(finder: Finder, path: str) -> AsyncIterator[None]:
    """On a socket that only its owner may use. Raises OSError."""
    _remove(path)
    before = os.umask(_ONLY_OWNER)
    try:
        server = await asyncio.start_unix_server(Desk(finder).serve, path)
    finally:
        os.umask(before)
    try:
        yield
    finally:
        server.close()
        _remove(path)


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)
