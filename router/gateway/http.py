"""The server's side of one HTTP/1.1 connection.

Written directly on httptools (llhttp, strict mode) because a general server costs more per request than
everything else that the gateway does. It reads whole requests, hands them to a `Handler` one at a time in
their order, and offers three ways to answer: `respond`, or `start` / `write` / `finish` for streams.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, cast

import httptools

from router.gateway.request import Request
from router.gateway.respond import CONTINUE, LAST_CHUNK, chunk, status_line

MAX_HEADER_BYTES = 64 * 1024
MAX_URL_BYTES = 16 * 1024
MAX_PIPELINED = 8


class BadRequest(Exception):
    """The bytes are not a request that could be handled; the connection closes after the answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Handler(Protocol):
    max_body_bytes: int

    def handle(self, request: Request, client: Client) -> Coroutine[Any, Any, None]: ...
    def refuse(self, error: BadRequest, client: Client) -> None: ...
    def opened(self, client: Client) -> None: ...
    def closed(self, client: Client) -> None: ...
    def failed(self, error: Exception, request: Request, client: Client) -> None: ...


class Client:
    """An asyncio protocol in all but its class: as a class of its own it can be compiled."""

    def __init__(self, handler: Handler, loop: asyncio.AbstractEventLoop) -> None:
        self._handler = handler
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._request: Request | None = None
        self._url = b""
        self._raw_headers: list[tuple[bytes, bytes]] = []
        self._headers: dict[str, str] = {}
        self._header_bytes = 0
        self._credentials = 0
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._reading_paused = False
        self._chunked_answer = False
        self.started = False
        """True once the answer's first byte was written: nothing can be retried after that."""
        self.gone = False
        self.reading_since = 0.0
        """Loop time of the last bytes of an unfinished request; 0 between requests."""
        self.idle_since = loop.time()
        self.stalled_since = 0.0
        """Loop time since when the client has not read what was written; 0 while it reads."""
        self.on_pause: Callable[[], None] | None = None
        self.on_resume: Callable[[], None] | None = None
        self.draining = False

    # --- asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class
        self._handler.opened(self)

    def data_received(self, data: bytes) -> None:
        self.reading_since = self._loop.time()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, BadRequest) else _MALFORMED)
        except httptools.HttpParserError:
            self._refuse(_MALFORMED)

    def eof_received(self) -> None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self._handler.closed(self)
        self._queue.clear()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self.stalled_since = self._loop.time()
        if self.on_pause is not None:
            self.on_pause()

    def resume_writing(self) -> None:
        self.stalled_since = 0.0
        if self.on_resume is not None:
            self.on_resume()

    # --- httptools' callbacks

    def on_message_begin(self) -> None:
        self._url = b""
        self._raw_headers = []
        self._header_bytes = self._body_bytes = 0
        self._body = []

    def on_url(self, url: bytes) -> None:
        self._url += url
        if len(self._url) > MAX_URL_BYTES:
            raise BadRequest(414, "uri_too_long", "The request's URL is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise BadRequest(431, "headers_too_large", "The request's headers are larger than 64 KiB.")
        self._raw_headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._headers, self._credentials = _headers(self._raw_headers)
        length = self._headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._handler.max_body_bytes:
            raise _too_large(self._handler.max_body_bytes)
        if self._parser.should_upgrade():
            raise BadRequest(
                404, "upgrade_not_supported", "Nothing here speaks WebSocket or upgrades to another protocol."
            )
        expect = self._headers.get("expect")
        if expect is not None:
            if expect.lower() != "100-continue":
                raise BadRequest(417, "expectation_failed", "The only expectation that is met is 100-continue.")
            if self._task is None and self._transport is not None:
                self._transport.write(CONTINUE)

    def on_body(self, data: bytes) -> None:
        self._body_bytes += len(data)
        if self._body_bytes > self._handler.max_body_bytes:
            raise _too_large(self._handler.max_body_bytes)
        self._body.append(data)

    def on_message_complete(self) -> None:
        path, _, query = self._url.decode("latin-1").partition("?")
        self._queue.append(
            Request(
                self._parser.get_method().decode("latin-1"),
                path,
                query,
                self._headers,
                self._body[0] if len(self._body) == 1 else b"".join(self._body),
                self._parser.should_keep_alive(),
                self._parser.get_http_version() == "1.0",
                self._credentials,
            )
        )
        self._body = []
        self.reading_since = 0.0
        if self._task is None:
            self._next()
        elif len(self._queue) >= MAX_PIPELINED and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()

    # --- one request after the other

    def _next(self) -> None:
        self._request = request = self._queue.popleft()
        self.started = False
        self._chunked_answer = False
        self._task = self._loop.create_task(self._handle(request), name="request")

    async def _handle(self, request: Request) -> None:
        try:
            await self._handler.handle(request, self)
        except asyncio.CancelledError:
            self.close()
        except Exception as error:
            self._handler.failed(error, request, self)
        finally:
            self._done(request)

    def _done(self, request: Request) -> None:
        self._task = self._request = None
        self.on_pause = self.on_resume = None
        self.idle_since = self._loop.time()
        if self.gone or self._transport is None:
            return
        if not request.keep_alive or self.draining:
            self._transport.close()
        elif self._queue:
            self._next()
        if self._reading_paused and len(self._queue) < MAX_PIPELINED:
            self._reading_paused = False
            self._transport.resume_reading()

    def _refuse(self, error: BadRequest) -> None:
        """Answer what cannot be parsed, after what is being answered; then close."""
        if self.gone or self._transport is None:
            return
        if self._task is None:
            self._request = None
            self._handler.refuse(error, self)
        self.close()

    # --- answering

    @property
    def busy(self) -> bool:
        return self._task is not None

    @property
    def connection_header(self) -> bytes:
        request = self._request
        if request is None or not request.keep_alive or self.draining:
            return b"connection: close\r\n"
        return b"connection: keep-alive\r\n" if request.http10 else b""

    def respond(self, status: int, headers: bytes, body: bytes) -> None:
        """A whole answer. `headers` are complete lines; content-length is added."""
        if self.gone or self._transport is None:
            return
        self.started = True
        head = b"%bcontent-length: %d\r\n%b%b\r\n" % (status_line(status), len(body), self.connection_header, headers)
        if self._request is not None and self._request.method == "HEAD":
            body = b""
        self._transport.write(head + body)

    def start(self, status: int, headers: bytes) -> None:
        """The head of an answer whose length is not known."""
        if self.gone or self._transport is None or self._request is None:
            return
        self.started = True
        self._chunked_answer = not self._request.http10
        framing = b"transfer-encoding: chunked\r\n" if self._chunked_answer else b""
        if not self._chunked_answer:
            self._request.keep_alive = False
        self._transport.write(b"%b%b%b%b\r\n" % (status_line(status), framing, self.connection_header, headers))

    def write(self, data: bytes) -> None:
        """Some of a started answer; not empty, since an empty chunk would end it."""
        if not self.gone and self._transport is not None:
            self._transport.write(chunk(data) if self._chunked_answer else data)

    def finish(self) -> None:
        if not self.gone and self._transport is not None and self._chunked_answer:
            self._transport.write(LAST_CHUNK)

    def close(self) -> None:
        """Close after what was written has gone out; a stream that is cut here shows as cut."""
        if self._transport is not None:
            self._transport.close()

    def drain(self) -> None:
        """This connection ends with the answer under way, or now when there is none."""
        self.draining = True
        if self._task is None and not self.reading_since:
            self.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _headers(raw: list[tuple[bytes, bytes]]) -> tuple[dict[str, str], int]:
    """Headers by lower-case name, repeated ones joined by a comma; and how many of them are credentials."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}
    if len(headers) == len(raw):
        return headers, ("authorization" in headers) + ("x-api-key" in headers)
    headers, credentials = {}, 0
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        credentials += name in ("authorization", "x-api-key")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers, credentials


def _too_large(limit: int) -> BadRequest:
    return BadRequest(
        413, "request_too_large", f"The request is larger than the {limit:,} bytes that server.max_body_bytes allows."
    )


_MALFORMED = BadRequest(400, "malformed_http", "The request is not valid HTTP/1.1.")
