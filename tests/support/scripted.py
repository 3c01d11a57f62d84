"""Backends that answer as told, over real HTTP, and keep every byte that they receive."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter, dict[str, Any]], Awaitable[None]]

BACKLOG = 2048
"""Connections that may wait to be accepted, as uvicorn has it: with fewer, those of a crowd take seconds."""

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


def completion(text: str = "Paris.", usage: dict[str, Any] | None = None) -> bytes:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"id": "c1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage or USAGE}
    return json.dumps(body).encode()


def event(content: str | None, finish: str | None = None) -> bytes:
    delta = {} if content is None else {"content": content}
    chunk = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def usage_event(usage: dict[str, Any] | None = None) -> bytes:
    chunk = {"id": "c1", "object": "chat.completion.chunk", "choices": [], "usage": usage or USAGE}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def answer(status: int = 200, body: bytes | None = None, headers: str = "") -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: dict[str, Any]) -> None:
        content = completion() if body is None else body
        head = (
            f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n{headers}\r\n"
        )
        writer.write(head.encode() + content)

    return behave


def stream(*events: bytes, ends: bool = True, gap: float = 0.0) -> Behaviour:
    """A chunked event stream; cut off when `ends` is false. Usage is sent only to who asks, as OpenAI does."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: dict[str, Any]) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        asked = (request.get("stream_options") or {}).get("include_usage")
        for part in events:
            if b'"usage": {' in part and not asked:
                continue
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            await writer.drain()
            await asyncio.sleep(gap)
        if ends:
            writer.write(b"0\r\n\r\n")
        else:
            writer.transport.abort()

    return behave


def raw(data: bytes, *, close: bool = True) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: dict[str, Any]) -> None:
        writer.write(data)
        await writer.drain()
        if close:
            writer.close()

    return behave


def drip(first: bytes, again: bytes, gap: float = 0.02) -> Behaviour:
    """`first`, and then `again` and again, for ever."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: dict[str, Any]) -> None:
        writer.write(first)
        while True:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(gap)

    return behave


def late(behaviour: Behaviour, seconds: float) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: dict[str, Any]) -> None:
        await asyncio.sleep(seconds)
        await behaviour(reader, writer, request)

    return behave


def silence() -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: dict[str, Any]) -> None:
        await reader.read()

    return behave


def fields_of(body: bytes) -> dict[str, Any]:
    """None of a body that is no JSON object."""
    with contextlib.suppress(ValueError):
        return dict(json.loads(body or b"{}"))
    return {}


def sound(*pieces: bytes, ends: bool = True, content_type: str = "audio/mpeg") -> Behaviour:
    """Pieces of an answer in bytes, chunked; cut off when `ends` is false."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: dict[str, Any]) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        for piece in pieces:
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        if ends:
            writer.write(b"0\r\n\r\n")
        else:
            writer.transport.abort()

    return behave


@dataclass
class ScriptedBackend:
    """Plays `script` in order, then `default` for ever; `received` holds every byte that ever came in."""

    default: Behaviour = field(default_factory=answer)
    script: deque[Behaviour] = field(default_factory=deque)
    received: bytearray = field(default_factory=bytearray)
    heads: list[str] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a whole request has arrived."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a connection ends while its request is being answered, or afterwards."""
    _server: asyncio.Server | None = None
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start_as_adapter(self, path: str) -> None:
        """At a socket in the file system, where the gateway expects its adapter."""
        self._server = await asyncio.start_unix_server(self._serve, path)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=BACKLOG)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self.writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.received += head
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                body = await reader.readexactly(length)
                self.received += body
                self.heads.append(head.decode("latin-1"))
                self.requests.append(fields_of(body) | {"path": head.split(b" ")[1].decode()})
                self.asked.set()
                behave = self.script.popleft() if self.script else self.default
                watching = asyncio.create_task(self._watch(writer))
                await behave(reader, writer, self.requests[-1])
                watching.cancel()
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            self.left.set()
        finally:
            self.writers.discard(writer)
            writer.close()

    async def _watch(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(Exception):
            await writer.wait_closed()
        self.left.set()
