"""One keep-alive HTTP/1.1 connection to a replica.

Sans surprises: one exchange at a time; the response parser is llhttp (httptools) in its strict mode; a
response that is not framed by its own headers is never reused. What arrives is handed to a `Sink` at once,
from the event loop's read callback, with no task in between.

Life: idle -> `send` -> head -> body* -> end -> idle, or `lost` at any point, after which it is closed. It is given back
once per exchange, at the moment when it is over; whether it may be used again is its pool's to say, see `reusable`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import httptools

from router.core.resilience.retry import Fault
from router.surfaces.edited import Edited
from router.system.connection import BaseConnection
from router.upstream.errors import EgressViolation, UpstreamError
from router.upstream.target import Target

Headers = list[tuple[bytes, bytes]]

MAX_HEADER_BYTES = 64 * 1024
HIGH_WATER = 256 * 1024
_NO_PARSER: Final = httptools.HttpResponseParser(object())
STALE_SECONDS = 0.5
"""Within which the end of an idle connection may have crossed a request: a long way there and back."""
SWITCHING = 101
"""The only status below 200 behind which no answer comes; nobody asked for it."""
_FRAMING = (b"content-length", b"transfer-encoding")


class _NoAnswer(Exception):
    """Raised in the parser's callbacks: why what comes cannot be one."""


class Sink(Protocol):
    """Who receives a response. Exactly one of `on_end` and `on_lost` is called last.

    `on_due` is asked how long to wait, at the instant that it named last, whatever has arrived since: it gives the loop
    time of the next look, or one that is not later than `now` when it waits no longer.
    """

    def on_head(self, status: int, headers: Headers) -> None: ...
    def on_body(self, data: bytes) -> None: ...
    def on_due(self, now: float) -> float: ...
    def on_end(self) -> None: ...
    def on_lost(self, error: UpstreamError) -> None: ...


class Connection(BaseConnection):
    """`released` is called when an exchange is over, by whatever ending, and when it closes between two of them."""

    def __init__(self, target: Target, loop: asyncio.AbstractEventLoop, released: Callable[[Connection], None]) -> None:
        super().__init__(loop)
        self.target = target
        self.reused = False
        self.deadline = 0.0
        """Loop time at which the sink is asked whether to wait on; moved by nothing that arrives."""
        self._released = released
        self._parser = httptools.HttpResponseParser(self)
        self._sink: Sink | None = None
        self._headers: Headers = []
        self._header_bytes = 0
        self._head_seen = False
        self._framed = False
        self._got_bytes = False
        self._sent_at = 0.0
        self._complete = False
        """The response was read to its end."""
        self._surplus = False
        """Bytes followed it that nobody asked for."""
        self._keep_alive = False

    @property
    def reusable(self) -> bool:
        """Whether it is as it was when new: open, reading, with nothing unread and nothing unsent."""
        return (
            not (self.closed or self._paused or self._surplus)
            and self._sink is None
            and self._transport is not None
            and self._transport.get_write_buffer_size() == 0
        )

    # --- the exchange

    def send(
        self,
        permitted: frozenset[str],
        head: bytes,
        body: Edited,
        sink: Sink,
        due: float,
    ) -> None:
        """Write one request; at loop time `due` the sink is asked whether to wait on.

        Raises EgressViolation, before any byte, when this zone is not permitted.
        """
        if self.target.zone not in permitted:
            raise EgressViolation(f"zone {self.target.zone} is not permitted for this request")
        assert self._transport is not None and self._sink is None
        self._sink = sink
        self._sent_at = self._loop.time()
        self.deadline = due
        self._headers = []
        self._header_bytes = 0
        self._head_seen = self._framed = self._got_bytes = self._complete = self._keep_alive = False
        if not isinstance(body, bytes):
            self._transport.writelines((head, *body))
        elif len(body) < HIGH_WATER:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))

    def abort(self) -> None:
        """Give up: close at once and tell nobody. The backend sees a closed connection and stops work."""
        self._sink = None
        self._close()

    def pause(self) -> None:
        """Read nothing until `resume`; the end of the exchange is one, too."""
        if self._sink is not None and self._stop_reading():
            self.deadline = float("inf")

    def resume(self) -> None:
        if self._read_on():
            self.deadline = self._loop.time()

    def look(self, now: float) -> None:
        """Called by the pool's clock once `deadline` has passed."""
        later = now if self._sink is None else self._sink.on_due(now)
        if later > now:
            self.deadline = later
        else:
            self._fail(UpstreamError(Fault.FIRST_BYTE_TIMEOUT, "the backend took too long"))

    # --- asyncio's callbacks

    def data_received(self, data: bytes) -> None:
        if self._sink is None:
            self._close()  # bytes that nobody asked for
            return
        self._got_bytes = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self._complete:
                cause = error.__context__
                why = str(cause) if isinstance(cause, _NoAnswer) else type(error).__name__
                self._fail(UpstreamError(Fault.BAD_RESPONSE, why))
                return
        if (
            self._complete and not self.closed
        ):  # not from the parser's callback: what follows in `data` must have been seen before
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._sink is None:
            self._close()
        elif self._head_seen and not self._framed and exc is None:
            self._finish()  # a response that ends with the connection
        else:
            fault = Fault.MID_STREAM if self._head_seen else Fault.RESET_BEFORE_HEAD
            # Sent into a connection that the other side was closing, it was not read. One that stayed open for longer
            # may have been worked on: that is an attempt, which counts and may be billed.
            at_once = self._loop.time() - self._sent_at < STALE_SECONDS
            stale = self.reused and not self._got_bytes and at_once
            self._fail(UpstreamError(fault, "the connection closed early", stale=stale))
        self._parser = _NO_PARSER  # it leads back here: both would live until cycles are looked for

    # --- httptools' callbacks

    def on_message_begin(self) -> None:
        if self._complete:
            self._surplus = True
            raise ValueError("bytes after the response")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise _NoAnswer("its headers are too large")
        if self._head_seen:  # a trailer, which is no header
            return
        name = name.lower()
        if name in _FRAMING:
            self._framed = True
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        assert self._sink is not None
        status = self._parser.get_status_code()
        if status == SWITCHING or status < 100:  # the parser stops behind the first, and takes the others to be answers
            raise _NoAnswer("it switched to another protocol" if status == SWITCHING else f"status {status}")
        if status < 200:
            return
        self._head_seen = True
        self._framed = self._framed or status in (204, 304)
        self._sink.on_head(status, self._headers)

    def on_body(self, data: bytes) -> None:
        if self._sink is not None:
            self._sink.on_body(data)

    def on_message_complete(self) -> None:
        if not self._head_seen:  # 100 Continue and its kind
            self._headers = []
            self._framed = False
            return
        self._complete = True
        self._keep_alive = self._framed and self._parser.should_keep_alive()  # known only now, in the callback

    # --- endings
    #
    # The order is the same in each: the sink is let go, the connection is given back (or closed, which gives it
    # back), and only then is the sink told. One that was told first and raised would leave the connection among the
    # busy ones for good, where all once stayed whose answers ended with them; one that was not let go would get what
    # the next exchange brings.

    def _finish(self) -> None:
        sink, self._sink = self._sink, None
        if not self._keep_alive:
            self._close()
        else:
            self.resume()  # before it is given back: what is paused is closed there, since nobody would read from it
            self.reused = True
            self.idle_since = self._loop.time()
            self._released(self)
        if sink is not None:
            sink.on_end()

    def _fail(self, error: UpstreamError) -> None:
        sink, self._sink = self._sink, None
        self._close()
        if sink is not None:
            sink.on_lost(error)

    def _close(self) -> None:
        if not self.closed:
            self.closed = True  # first: what takes it back looks at that, and may abort it once more
            super().abort()
            self._released(self)
