"""One HTTP exchange: reading a JSON body, sending JSON or an event stream at its pace."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from aiohttp import web
from msgspec import Struct

from router.simulate.answer import Answer, Event
from router.simulate.asked import Asked, Json
from router.simulate.pace import Pace
from router.simulate.settings import SIMULATED


class Shape(Struct, frozen=True):
    """How an endpoint writes its answers."""

    prefix: str
    """Begins their ids."""
    prompt: str
    """The field of a request that holds its prompt."""
    body: Callable[[Asked, Answer], Json]
    events: Callable[[Asked, Answer], Iterator[Event]]
    named: bool = False
    """Events have their type as their name, and the last one is the end; else [DONE] is."""


class BadJsonError(Exception):
    """The body is no JSON object."""


async def read_object(request: web.Request) -> Json:
    """Raises BadJsonError."""
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise BadJsonError from None
    if not isinstance(body, dict):
        raise BadJsonError
    return body


def compact(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def indented(value: Json) -> bytes:
    """OpenAI's way of writing whole answers and errors."""
    return json.dumps(value, ensure_ascii=False, indent=2).encode(errors="replace")


def json_response(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        body=body, status=status, content_type="application/json", headers={**SIMULATED, **(headers or {})}
    )


async def send_events(
    request: web.Request, events: Iterator[Event], pace: Pace, headers: Mapping[str, str], *, named: bool = False
) -> web.StreamResponse:
    """Each event when its token is due, then [DONE], unless they are `named`. Raises when the client has left."""
    stream = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
    response = web.StreamResponse(headers={**SIMULATED, **stream, **headers})
    await response.prepare(request)
    for event in events:
        await pace.until(event.step)
        name = f"event: {event.data['type']}\n".encode() if named else b""
        await response.write(name + b"data: " + compact(event.data) + b"\n\n")
    if not named:
        await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response
