"""What changes, told to every page that looks."""

from __future__ import annotations

import asyncio
import socket

from aiohttp import web

from router.admin.answers.live import Notice, Totals
from router.admin.errors import ApiError
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.ledger_session import timezone_of
from router.admin.record_type import shown
from router.admin.request_types import RequestsQuery
from router.admin.views.live_streams import END
from router.admin.views.operations import operations_of
from router.admin.views.spend import figures_of
from router.core.cost.volume import day_of, seen_in
from router.ledger.errors import LedgerUnavailable
from router.ledger.reports.account import owned_zones, read_account
from router.ledger.reports.totals_by_dimension import Look

QUIET_SECONDS = 15.0
"""A comment follows so long a silence, so that proxies keep the stream and a client that left is noticed."""
SLOWEST_SECONDS = 30.0
"""That a page may take for what is sent to it: what waits for one that reads no more would be kept for ever."""
SEND_BUFFER = 65_536
"""Bytes that the system keeps for a page; it would grow to megabytes for each that reads slowly."""
SHOWN_REQUESTS = 50


async def present(control: HandlerContext) -> dict[str, object]:
    """By event."""
    operations = await operations_of(control)
    found: dict[str, object] = {"backends": operations, "policy": operations.policy}
    try:
        found["totals"] = await totals_of(control)
        page = await control.sources.records.page(RequestsQuery(limit=SHOWN_REQUESTS))
        found["requests"] = [shown(record) for record in page.records]
        found["notice"] = Notice("")
    except (ApiError, LedgerUnavailable) as error:
        found["notice"] = Notice(str(error))
    return found


async def totals_of(control: HandlerContext) -> Totals:
    """Raises ApiError."""
    plan, now = control.desk.plan, control.clock()
    async with control.books.open() as report:
        timezone = await timezone_of(report, plan.policy.cost.timezone)
        day = day_of(now, timezone)
        owned = await owned_zones(report, plan.policy)
        account, _ = await read_account(report, [day], Look(names=False), day, owned)
        today = seen_in(await report.volume(), "today", now, timezone)
    total = figures_of(account.rows[0], owned, account.total().rent)
    return Totals(day=day, total=total, today_tokens=today.total)


async def events(control: HandlerContext, ask: HandlerRequest) -> web.StreamResponse:
    """Until the page leaves, the session ends or the process stops."""
    response = web.StreamResponse(headers={"content-type": "text/event-stream", "x-accel-buffering": "no"})
    if ask.request.method == "HEAD":  # takes no page's place
        return response
    queue = control.live.join(_owner(ask), lambda: present(control))
    transport = ask.request.transport
    try:
        if transport is not None:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        await response.prepare(ask.request)
        while _may_look(control, ask) and (events := await _next(queue)) != END:
            async with asyncio.timeout(SLOWEST_SECONDS):
                await response.write(events)
    except TimeoutError:  # it reads no more
        if transport is not None:
            transport.abort()
    except ConnectionResetError:  # it left
        pass
    finally:
        control.live.leave(queue)
    return response


async def _next(queue: asyncio.Queue[bytes]) -> bytes:
    try:
        return await asyncio.wait_for(queue.get(), QUIET_SECONDS)
    except TimeoutError:
        return b": still here\n\n"


def _owner(ask: HandlerRequest) -> str:
    """A session, or a token from one address."""
    who = ask.asker
    return f"{who.role} {who.address}" if who.session is None else who.session.digest


def _may_look(control: HandlerContext, ask: HandlerRequest) -> bool:
    session = ask.asker.session
    return session is None or control.sessions.holds(session)
