"""The server's side of one HTTP/1.1 connection.

Written directly on httptools (llhttp, strict mode) because a general server costs more per request than
everything else that the gateway does. A `Handler` looks at each request's head before its body is read; whole
requests are handed to it one at a time in their order. There are three ways to answer: `respond`, or `start` /
`write` / `finish` for streams.

What is refused, by the handler or because it is no HTTP, takes its place in the order too. A body that nobody wants
is not kept; where it is long the connection ends after the answer, but not before the client had time to read that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from io import BytesIO
from typing import Any, Final, Protocol

import httptools

from router.gateway.buffered_bytes import BufferedBytes
from router.gateway.errors import ApiError
from router.gateway.held_answers import SMALL_PIECE, HeldAnswers, joined, put_together
from router.gateway.request import Request
from router.gateway.request_head import check, ignorable, malformed
from router.gateway.response_lines import CONTINUE, LAST_CHUNK, chunk, status_line
from router.system.connection import BaseConnection, all_received

_NO_PARSER: Final = httptools.HttpRequestParser(object())
MAX_HEADER_BYTES = 64 * 1024
MAX_URL_BYTES = 16 * 1024
MOST_UNFINISHED = 2 * (MAX_HEADER_BYTES + MAX_URL_BYTES)
"""Bytes of a head that is not whole yet, with its line ends."""
PARTING_SECONDS = 1.0
"""How long a connection without a request stays open at the end, for one that is on its way."""
MAX_PIPELINED = 8
"""Requests that wait for their turn before reading pauses."""
MOST_PIPELINED = 64
"""So many may arrive all at once before it can pause."""
MANY_PIECES = 16384
"""After so many pieces of bodies, others have their turn."""
LONG_BODY = 1024 * 1024
"""Bytes above which a body is put together as it comes."""
SHORT_BODY = 64 * 1024
"""A refused body is read and dropped up to this length, so that the connection can be used again."""
LINGER_SECONDS = 10.0
LINGER_BYTES = 256 * 1024 * 1024
"""How long, and for how much that is dropped, a connection stays open for the client to read why it was refused: one
that is closed with unread bytes takes its answer along."""


class BadRequest(ApiError):
    """The bytes are not a request that could be handled; the connection closes after the answer."""


class Handler(Protocol):
    max_body_bytes: int
    held: BufferedBytes
    answers: HeldAnswers

    def admit(self, request: Request) -> bool:
        """Whether the body of a request with this head is wanted. Raises ApiError to refuse it at once."""

    def handle(self, request: Request, client: Client) -> Coroutine[Any, Any, None]: ...
    def opened(self, client: Client, address: str) -> None: ...
    def closed(self, client: Client) -> None: ...
    def failed(self, error: Exception, request: Request, client: Client) -> None: ...


class Client(BaseConnection):
    def __init__(self, handler: Handler, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.idle_since = loop.time()
        self._handler = handler
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._request: Request | None = None
        self._url = b""
        self._names: list[bytes] = []
        self._values: list[bytes] = []
        """Of the head that is being read."""
        self._unfinished = -1
        """Bytes of a head that came in several pieces, or of a trailer; -1 before the first of them was counted."""
        self._incoming: Request | None = None
        """Its head was read, its body not yet to the end."""
        self._body: list[bytes | bytearray] = []
        self._long: BytesIO | None = None
        """What has come of a body that is not short, instead."""
        self._body_bytes = 0
        self._pieces = 0
        """Of bodies, since others had their turn."""
        self._breather: asyncio.Handle | None = None
        """Reading goes on in the loop's next turn."""
        self._dropping = False
        """The body that arrives belongs to a request that was refused by its head."""
        self._offered = False
        """The head that is being read offers another protocol, which is ignored."""
        self._deaf = False
        """Nothing is read any more: what arrives is dropped."""
        self._held = handler.held
        self._answers = handler.answers
        self._held_here = 0
        """Bytes of this connection's requests that are counted in `held`."""
        self._dropped = 0
        self._linger: asyncio.TimerHandle | None = None
        self._full = False
        """So many requests wait for their turn that reading pauses."""
        self._chunked_answer = False
        self.started = False
        """True once the answer's first byte was written: nothing can be retried after that."""
        self.surplus: ApiError | None = None
        """Set for a connection that is one too many."""
        self.address = ""
        self.reading_since = 0.0
        """Loop time since when the present head, or body, arrives; 0 between requests. No byte moves it."""
        self.reading_body = False
        self.stalled_since = 0.0
        """Loop time since when the client has not read what was written; 0 while it reads."""
        self.owner = ""
        """The name of the key whose answer it does not read, or its address."""
        self.on_pause: Callable[[], None] | None = None
        self.on_resume: Callable[[], None] | None = None
        self._secure = False
        self.draining = False
        self._said_close = False
        """Whether the answer under way tells the client that it is the connection's last one."""

    # --- asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._secure = transport.get_extra_info("ssl_object") is not None
        peer = transport.get_extra_info("peername")
        self._handler.opened(self, peer[0] if isinstance(peer, tuple) else "")

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            self._drop(len(data))
            return
        if not self.reading_since:
            self.reading_since = self._loop.time()
        try:
            self._parse(data)
            if self.reading_since and self._incoming is None and not self._dropping:
                self._bound_head(len(data))
        except ApiError as refusal:
            self._refuse(refusal)
        except httptools.HttpParserCallbackError as raised:
            cause = raised.__context__
            self._refuse(cause if isinstance(cause, ApiError) else malformed("it could not be read"))
        except httptools.HttpParserError as error:
            self._refuse(malformed(str(error)))
        if self._pieces >= MANY_PIECES and self._breather is None:
            # uvloop reads up to 8 MB in one turn, and chunks of one byte make a million pieces of that.
            self._stop_reading()
            self._breather = self._loop.call_soon(self._others_had_their_turn)

    def _others_had_their_turn(self) -> None:
        self._breather = None
        self._pieces = 0
        if not self._full:
            self._read_on()

    def _parse(self, data: bytes) -> None:
        """The parser stops behind a head that offers another protocol; without the offer it takes it as any other."""
        while True:
            try:
                self._parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as offer:
                if self._deaf:
                    return
                data = self._without_offer() + data[offer.args[0] :]
                self._parser = httptools.HttpRequestParser(self)

    def _bound_head(self, size: int) -> None:
        """Once it is whole its headers are counted; the parser keeps one that does not end. Raises BadRequest 431."""
        if self._unfinished < 0:
            self._unfinished = self._header_bytes()  # before these may stand the end of another request
        else:
            self._unfinished += size
        if self._unfinished > MOST_UNFINISHED:
            raise _headers_too_large()

    def _bound_trailer(self, size: int) -> None:
        """It is not kept. Raises BadRequest 431."""
        self._unfinished = max(self._unfinished, 0) + size
        if self._unfinished > MAX_HEADER_BYTES:
            raise _headers_too_large()

    def _header_bytes(self) -> int:
        return sum(map(len, self._names)) + sum(map(len, self._values))

    def _without_offer(self) -> bytes:
        """The head that was read last."""
        self._offered = False
        read = zip(self._names, self._values, strict=True)
        lines = [b"%b: %b\r\n" % line for line in read if line[0].lower() != b"upgrade"]
        method, version = self._parser.get_method(), self._parser.get_http_version().encode()
        return b"%b %b HTTP/%b\r\n%b\r\n" % (method, self._url, version, b"".join(lines))

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True  # first: what its request still does finds nobody to write to
        self._handler.closed(self)
        # All at once: the request that runs ends later, and `_done` releases nothing of a closed connection. Released
        # in both places, the worker's count would fall below what it holds; in neither, it would never fall again.
        self._release(self._held_here)
        if self.stalled_since:
            self._answers.hold(self, 0)
        self._queue.clear()
        self._body = []
        self._long = None
        if self._linger is not None:
            self._linger.cancel()
        self._parser = _NO_PARSER  # it leads back here: both would live until cycles are looked for
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self.stalled_since = self._loop.time()
        if self._transport is not None:
            key = None if self._request is None else self._request.key
            self.owner = self.address if key is None else key.name
            self._answers.hold(self, self._transport.get_write_buffer_size())
        if self.on_pause is not None:
            self.on_pause()

    def resume_writing(self) -> None:
        self.stalled_since = 0.0
        self._answers.hold(self, 0)
        if self.on_resume is not None:
            self.on_resume()

    def crowded_out(self) -> None:
        """There is no room for what it does not read."""
        self._answers.hold(self, 0)
        self.abort()

    # --- httptools' callbacks

    def on_message_begin(self) -> None:
        if not self.reading_since:
            self.reading_since = self._loop.time()
        self._url = b""
        self._names, self._values = [], []
        self._unfinished = -1
        self._body_bytes = 0
        self._body = []
        self._long = None

    def on_url(self, url: bytes) -> None:
        self._url += url
        if len(self._url) > MAX_URL_BYTES:
            raise BadRequest(414, "uri_too_long", "The request's URL is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._incoming is not None:
            self._bound_trailer(len(name) + len(value))
            return
        self._names.append(name)
        self._values.append(value)

    def on_headers_complete(self) -> None:
        if self._deaf:
            return
        header_bytes, parser = self._header_bytes(), self._parser
        if header_bytes > MAX_HEADER_BYTES:
            raise _headers_too_large()
        headers, credentials = _headers(self._names, self._values)
        method, version = parser.get_method().decode("latin-1"), parser.get_http_version()
        upgrade = parser.should_upgrade()
        if upgrade and method != "CONNECT" and ignorable(headers):
            self._offered = True
            return
        path, _, query = self._url.decode("latin-1").partition("?")
        self._incoming = request = Request(
            method=method,
            path=path,
            query=query,
            headers=headers,
            body=b"",
            keep_alive=parser.should_keep_alive(),
            http10=version == "1.0",
            credentials=credentials,
        )
        if self.surplus is not None:
            raise self.surplus
        self._hold(request, header_bytes)
        told, chunked = headers.get("content-length", "0"), "transfer-encoding" in headers
        length = int(told) if told.isdigit() else 0
        if length > self._handler.max_body_bytes:
            raise _too_large(self._handler.max_body_bytes)
        check(method, path, version, headers, upgrade)
        try:
            wanted = self._handler.admit(request)
        except ApiError as error:
            request.refusal, wanted = error, False
            error.__traceback__ = None
        if told == "0" and not chunked:
            return
        if wanted:
            self._await_body(request, length)
        else:
            self._answer_early(request, short=not chunked and length <= SHORT_BODY)

    def _await_body(self, request: Request, length: int) -> None:
        if not self._held.fits(length):
            raise _no_room(self._held.most)
        self.reading_since = self._loop.time()
        self.reading_body = True
        if "expect" in request.headers and self._task is None and self._transport is not None:
            self._transport.write(CONTINUE)

    def _answer_early(self, request: Request, *, short: bool) -> None:
        """Before its body has come. Whoever waits for a go-ahead may send none, so nothing can follow then."""
        self._incoming = None
        if short and "expect" not in request.headers:
            self._dropping = True
        else:
            self._deaf = True
            request.keep_alive = False
        self._enqueue(request)

    def on_body(self, data: bytes) -> None:
        self._pieces += 1
        request = self._incoming
        if request is None or self._deaf:
            return
        size = len(data)
        self._body_bytes += size
        if self._body_bytes > self._handler.max_body_bytes:
            raise _too_large(self._handler.max_body_bytes)
        self._hold(request, size)
        if self._body_bytes > LONG_BODY:
            self._put_together(data)
        elif size >= SMALL_PIECE or not self._body:
            self._body.append(data)
        else:
            put_together(self._body, data)

    def _put_together(self, data: bytes) -> None:
        """As it comes: all of it in one turn would hold up all other requests."""
        if self._long is None:
            self._long = BytesIO()
            self._long.writelines(self._body)
            self._body = []
        self._long.write(data)

    def on_message_complete(self) -> None:
        if self._offered:
            return
        request, self._incoming = self._incoming, None
        if self._deaf:
            return
        self.reading_since = 0.0
        self.reading_body = False
        if request is None or self._dropping:
            self._dropping = False
            return
        request.body = joined(self._body) if self._long is None else self._long.getvalue()
        self._body, self._long = [], None
        self._enqueue(request)

    # --- what is kept

    def hold(self, request: Request, size: int) -> None:
        """Count so many bytes more for a request under way. Raises BadRequest 503."""
        if not self.closed:
            self._hold(request, size)

    def _hold(self, request: Request, size: int) -> None:
        held = self._held
        request.held += size
        self._held_here += size
        held.bytes += size
        if held.bytes > held.calm and held.full(request.held):
            raise _no_room(held.most)

    def _release(self, size: int) -> None:
        self._held_here -= size
        self._held.bytes -= size

    def _drop(self, size: int) -> None:
        self._dropped += size
        if self._dropped > LINGER_BYTES:
            self.abort()

    # --- one request after the other

    def _enqueue(self, request: Request) -> None:
        self._queue.append(request)
        if self._task is None:
            self._next()
        elif len(self._queue) >= MAX_PIPELINED and not self._deaf:
            self._full = True
            self._stop_reading()
            if len(self._queue) > MOST_PIPELINED:
                raise _too_many_pipelined()

    def _next(self) -> None:
        self._request = request = self._queue.popleft()
        self.started = False
        self._chunked_answer = self._said_close = False
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
        self._task = self._request = request.refusal = None
        self.on_pause = self.on_resume = None  # they lead to a connection that may be another request's already
        self.idle_since = self._loop.time()
        if self.closed or self._transport is None:
            return
        self._release(request.held)
        # Only after an answer that said so: after any other the next request may be on its way, and its client could
        # not know whether it was taken.
        if not request.keep_alive or (self.draining and self._said_close):
            self._end()
        elif self._queue:
            self._next()
        elif self.draining:  # the client cannot know yet, and its next request may be on its way
            self._loop.call_later(PARTING_SECONDS, self.drain)
        if self._full and len(self._queue) < MAX_PIPELINED:
            self._take_more()

    def _take_more(self) -> None:
        self._full = False
        if self.reading_since:
            self.reading_since = self._loop.time()
        if self._breather is None:
            self._read_on()

    def _refuse(self, error: ApiError) -> None:
        """Nothing more is read; why is told after the answers to what came before."""
        if self.closed or self._deaf:
            return
        self._deaf = True
        self._body = []
        self._long = None
        request, self._incoming = self._incoming, None
        if self._dropping:  # the request that it belongs to is refused already
            self._end_after_answers()
            return
        if request is None:
            request = Request(method="", path="", query="", headers={}, body=b"", keep_alive=False, http10=False)
        error.__traceback__ = error.__context__ = None
        request.refusal = error
        request.keep_alive = False
        self._enqueue(request)

    def _end_after_answers(self) -> None:
        last = self._queue[-1] if self._queue else self._request
        if last is None:
            self._end()
        else:
            last.keep_alive = False

    def _end(self) -> None:
        """Close, once the client has read its answer where it may still be sending."""
        self._queue.clear()
        self._release(self._held_here)
        if self._transport is None:
            return
        if not self._deaf:
            self.close()
            return
        if not self._secure:  # TLS cannot say that it ends and listen on; the answer says so itself
            self._transport.write_eof()
        self._linger = self._loop.call_later(LINGER_SECONDS, self.abort)

    def late(self) -> None:
        """Its request did not arrive in time."""
        self._refuse(BadRequest(408, "request_timeout", "The request did not arrive in time."))

    # --- answering

    @property
    def busy(self) -> bool:
        return self._task is not None

    @property
    def reading(self) -> bool:
        """Whether a request is on its way, and could be: while reading pauses nothing arrives."""
        return self.reading_since != 0.0 and not self._deaf and not self._full

    @property
    def connection_header(self) -> bytes:
        request = self._request
        if request is None or not request.keep_alive or self.draining:
            self._said_close = True
            return b"connection: close\r\n"
        return b"connection: keep-alive\r\n" if request.http10 else b""

    def respond(self, status: int, headers: bytes, body: bytes) -> None:
        """A whole answer. `headers` are complete lines; content-length is added."""
        if self.closed or self._transport is None:
            return
        self.started = True
        head = b"%bcontent-length: %d\r\n%b%b\r\n" % (status_line(status), len(body), self.connection_header, headers)
        if self._request is not None and self._request.method == "HEAD":
            body = b""
        self._transport.write(head + body)

    def start(self, status: int, headers: bytes) -> None:
        """The head of an answer whose length is not known."""
        if self.closed or self._transport is None or self._request is None:
            return
        self.started = True
        self._chunked_answer = not self._request.http10
        framing = b"transfer-encoding: chunked\r\n" if self._chunked_answer else b""
        if not self._chunked_answer:
            self._request.keep_alive = False
        self._transport.write(b"%b%b%b%b\r\n" % (status_line(status), framing, self.connection_header, headers))

    def write(self, data: bytes) -> None:
        """Some of a started answer; not empty, since an empty chunk would end it."""
        if not self.closed and self._transport is not None:
            self._transport.write(chunk(data) if self._chunked_answer else data)

    def finish(self) -> None:
        if not self.closed and self._transport is not None and self._chunked_answer:
            self._transport.write(LAST_CHUNK)

    def close(self) -> None:
        """Close after what was written has gone out; a stream that is cut here shows as cut."""
        if self._transport is None:
            return
        self._transport.close()
        if self._secure and not self.closed:
            self._loop.call_later(PARTING_SECONDS, self._let_go)

    def _let_go(self) -> None:
        """TLS waits for the client to take leave, and one that pools its connections does not look at those."""
        if self.closed or self._transport is None:
            return
        if all_received(self._transport):
            self.abort()
        else:
            self._loop.call_later(PARTING_SECONDS, self._let_go)

    def cut(self, error: Exception) -> None:
        """End now: with this error where nothing has been answered yet of the request under way."""
        if self._task is None or self._request is None or self.started:
            self.abort()
            return
        self._handler.failed(error, self._request, self)
        self._task.cancel()

    def drain(self) -> None:
        """This connection ends with the answer under way, or now when there is none."""
        self.draining = True
        if self._task is None and (self._deaf or not self.reading_since):
            self.close()


def _headers(raw_names: list[bytes], raw_values: list[bytes]) -> tuple[dict[str, str], int]:
    """Headers by lower-case name, repeated ones joined by a comma; and how many of them are credentials."""
    if not raw_names:
        return {}, 0
    names, values = _lines(b"\n".join(raw_names).lower()), _lines(b"\n".join(raw_values))
    headers = dict(zip(names, values, strict=True))
    if len(headers) == len(names):
        return headers, ("authorization" in headers) + ("x-api-key" in headers)
    headers, credentials = {}, 0
    for name, value in zip(names, values, strict=True):
        credentials += name in ("authorization", "x-api-key")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers, credentials


def _lines(joined: bytes) -> list[str]:
    """Decoded all at once: the parser lets no line end into a name or a value."""
    return joined.decode("latin-1").split("\n")


def _headers_too_large() -> BadRequest:
    return BadRequest(431, "headers_too_large", "The request's headers are larger than 64 KiB.")


def _too_large(limit: int) -> BadRequest:
    return BadRequest(
        413, "request_too_large", f"The request is larger than the {limit:,} bytes that server.max_body_bytes allows."
    )


def _no_room(most: int) -> BadRequest:
    message = (
        f"This worker holds as many requests as the {most:,} bytes of server.max_held_bytes allow. Try again soon."
    )
    return BadRequest(503, "too_much_held", message, retry_after=1, retryable=True)


def _too_many_pipelined() -> BadRequest:
    message = f"More than {MOST_PIPELINED} requests were sent before their answers were read. Wait for some answers."
    return BadRequest(503, "too_many_pipelined", message, retry_after=1, retryable=True)
