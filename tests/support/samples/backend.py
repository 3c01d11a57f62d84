"""A backend for any surface: it keeps every byte, and replies as told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from support.samples.sample import Sample


@dataclass(frozen=True)
class Asked:
    head: str
    body: bytes

    @property
    def path(self) -> str:
        return self.head.split(" ")[1]

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.rstrip("\r\n").split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


@dataclass(frozen=True)
class Reply:
    """`pieces` are chunks of a body, written one by one; a whole body has its length said."""

    pieces: tuple[bytes, ...] = ()
    status: int = 200
    media_type: str = "application/json"
    lines: str = ""
    """More header lines."""
    chunked: bool = False
    ends: bool = True
    """False for one whose connection breaks behind the last piece."""
    short: int = 0
    """Bytes that it lacks of the length that it says."""
    waits: asyncio.Event | None = None
    """What it waits for behind its last piece."""


RESET = Reply(status=0)
"""No answer at all."""
Replies = Callable[[Asked], Awaitable[Reply]]


def whole(sample: Sample, input: int = 11, output: int = 7) -> Reply:
    return Reply((sample.answer(input, output),), media_type=sample.media_type)


def streamed(events: Iterable[bytes], *, ends: bool = True) -> Reply:
    return Reply(tuple(events), media_type="text/event-stream", chunked=True, ends=ends)


def always(reply: Reply) -> Replies:
    async def answer(asked: Asked) -> Reply:
        return reply

    return answer


@dataclass
class SampleBackend:
    """`asked` has all requests, `received` every byte of them."""

    reply: Replies = field(default_factory=lambda: always(Reply(status=503)))
    asked: list[Asked] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)
    url: str = ""
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, socket: str = "") -> None:
        """On a port of its own, or on a socket with this path."""
        if socket:
            self._server = await asyncio.start_unix_server(self._serve, socket)
            return
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.port}/v1"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.received += head
                asked = Asked(head.decode("latin-1"), b"")
                body = await reader.readexactly(int(asked.headers.get("content-length", 0)))
                self.received += body
                self.asked.append(Asked(asked.head, body))
                await write(writer, await self.reply(self.asked[-1]))
                if asked.headers.get("connection") == "close":
                    break
        self._writers.discard(writer)
        writer.close()


async def write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    if reply.status == 0:
        writer.transport.abort()
        return
    size = sum(map(len, reply.pieces)) + reply.short
    framing = "transfer-encoding: chunked" if reply.chunked else f"content-length: {size}"
    head = f"HTTP/1.1 {reply.status} X\r\ncontent-type: {reply.media_type}\r\n{framing}\r\n{reply.lines}\r\n"
    writer.write(head.encode())
    for piece in reply.pieces:
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if reply.chunked else piece)
        await writer.drain()
        await asyncio.sleep(0)  # each piece is read by itself, or may be
    if reply.waits is not None:
        await reply.waits.wait()
    if not reply.ends or reply.short:
        await asyncio.sleep(0.002)  # what was written arrives
        writer.transport.abort()
    elif reply.chunked:
        writer.write(b"0\r\n\r\n")
