"""Sends requests at the times that were recorded, faster than they were, over HTTP like any client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp
from msgspec import Struct

from router.simulate.day import DAY_SECONDS
from router.simulate.traffic import Ask

MOST_AT_ONCE = 64
"""Requests in flight. A machine that cannot keep up takes longer for the day and drops nothing."""


class Answered(Struct, frozen=True):
    """What the gateway's headers and the answer's usage said. `status` is 0 when there was no answer."""

    ask: Ask
    status: int
    zone: str = ""
    reason: str = ""
    level: str = ""
    input: int = 0
    output: int = 0


async def replay(url: str, asks: Iterable[Ask], day: float, tell: Callable[[Answered], None]) -> None:
    """A whole day in `day` seconds, from now on; `tell` hears of every answer as it comes."""
    loop = asyncio.get_running_loop()
    began, room = loop.time(), asyncio.Semaphore(MOST_AT_ONCE)

    async def send(ask: Ask) -> None:
        try:
            tell(await _answer(session, ask))
        finally:
            room.release()

    connector = aiohttp.TCPConnector(limit=MOST_AT_ONCE)
    async with (
        aiohttp.ClientSession(url, connector=connector, trust_env=False) as session,
        asyncio.TaskGroup() as sending,
    ):
        for ask in asks:
            await asyncio.sleep(began + ask.at / DAY_SECONDS * day - loop.time())
            await room.acquire()
            sending.create_task(send(ask))


async def _answer(session: aiohttp.ClientSession, ask: Ask) -> Answered:
    headers = {"authorization": f"Bearer {ask.sender.key}", **ask.headers}
    sent = session.post("/v1/chat/completions", json=ask.body, headers=headers, allow_redirects=False)
    try:
        async with sent as response:
            usage = _usage(await response.read(), streamed=ask.body.get("stream", False))
            said = response.headers
            return Answered(
                ask=ask,
                status=response.status,
                zone=said.get("x-breakeven-zone", ""),
                reason=said.get("x-breakeven-reason", ""),
                level=said.get("x-breakeven-sensitivity", ""),
                input=usage.get("prompt_tokens", 0),
                output=usage.get("completion_tokens", 0),
            )
    except aiohttp.ClientError:
        return Answered(ask, 0)


def _usage(content: bytes, *, streamed: bool) -> dict[str, Any]:
    """Of a whole answer, or of a stream's last event with one; empty for an error."""
    events = [content]
    if streamed:
        lines = reversed(content.splitlines())
        events = [line.removeprefix(b"data: ") for line in lines if line.startswith(b"data: {")]
    for event in events:
        try:
            usage = json.loads(event).get("usage")
        except ValueError:  # a page, where no gateway answers
            continue
        if usage:
            return dict(usage)
    return {}
