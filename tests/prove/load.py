"""Continuous load from HTTP clients, and what became of each request as its client saw it."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from msgspec import Struct

KEY = "be-proof-of-the-ledger"
MODELS = ("both", "cloud", "own")
CLIENTS = 12
NOBODY = "nobody listened"
LONGEST = 30.0
"""Seconds that a client waits for one answer: nothing may hang that long."""


class Seen(Struct):
    """`status` is 0 for a request whose answer broke off, or never came."""

    marker: int
    model: str
    asked: float
    ended: float = 0.0
    status: int = 0
    code: str = ""
    id: str = ""
    """The `x-request-id`; its first part is the worker's."""
    retry_after: str = ""
    backend: str = ""

    @property
    def worker(self) -> str:
        return self.id[:16]

    @property
    def seconds(self) -> float:
        return self.ended - self.asked


class Load:
    """Clients that ask one request after the other until the block ends."""

    def __init__(self, url: str) -> None:
        self.seen: list[Seen] = []
        self._url = f"{url}/v1/chat/completions"
        self._markers = itertools.count(1)
        self._stopping = False

    @asynccontextmanager
    async def running(self, clients: int = CLIENTS) -> Iterator[None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
            tasks = [asyncio.create_task(self._client(session)) for _ in range(clients)]
            try:
                yield
            finally:
                self._stopping = True
                await asyncio.gather(*tasks)

    async def _client(self, session: aiohttp.ClientSession) -> None:
        while not self._stopping:
            marker = next(self._markers)
            seen = await ask(session, self._url, marker, MODELS[marker % 3], stream=marker % 4 == 0)
            self.seen.append(seen)
            if seen.status != 200:
                await asyncio.sleep(0.02)  # the pace of whoever is refused

    def ok(self) -> int:
        return sum(seen.status == 200 for seen in self.seen)

    def buying_since(self, moment: float) -> set[str]:
        """Workers that have bought an answer to what was asked since, so that they have the ledger."""
        late = itertools.takewhile(lambda seen: seen.ended >= moment, reversed(self.seen))
        return {seen.worker for seen in late if seen.backend == "api" and seen.status == 200 and seen.asked >= moment}


async def ask(session: aiohttp.ClientSession, url: str, marker: int, model: str, **body: Any) -> Seen:
    seen = Seen(marker, model, time.monotonic())
    content = {"model": model, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 2 * marker + 1, **body}
    headers = {"authorization": f"Bearer {KEY}"}
    timeout = aiohttp.ClientTimeout(total=LONGEST)
    try:
        async with session.post(url, json=content, headers=headers, timeout=timeout) as response:
            seen.id = response.headers.get("x-request-id", "")
            seen.retry_after = response.headers.get("retry-after", "")
            seen.backend = response.headers.get("x-breakeven-backend", "")
            text = await response.read()
            whole = not body.get("stream") or response.status != 200 or b"[DONE]" in text
            if whole:
                seen.status = response.status
                seen.code = json.loads(text)["error"]["code"] if response.status != 200 else ""
    except aiohttp.ClientConnectorError:
        seen.code = NOBODY
    except aiohttp.ClientError:
        pass
    seen.ended = time.monotonic()
    return seen
