"""Who may try requests, what can be chosen, and the answer, line by line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import msgspec
from aiohttp import web

from router.admin.auth.roles import Access, may
from router.admin.errors import ApiError
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.playground.answers import PlaygroundAnswered, PlaygroundChoices, PlaygroundKey, PlaygroundLine
from router.admin.playground.asked import body_of, headers_of
from router.admin.playground.events import Events
from router.admin.record_type import shown, shown_own
from router.admin.request_types import Attempt, RequestsQuery
from router.core.name_patterns import is_pattern
from router.core.playground import SECONDS, Ticket, signed
from router.ledger.errors import LedgerUnavailable
from router.ledger.record import Record
from router.surfaces.registry import SURFACES

MEDIA = "application/x-ndjson"
ANONYMOUS = PlaygroundKey("anonymous", "default")
"""Whom the gateway takes everybody for that has no keys."""
MOST_BYTES = 8_000_000
"""Of an answer."""
RECORD_TRIES, RECORD_SECONDS = 20, 0.15
"""A settlement is in the ledger within a fraction of a second."""

_TOO_LONG = "the answer is too long to be shown"

_encode = msgspec.json.encode


async def offered(control: HandlerContext, ask: HandlerRequest) -> PlaygroundChoices:
    why_not = _why_not(control, ask)
    if why_not:
        return PlaygroundChoices(allowed=False, why_not=why_not)
    plan = control.desk.plan
    return PlaygroundChoices(
        allowed=True,
        keys=await _keys(control, ask),
        models=[name for name in {**plan.policy.models, **plan.models} if not is_pattern(name)],
        levels=list(plan.levels),
        requests_per_minute=plan.policy.playground.requests_per_minute,
    )


async def attempt(control: HandlerContext, ask: HandlerRequest) -> web.StreamResponse:
    """Until it is answered, or whoever asked leaves. Raises ApiError before the first line."""
    asked: Attempt = ask.body
    why_not = _why_not(control, ask)
    if why_not:
        raise ApiError(403, "no_playground", why_not)
    key = next((each for each in await _keys(control, ask) if each.name == asked.key), None)
    if key is None:
        raise ApiError(404, "unknown_key", "there is no such key that you may choose")
    surface = SURFACES[asked.endpoint]
    body = body_of(asked, surface)
    _take_turn(control, ask)
    tried = {"endpoint": surface.name, "side": asked.side}
    await control.audit.note(ask.asker.actor, "playground.try", key.name, new=tried)
    ticket = signed(Ticket(key.name, asked.side, control.clock() + SECONDS, key.team), control.playground.secret)
    async with control.playground.post(surface.paths[0], headers_of(asked, surface, ticket), body) as answer:
        response = web.StreamResponse(headers={"content-type": MEDIA, "x-accel-buffering": "no"})
        try:
            await response.prepare(ask.request)
            async for line in _lines(control, answer, may(ask.asker.role, Access.VIEWER)):
                await response.write(line + b"\n")
        except ConnectionResetError:  # it left
            pass
    return response


def _why_not(control: HandlerContext, ask: HandlerRequest) -> str:
    """Why whoever asks may not try requests; empty when they may."""
    access = control.desk.plan.policy.playground.access
    if access == "nobody":
        return "the policy lets nobody try requests here: `playground: {access: editor}` would"
    if not may(ask.asker.role, Access(access)):
        return f"the policy lets you try requests here from the role {access} on; yours is {ask.asker.role}"
    return "" if control.playground.available else "this control plane has no gateway beside it"


async def _keys(control: HandlerContext, ask: HandlerRequest) -> list[PlaygroundKey]:
    """Raises ApiError."""
    policy = control.desk.plan.policy
    found = {each.name: PlaygroundKey(each.name, each.team) for each in policy.keys}
    if policy.server.stored_keys:
        async with control.books.open() as report:
            for stored in await report.stored_keys():
                if not stored.works(control.clock()):
                    continue
                name, team = str(stored.entry.get("name", "")), str(stored.entry.get("team", "default"))
                found.setdefault(name, PlaygroundKey(name, team))
    elif not found:
        found = {ANONYMOUS.name: ANONYMOUS}
    return [each for each in found.values() if ask.asker.sees(each.team)]


def _take_turn(control: HandlerContext, ask: HandlerRequest) -> None:
    """Raises ApiError 429."""
    asker, most = ask.asker, control.desk.plan.policy.playground.requests_per_minute
    wait = control.playground.rate.take(asker.subject or asker.user or asker.name, most)
    if wait:
        message = f"you may try {most} requests a minute: try again in {wait:.0f} seconds"
        raise ApiError(429, "too_many_requests", message, headers={"retry-after": str(int(wait) + 1)})


async def _lines(control: HandlerContext, answer: aiohttp.ClientResponse, sees_all: bool) -> AsyncIterator[bytes]:
    """`sees_all`: whoever asks may see all records, as on the page of requests."""
    head = _head(answer)
    yield _encode(PlaygroundLine(answered=head))
    try:
        streams = answer.content_type == "text/event-stream"
        async for line in _events(answer) if streams else _whole(answer):
            yield line
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        yield _encode(PlaygroundLine(failed=str(error) or "the answer broke off"))
    record = await _record(control, head.request)
    if record is None:
        yield _encode(PlaygroundLine(ended=True))
    elif sees_all:
        yield _encode(PlaygroundLine(ended=True, record=shown(record)))
    else:
        yield _encode(PlaygroundLine(ended=True, own_record=shown_own(record)))


def _head(answer: aiohttp.ClientResponse) -> PlaygroundAnswered:
    def told(name: str) -> str:
        return answer.headers.get(f"x-breakeven-{name}", "")

    return PlaygroundAnswered(
        status=answer.status,
        request=answer.headers.get("x-request-id", ""),
        backend=told("backend"),
        zone=told("zone"),
        level=told("sensitivity"),
        reason=told("reason"),
        warning=told("budget"),
    )


async def _events(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    events, size = Events(), 0
    async for data in answer.content.iter_any():
        size += len(data)
        if size > MOST_BYTES:
            raise ValueError(_TOO_LONG)
        for event in events.feed(data):
            try:
                msgspec.json.decode(event, type=msgspec.Raw)
            except msgspec.DecodeError:
                continue
            yield b'{"event":%b}' % event


async def _whole(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    body = b""
    async for data in answer.content.iter_any():
        body += data
        if len(body) > MOST_BYTES:
            raise ValueError(_TOO_LONG)
    try:
        yield _encode(PlaygroundLine(body=msgspec.json.decode(body)))
    except msgspec.DecodeError:
        yield _encode(PlaygroundLine(body=body.decode(errors="replace")))


async def _record(control: HandlerContext, request: str) -> Record | None:
    """What it came to, once that is in the ledger; None where it is not there soon."""
    for _ in range(RECORD_TRIES):
        try:
            found = (await control.sources.records.page(RequestsQuery(id=request, limit=1))).records
        except LedgerUnavailable:
            return None
        if found:
            return found[0]
        await asyncio.sleep(RECORD_SECONDS)
    return None
