"""Streams of server-sent events: one poller for all pages that look, and none while nobody does."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from router.admin.errors import ApiError

POLL_SECONDS = 2.0
MOST_OF_ONE = 8
"""Streams of one session; browsers open six connections to one address at most."""
MOST_STREAMS = 2048
"""Each takes some 20 KiB, and 0.1 ms of CPU whenever there is something new."""
AT_ONCE = 100
"""Pages that are told in one turn of the loop."""
MOST_WAITING = 30
"""Looks that a page may be behind: what they found is kept for all pages together."""
RETRY_MS = 3_000
LATER_MS = 60_000
"""Whoever has to give way does not come back at once, to drive out the next one. Both are stretched to twice as much at
most, each page by another part, so that those that ended together do not come back together."""
END = b""
FULL = (
    "More pages of this dashboard are open than it keeps up to date at once, and this one has been open for longest:"
    " it goes on by itself within two minutes. Reload it to see what is new before."
)

Present = Callable[[], Awaitable[Mapping[str, object]]]
"""What pages are told of, by event."""

log = logging.getLogger("breakeven.admin")


class Live:
    """Events to every page. A page that does not keep up is let go; its browser connects again.

    The oldest page of a session gives way to a new one when there are too many of it; with too many in all, the oldest
    of whoever has most. So nobody is left without one as long as there are fewer sessions than pages that can be open,
    and with more of them each has its turn. A page that gives way is told so, and when it may come again.
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
        queue.put_nowait(_retry(RETRY_MS) + b"".join(_event(name, data) for name, data in self._last.items()))
        self._pages[queue] = owner
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll(present))
        return queue

    def _make_room(self, owner: str) -> None:
        counts = Counter([*self._pages.values(), owner])
        if counts[owner] <= MOST_OF_ONE:
            if len(self._pages) < MOST_STREAMS:
                return
            owner = counts.most_common(1)[0][0]  # the new one's own, too, where nobody else has more
        oldest = next(queue for queue, whose in self._pages.items() if whose == owner)
        del self._pages[oldest]
        _let_go(oldest, _event("notice", msgspec.json.encode({"message": FULL})) + _retry(LATER_MS))

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
        """Every page what is new, in one piece."""
        encoded = {name: msgspec.json.encode(value) for name, value in found.items()}
        new = {name: data for name, data in encoded.items() if self._last.get(name) != data}
        self._last |= new
        if new:
            self._send(b"".join(_event(name, data) for name, data in new.items()))

    def _send(self, events: bytes) -> None:
        self._send_to(list(self._pages), events)

    def _send_to(self, pages: Sequence[asyncio.Queue[bytes]], events: bytes) -> None:
        """To some, and to the others in the next turns, so that everybody else has theirs in between."""
        for queue in pages[:AT_ONCE]:
            if queue not in self._pages:
                continue
            try:
                queue.put_nowait(events)
            except asyncio.QueueFull:
                _let_go(queue)
                del self._pages[queue]
        if rest := pages[AT_ONCE:]:
            asyncio.get_running_loop().call_soon(self._send_to, rest, events)

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


def _retry(least_ms: int) -> bytes:
    """When a browser connects again that has lost the stream."""
    return b"retry: %d\n\n" % (least_ms * (1 + random.random()))


def _event(name: str, data: bytes) -> bytes:
    """JSON has no line breaks, so one `data` line is enough."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
