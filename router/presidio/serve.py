"""The socket that workers ask at, one question for each connection, and one answered after the other."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from router.core.sensitivity.entities import BUSY, LENGTHS, Answer, Question
from router.presidio.finder import Finder

MOST_WAITING = 256
"""Questions that are held at the same time."""
LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 256 * 1024 * 1024
_ONLY_OWNER = 0o177


class Desk:
    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._turn = asyncio.Lock()
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
        async with self._turn:
            for step in self._finder.steps(question, asked):
                if step is not None:
                    return step
                await asyncio.sleep(0)
                if reader.at_eof() or reader.exception() is not None:
                    return None
        return None


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
