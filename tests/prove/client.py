"""A client that keeps its connection, sends one request after the other or all at once, and reads every answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httptools
from prove.asks import Request


class Answers:
    """Reads the answers of one connection, in order."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._parser = httptools.HttpResponseParser(self)
        self._finished: list[tuple[int, dict[str, str], bytes]] = []
        self._headers: dict[str, str] = {}
        self._body = b""
        self._begun = False

    def on_message_begin(self) -> None:
        self._headers, self._body = {}, b""

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._begun = True

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        self._finished.append((self._parser.get_status_code(), self._headers, self._body))
        self._begun = False

    async def next(self, request: Request) -> bool:
        """False when the connection closed before an answer began; one that was cut off is an answer."""
        while not self._finished:
            data = await self._reader.read(65536)
            if data:
                self._parser.feed_data(data)
            elif self._begun:
                self.on_message_complete()
            else:
                return False
        request.status, request.headers, request.answer = self._finished.pop(0)
        return True


async def converse(
    port: int,
    requests: list[Request],
    pipelined: bool,
    sending: Callable[[Request], None],
    answered: Callable[[Request], None],
) -> list[Request]:
    """Sends all on one connection; the requests that had no answer when it closed. The callbacks tell of each one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = Answers(reader)
    left = list(requests)
    for group in [requests] if pipelined else [[request] for request in requests]:
        for request in group:
            sending(request)
        writer.write(b"".join(request.wire() for request in group))
        for request in group:
            if not await answers.next(request):
                writer.close()
                return left
            answered(request)
            left.remove(request)
    writer.close()
    return left
