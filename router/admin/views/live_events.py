"""What changes, as server-sent events: one poller for all pages that look, and none while nobody does."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping

import msgspec
from aiohttp import web

from router.admin.errors import ApiError
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.ledger_session import timezone_of
from router.admin.request_record import shown
from router.admin.request_types import RequestsQuery
from router.admin.response_types import Notice, Totals
from router.admin.views.operations import operations_of
from router.admin.views.spend import figures_of, owned_zones
from router.core.cost.volume import day_of, seen_in
from router.ledger.errors import LedgerUnavailable
from router.ledger.reports.sums import Look

POLL_SECONDS = 2.0
QUIET_SECONDS = 15.0
"""A comment follows so long a silence, so that proxies keep the stream and a client that left is noticed."""
MOST_OF_ONE = 8
"""Streams of one session; browsers open six connections to one address at most."""
MOST_STREAMS = 512
MOST_WAITING = 100
SHOWN_REQUESTS = 50
END = b""
LATER = b"retry: 60000\n\n"
"""Whoever has to give way does not come back at once, to drive out the next one."""

log = logging.getLogger("breakeven.admin")


class Live:
    """Events to every page. A page that does not keep up is let go; its browser connects again.

    The oldest page of a session gives way to a new one when there are too many of it; with too many in all, the oldest
    of whoever has most.
    """

    def __init__(self) -> None:
        self._pages: dict[asyncio.Queue[bytes], str] = {}
        """Whose each is, the oldest first."""
        self._last: dict[str, bytes] = {}
        self._polling: asyncio.Task[None] | None = None
        self._ended = False

    def join(self, control: HandlerContext, owner: str) -> asyncio.Queue[bytes]:
        """A queue that begins with the present. Raises ApiError when this process ends."""
        if self._ended:
            raise ApiError(503, "ending", "the control plane is stopping")
        self._make_room(owner)
        queue: asyncio.Queue[bytes] = asyncio.Queue(MOST_WAITING)
        for name, data in self._last.items():
            queue.put_nowait(_event(name, data))
        self._pages[queue] = owner
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll(control))
        return queue

    def _make_room(self, owner: str) -> None:
        counts = Counter(self._pages.values())
        if counts[owner] < MOST_OF_ONE:
            if len(self._pages) < MOST_STREAMS:
                return
            owner = counts.most_common(1)[0][0]
        oldest = next(queue for queue, whose in self._pages.items() if whose == owner)
        del self._pages[oldest]
        _let_go(oldest, LATER)

    def leave(self, queue: asyncio.Queue[bytes]) -> None:
        self._pages.pop(queue, None)
        if not self._pages and self._polling is not None:
            self._polling.cancel()
            self._polling = None
            self._last.clear()

    def end(self) -> None:
        """All streams."""
        self._ended = True
        for queue in list(self._pages):
            _let_go(queue)
            self.leave(queue)

    def tell(self, found: Mapping[str, object]) -> None:
        """Every page what is new."""
        for name, value in found.items():
            data = msgspec.json.encode(value)
            if self._last.get(name) != data:
                self._last[name] = data
                self._send(_event(name, data))

    def _send(self, event: bytes) -> None:
        for queue in list(self._pages):
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                _let_go(queue)
                self._pages.pop(queue, None)

    async def _poll(self, control: HandlerContext) -> None:
        while True:
            try:
                self.tell(await present(control))
            except Exception:  # pages must see the next change all the same
                log.exception("events not read")
            await asyncio.sleep(POLL_SECONDS)


def _let_go(queue: asyncio.Queue[bytes], *last: bytes) -> None:
    while not queue.empty():
        queue.get_nowait()
    for event in (*last, END):
        queue.put_nowait(event)


def _event(name: str, data: bytes) -> bytes:
    """JSON has no line breaks, so one `data` line is enough."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


async def present(control: HandlerContext) -> dict[str, object]:
    """What pages are told of, by event."""
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
        (tally,) = await report.days_by(Look(), [day], day)
        today = seen_in(await report.volume(), "today", now, timezone)
    return Totals(day=day, total=figures_of(tally.rows, owned_zones(plan)), today_tokens=today.total)


async def events(control: HandlerContext, ask: HandlerRequest) -> web.StreamResponse:
    """Until the page leaves, the session ends or the process stops."""
    queue = control.live.join(control, _owner(ask))
    response = web.StreamResponse(headers={"content-type": "text/event-stream", "x-accel-buffering": "no"})
    try:
        await response.prepare(ask.request)
        while _may_look(control, ask):
            try:
                event = await asyncio.wait_for(queue.get(), QUIET_SECONDS)
            except TimeoutError:
                event = b": still here\n\n"
            if event == END:
                break
            await response.write(event)
    except ConnectionResetError:  # it left
        pass
    finally:
        control.live.leave(queue)
    return response


def _owner(ask: HandlerRequest) -> str:
    """A session, or a token from one address."""
    who = ask.asker
    return f"{who.role} {who.address}" if who.session is None else who.session.digest


def _may_look(control: HandlerContext, ask: HandlerRequest) -> bool:
    session = ask.asker.session
    return session is None or control.sessions.holds(session)
