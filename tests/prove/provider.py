"""A provider that knows exactly what it produced, and so would bill, for each request.

A request is known by its `max_tokens`, an odd number that no other request has; it is answered with one token less. So
everything that the ledger says of it is recognised by its output: even where it was settled, odd where it was held.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from aiohttp import web
from msgspec import Struct

INPUT = 10
PARTS = 5


class Billed(Struct, frozen=True):
    output: int
    whole: bool
    """False for a stream that nobody read to its end."""


class Provider:
    """One backend. `billed` has what it produced, by marker: `max_tokens` // 2."""

    def __init__(self, pause: Callable[[int], float] = lambda marker: 0.0) -> None:
        self.billed: dict[int, list[Billed]] = defaultdict(list)
        self.asked = 0
        self.gates: dict[int, asyncio.Event] = {}
        """By marker, what a request waits for."""
        self.url = ""
        self._pause = pause
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/v1"

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        body = await request.json()
        marker = body["max_tokens"] // 2
        await asyncio.sleep(self._pause(marker))
        if marker in self.gates:
            await self.gates[marker].wait()
        if body.get("stream"):
            return await self._stream(request, marker)
        self.billed[marker].append(Billed(2 * marker, whole=True))
        await asyncio.sleep(self._pause(marker))
        message = {"role": "assistant", "content": "Paris."}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        return web.json_response({**_HEAD, "object": "chat.completion", "choices": choices, "usage": _usage(marker)})

    async def _stream(self, request: web.Request, marker: int) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        produced = 0
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            for part in range(1, PARTS + 1):
                produced = 2 * marker * part // PARTS
                choice = {"index": 0, "delta": {"content": "Paris "}, "finish_reason": None}
                await response.write(_event({"choices": [choice]}))
                await asyncio.sleep(self._pause(marker) / PARTS)
            await response.write(_event({"choices": [], "usage": _usage(marker)}) + b"data: [DONE]\n\n")
            await response.write_eof()
        self.billed[marker].append(Billed(produced, whole=produced == 2 * marker))
        return response


_HEAD = {"id": "c1", "created": 1, "model": "m"}


def _usage(marker: int) -> dict[str, int]:
    return {"prompt_tokens": INPUT, "completion_tokens": 2 * marker, "total_tokens": INPUT + 2 * marker}


def _event(fields: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps({**_HEAD, "object": "chat.completion.chunk", **fields}).encode() + b"\n\n"
