"""A socket between the gateway and its ledger's server, which can trouble what goes through."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"


class Between:
    """Passes everything on to `target`. `delay` holds each answer back; `loading` answers in the server's place."""

    def __init__(self, path: Path, target: Path) -> None:
        self.url = f"unix://{path}"
        self.target = target
        self.delay = 0.0
        self.loading = False
        self._path = path
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    def close(self) -> None:
        """Nobody can connect any more, and who was connected is cut off."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)
            self._server = None
        self.cut()

    def cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            back, forth = await asyncio.open_unix_connection(self.target)
        except OSError:
            writer.close()
            self._writers.discard(writer)
            return
        self._writers.add(forth)
        answering = asyncio.create_task(self._answers(back, writer))
        self._tasks.add(answering)
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if self.loading:
                    writer.write(LOADING)
                else:
                    forth.write(data)
        answering.cancel()
        self._tasks.discard(answering)
        for each in (writer, forth):
            self._writers.discard(each)
            each.close()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """In order, also while the delay changes."""
        loop = asyncio.get_running_loop()
        due = 0.0
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                due = max(due + 1e-6, loop.time() + self.delay)
                loop.call_at(due, _write, writer, data)
            loop.call_at(due, writer.close)


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(data)
