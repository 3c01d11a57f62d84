"""One attempt's response: collected whole, or relayed as it comes.

An `UpstreamResponse` is the upstream connection's sink. Its `ready` future resolves when it is known what kind of
answer this is: a whole body, or a stream whose first event has arrived and is no error. Until then nothing
has been written to the client, so that another backend can still be tried. An error that came with status 200, whole or
as a stream's first event, becomes the error answer that it should have been. A stream flows from the upstream parser's
callback into the client's transport, with no task in between.
"""

from __future__ import annotations

import asyncio
from typing import Final

from router.core.reading import Reading
from router.core.redaction import NO_SECRETS, Secrets
from router.core.resilience.retry import Fault
from router.core.values import Route, Usage
from router.gateway.answer_timeout import AnswerTimeout
from router.gateway.buffered_bytes import SMALL
from router.gateway.held_answers import SMALL_PIECE, HeldAnswers, joined, put_together
from router.gateway.http_connection import Client
from router.gateway.stream_reader import broken_off, shown_error, without_remarks
from router.surfaces.base import Surface
from router.surfaces.far_usage import reports_in
from router.surfaces.lone_surrogates import without_surrogates
from router.surfaces.long_json import outline
from router.surfaces.may_be_billed import MayBeBilled, is_unread, told_in
from router.surfaces.sse import EventScanner, is_event_stream, is_whole, payloads
from router.surfaces.told_error import NO_STATUS, shortened, tells_error
from router.upstream.connection import Connection, Headers
from router.upstream.errors import UpstreamError

_ENDS_UNREAD = (Fault.BAD_RESPONSE, Fault.MID_STREAM)
_LET_GO = (Fault.TOO_LARGE, Fault.NO_ROOM)
_WITHOUT_A_HEAD = (Fault.RESET_BEFORE_HEAD, Fault.FIRST_BYTE_TIMEOUT)
_REPLACED = frozenset({b"content-type", b"content-encoding", b"retry-after", b"retry-after-ms"})


class UpstreamResponse:
    """`connection` is set by the forwarder once the request was sent."""

    __slots__ = (
        "_adapter",
        "_answers",
        "_begun",
        "_client",
        "_counted",
        "_ended",
        "_judged",
        "_kept",
        "_loop",
        "_most",
        "_outline",
        "_parts",
        "_reading",
        "_request_id",
        "_route",
        "_secrets",
        "_surface",
        "_unfit",
        "_usage",
        "asked_at",
        "began",
        "broken",
        "connection",
        "done",
        "headers",
        "owner",
        "patience",
        "ready",
        "restated",
        "scanner",
        "size",
        "status",
        "unread",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        surface: Surface,
        reading: Reading,
        route: Route,
        most: int,
        secrets: Secrets = NO_SECRETS,
        adapter: bool = False,
        request_id: str = "",
        answers: HeldAnswers | None = None,
        owner: str = "",
    ) -> None:
        self.ready: asyncio.Future[None] = loop.create_future()
        self.done: asyncio.Future[None] | None = None
        """The end of a stream that is being relayed."""
        self.connection: Connection | None = None
        self.patience: AnswerTimeout | None = None
        """How long it is waited for; set with the connection."""
        self.asked_at = 0.0
        """Monotonic time when the request was written; 0 before that."""
        self.scanner: EventScanner | None = None
        """Of a stream."""
        self._surface: Final = surface
        self._reading: Final = reading
        self._route: Final = route
        self._secrets = secrets
        """What backends are sent as their credentials."""
        self._request_id = request_id
        self._answers: Final = HeldAnswers(most) if answers is None else answers
        """What this worker keeps of all answers."""
        self.owner: Final = owner
        """The name of the key that asked."""
        self._kept = 0
        """Bytes of `_parts`."""
        self._counted = 0
        """What of that is this one's."""
        self._adapter = adapter
        """The provider is behind our adapter, which tells of it and hides it."""
        self._unfit = ""
        """Why this cannot be an answer, by its head. It is read to its end all the same, since it may be billed."""
        self.status = 0
        self.headers: Headers = []
        self.broken: UpstreamError | None = None
        """Why a stream that the client already sees ended early."""
        self._loop = loop
        self._most = most
        """Bytes that may be held here: a whole answer, or a stream's beginning."""
        self.size = 0
        """Bytes of body that came before any was relayed."""
        self.unread = False
        """What was produced is not known: an answer came whose framing or JSON broke off or was wrong, or it is with
        the adapter."""
        self.began = False
        """An error came where an answer had begun."""
        self._parts: list[bytes | bytearray] = []
        self._outline = b""
        self._judged = False
        """It was looked at whole, and `_usage` is what it reported."""
        self._usage: Usage | None = None
        self._ended = False
        self._begun = False
        """The first event of a stream is whole, and was judged."""
        self.restated = False
        """An error that came with status 200 is what `status` and `body` say now."""
        self._client: Client | None = None

    @property
    def streaming(self) -> bool:
        return self.scanner is not None and not self.restated

    @property
    def all_said(self) -> bool:
        """A stream of which nothing is missing but its end: some clients leave then."""
        scanner = self.scanner
        return scanner is not None and not scanner.error and self._all_said(scanner)

    @property
    def hides_its_work(self) -> bool:
        """Before its head comes nobody sees what is produced, and paid: by the provider behind the adapter, or by a
        cloud that answers in one piece. An own backend bills nobody, and a stream's head is its first sign of life."""
        return self._adapter or not (self._route.owned or self._reading.stream)

    @property
    def body(self) -> bytes:
        return joined(self._parts)

    @property
    def usage(self) -> Usage | None:
        """What an answer that came whole reported."""
        return self._usage if self._judged else self._surface.usage_of(outline(self.body))

    @property
    def outline(self) -> bytes:
        """Of a whole body, see `surfaces.long_json`."""
        return self._outline if self._judged else outline(self.body)

    @property
    def reported(self) -> Usage | None:
        """What one that came to nothing reported all the same."""
        return self._usage if self.scanner is None else self.scanner.usage

    # --- the sink

    def on_head(self, status: int, headers: Headers) -> None:
        self.status = status if 200 <= status < 600 else 502
        self.headers = headers
        if self._adapter and status >= 400:
            told = told_in(headers)
            self.began, self.unread = told is MayBeBilled.INPUT, told is MayBeBilled.ALL
        streams = False
        for name, value in headers:
            if name == b"content-length":
                if value.isdigit() and int(value) > self._most and not self._reading.binary:
                    self._refuse()
                    return
            elif name == b"content-type":
                streams = is_event_stream(value)
            elif name == b"content-encoding" and value.strip().lower() != b"identity":
                self._unfit = "it is encoded, which was not asked for"
        if status == 200:
            if streams:
                self.scanner = self._surface.scanner(self._reading, self._route)
            elif self._reading.binary:
                self._expect_bytes()
            if streams is not self._reading.stream and (streams or not self._reading.may_come_whole):
                self._unfit = self._unfit or ("it is a stream" if streams else "it is no stream")
        elif status < 300:
            self._unfit = f"status {status}"

    def _expect_bytes(self) -> None:
        """What is JSON comes whole, whether it is the answer or an error; a page is none of it."""
        given = next((value for name, value in self.headers if name == b"content-type"), b"")
        media_type = given.partition(b";")[0].strip().lower()
        if media_type == b"text/html":
            self._unfit = "it is a page"
        elif media_type != b"application/json":
            self.scanner = self._surface.byte_scanner(self._reading, media_type)

    def on_body(self, data: bytes) -> None:
        client, scanner = self._client, self.scanner
        if client is not None and scanner is not None:  # its beginning was judged, and is the client's
            out = scanner.feed(data)
            if out:
                client.write(self._seen(scanner, out))
            if scanner.garbled:
                self._break_off()
            elif self._counted or scanner.held > SMALL:
                self._count(scanner.held)
            return
        self.size += len(data)
        if scanner is None:
            self._collect(data)
            if self._kept > SMALL:
                self._count(self._kept)
            return
        if self.restated:
            return
        out = scanner.feed(data)
        if self._unfit:
            if self._counted or scanner.held > SMALL:
                self._count(scanner.held)
            if self.size > self._most:
                self._refuse()
            return
        if out:
            self._write(self._seen(scanner, out))
        if not self._begun and scanner.first_complete:
            self._begun = True
            self._first_event(scanner)
        elif self._begun and scanner.garbled:
            self._break_off()
        if self._counted or self._kept + scanner.held > SMALL:
            self._count(self._kept + scanner.held)

    def _count(self, held: int) -> None:
        self._counted = held if held > SMALL else 0
        self._answers.hold(self, held)

    def crowded_out(self) -> None:
        """There is no room for it. What came whole is about to be the client's, and stays."""
        if self._ended:
            return
        if self.connection is not None:
            self.connection.abort()
        self._let_go()
        self.on_lost(UpstreamError(Fault.NO_ROOM, f"this worker keeps {self._answers.most:,} bytes of answers"))

    def _let_go(self) -> None:
        """Nobody will see it, but for what is the client's already."""
        if not self.ready.done():
            self._parts = []
            self._kept = 0
        if self._counted:
            self._count(self._kept)

    def _write(self, data: bytes) -> None:
        """To the client, or, until it is known that this is its answer, aside."""
        if self._client is not None:
            self._client.write(data)
        else:
            self._collect(data)

    def on_due(self, now: float) -> float:
        """Progress is an event of a stream whose beginning the client may have, and no byte. After the sign of its end,
        or an error, there is nothing to wait for, though some keep the connection open."""
        scanner = self.scanner
        if self.patience is None or (scanner is not None and _over(scanner)):
            return now
        return self.patience.look(now, self._begun, 0 if scanner is None else scanner.events)

    def on_end(self) -> None:
        self._ended = True
        if self._unfit:
            self._end_unfit()
        elif self.scanner is None:
            self._end_whole()
        elif not self.restated:
            self._end_stream(self.scanner)
        self._resolve(self.ready)
        if self.done is not None:
            self._resolve(self.done)

    def _end_unfit(self) -> None:
        if self.status >= 300:
            return
        if self.scanner is None:
            shown = outline(self.body)
            status = self._surface.error_status(shown)
            if status:
                self._restate(status, self.body)
                return
            self._usage = self._surface.read_answer(shown)[1]
        self._fail_ready(Fault.BAD_RESPONSE, self._unfit)

    def _end_whole(self) -> None:
        """Status 200 is a claim."""
        if self.status >= 400:
            self._parts = [shortened(self.body)]
        if self.status != 200:
            return
        body = self.body
        shown = self._outline = outline(body)
        fit, self._usage = self._surface.read_answer(shown)
        if not fit and (plain := without_surrogates(shown)) is not shown:
            fit, self._usage = self._surface.read_answer(plain)
        self._judged = True
        if fit:
            self._parts = [self._secrets.out_of_answer(body)]
            return
        status = self._surface.error_status(shown)
        if status:
            self._restate(status, body)
        else:
            self.unread = shown[:1] == b"{"
            if self.unread and self._usage is None:
                self._usage = self._usage_at_ends(body)
            self._fail_ready(Fault.BAD_RESPONSE, f"status {self.status} without an answer")

    def _usage_at_ends(self, body: bytes) -> Usage | None:
        """Of what could not be read whole: the one with the most output."""
        reports = [self._surface.usage_of(b'{"usage":%b}' % report) for report in reports_in(body, body)]
        return max([each for each in reports if each is not None], key=lambda usage: usage.output, default=None)

    def _end_stream(self, scanner: EventScanner) -> None:
        self._release(scanner)
        garbled = scanner.malformed
        rest = scanner.finish()
        # Half an event must not reach the client, but a text that tells what went wrong may.
        fit = rest and (scanner.malformed == garbled or rest == scanner.failure)
        # Nor must one that our own error, which then follows, would be glued to.
        if fit and (scanner.error or self._all_said(scanner) or is_whole(rest)):
            self._write(self._seen(scanner, rest))
        if not self._begun:
            self._end_unbegun(scanner)
        elif scanner.error:
            self.broken = UpstreamError(Fault.MID_STREAM, "the backend reported an error")
        elif not self._all_said(scanner):
            self.broken = UpstreamError(Fault.MID_STREAM, f"the stream ended without {scanner.end}")

    def _end_unbegun(self, scanner: EventScanner) -> None:
        """All that came is one event without its blank line, or nothing: nobody has seen it, so that another backend
        can be tried."""
        if scanner.events and not (scanner.error or scanner.malformed or self._all_said(scanner)):
            self.unread = True
            self._fail_ready(Fault.BAD_RESPONSE, f"the stream ended without {scanner.end}")
        else:
            self._first_event(scanner)

    def _release(self, scanner: EventScanner) -> None:
        last = scanner.release()
        if last:
            self._write(self._seen(scanner, last))

    def _seen(self, scanner: EventScanner, events: bytes) -> bytes:
        """What the client may see of whole events."""
        if scanner.error:
            return self._error_seen(events)
        return without_remarks(events, self._secrets) if scanner.remarks else events

    def _error_seen(self, events: bytes) -> bytes:
        """The same, once one is an error: that as its surface says it. Of a stream that
        has not begun it sees none: the error stays as it came until its status is known, and `make_relayable` takes
        care of it."""
        if self._adapter:
            self.unread = self.unread or any(map(is_unread, payloads(events)))
        if not self._begun or self.scanner is None:
            return events
        return shown_error(self._surface, self.scanner, events, self._secrets, self._request_id)

    def _all_said(self, scanner: EventScanner) -> bool:
        """It said so, or every answer has come to its end: then nothing is missing but the sign of it."""
        return scanner.done or len(scanner.finished) >= self._reading.answers

    def on_lost(self, error: UpstreamError) -> None:
        self._ended = True
        if not self.ready.done():
            hidden = self.hides_its_work and error.fault in _WITHOUT_A_HEAD
            self.unread = hidden or error.fault in (*_ENDS_UNREAD, *_LET_GO)
            self.ready.set_exception(error)
            return
        scanner = self.scanner
        if scanner is not None:
            self._release(scanner)
        if scanner is None or scanner.error or not self._all_said(scanner):
            self.broken = UpstreamError(Fault.MID_STREAM, error.detail)
            # The adapter breaks off with an error: without one it is the adapter that is lost, with what it had read.
            lost = self._adapter and error.fault in _ENDS_UNREAD and not (scanner and scanner.error)
            self.unread = self.unread or lost
        self._resolve(self.done)

    def _collect(self, data: bytes) -> None:
        if self.size > self._most:
            self._refuse()
        else:
            size, parts = len(data), self._parts
            self._kept += size
            if size >= SMALL_PIECE or not parts:
                parts.append(data)
            else:
                put_together(parts, data)

    def _refuse(self) -> None:
        """It is too large: what is held is let go, and the backend's connection closed, at once."""
        self._let_go()
        if self.connection is not None:
            self.connection.abort()
        self.on_lost(UpstreamError(Fault.TOO_LARGE, f"server.max_answer_bytes is {self._most:,}"))

    def _first_event(self, scanner: EventScanner) -> None:
        if scanner.error:
            self._first_error()
        elif scanner.malformed:
            self.unread = True
            self._fail_ready(Fault.BAD_RESPONSE, f"the stream's first event {scanner.flaw}")
        elif not scanner.events and (self._ended or scanner.done):
            self._fail_ready(Fault.BAD_RESPONSE, "the stream was empty")
        else:
            self._resolve(self.ready)

    def _first_error(self) -> None:
        """The client has nothing yet, so that it is told as an error and not in a stream."""
        failure = b"" if self.scanner is None else self.scanner.failure
        for payload in map(outline, payloads(failure or self.body)):
            status = self._surface.error_status(payload) or (NO_STATUS if tells_error(payload) else 0)
            if status:
                self._restate(status, payload)
                self._resolve(self.ready)
                return
        self._fail_ready(Fault.FIRST_EVENT_ERROR, "")

    def _restate(self, status: int, body: bytes) -> None:
        self.restated = True
        self.began = self.scanner is not None
        self.status = status
        self._parts = [shortened(body)]

    def make_relayable(self, retry_after: int | None) -> None:
        """An error answer that came whole becomes what the client may see of it: its body in the shape that SDKs read,
        without our secrets, and a time to come back (seconds) only where one can be understood."""
        shown = self._secrets.without(self.body)
        self._parts = [self._surface.relayed_error(self.status, shown, self._request_id)]
        self.headers = [pair for pair in self.headers if pair[0] not in _REPLACED]
        self.headers.append((b"content-type", b"application/json"))
        if retry_after is not None:
            self.headers.append((b"retry-after", b"%d" % retry_after))

    def _break_off(self) -> None:
        """An event in the middle is none that a client could read: nothing that follows is of use to it."""
        if self.connection is not None:
            self.connection.abort()
        flaw = "is not JSON" if self.scanner is None else self.scanner.flaw
        self.on_lost(UpstreamError(Fault.MID_STREAM, f"an event of the stream {flaw}"))

    def _fail_ready(self, fault: Fault, detail: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(UpstreamError(fault, detail))

    @staticmethod
    def _resolve(future: asyncio.Future[None] | None) -> None:
        if future is not None and not future.done():
            future.set_result(None)

    # --- the relay

    async def relay(self, client: Client) -> None:
        """Write what was held, then everything as it comes, until the stream ends, well or not.

        A stream that breaks ends with an error event.
        """
        for part in self._parts:
            client.write(bytes(part))
        self._parts = []
        self._kept = 0
        self._client = client
        if self._counted and not self._ended:
            self._count(0 if self.scanner is None else self.scanner.held)
        if self.connection is not None and not self._ended:
            self.connection.deadline = self._loop.time()  # from now on it is looked at as a stream that has begun
            client.on_pause = self._pause
            client.on_resume = self._resume
            if client.stalled_since:
                self._pause()
            self.done = self._loop.create_future()
            await self.done
        scanner = self.scanner
        if self.broken is not None and scanner is not None and not scanner.error and scanner.has_room_for_words:
            client.write(broken_off(self._surface, scanner, self._request_id))

    def _pause(self) -> None:
        """The client reads too slowly. Once the answer has ended its connection may be another exchange's."""
        if self.connection is not None and not self._ended:
            self.connection.pause()
            if self.patience is not None:  # it may be read slowly, but keeps its slot no longer than any stream
                self.connection.deadline = self.patience.latest

    def _resume(self) -> None:
        if self.connection is not None and not self._ended:
            if self.patience is not None:
                self.patience.resumed(self._loop.time())
            self.connection.resume()

    def abandon(self) -> None:
        """Nobody wants the rest: the upstream connection is closed at once."""
        if self._counted:
            self._count(0)
        if self.connection is not None and not self._ended:
            self.connection.abort()
            self._ended = True
            if not self.restated:
                self._parts = []
        self.patience = None  # as its errors below, it leads back here: all would live until cycles are looked for
        if self.ready.done() and not self.ready.cancelled():
            error = self.ready.exception()
            if error is not None:
                error.__traceback__ = None


def _over(scanner: EventScanner) -> bool:
    return scanner.done or (scanner.error and scanner.ends_by_error)
