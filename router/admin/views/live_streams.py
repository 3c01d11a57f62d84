"""Streams of server-sent events: one poller for all pages that look, and none while nobody does."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from router.admin.errors import ApiError

POLL_SECONDS = 2.0
MOST_OF_ONE = 8
"""Streams of one session; browsers open six connections to one address at most."""
MOST_STREAMS = 512
MOST_WAITING = 100
END = b""
LATER = b"retry: 60000\n\n"
"""Whoever has to give way does not come back at once, to drive out the next one."""

Present = Callable[[], Awaitable[Mapping[str, object]]]
"""What pages are told of, by event."""

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

    def join(self, owner: str, present: Present) -> asyncio.Queue[bytes]:
        """A queue that begins with the present. Raises ApiError when this process ends.

        `present` is asked again and again from the first page that joins until the last one leaves.
        """
        if self._ended:
            raise ApiError(503, "ending", "the control plane is stopping")
        self._make_room(owner)
        queue: asyncio.Queue[bytes] = asyncio.Queue(MOST_WAITING)
        for name, data in self._last.items():
            queue.put_nowait(_event(name, data))
        self._pages[queue] = owner
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll(present))
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

    async def _poll(self, present: Present) -> None:
        while True:
            try:
                self.tell(await present())
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
