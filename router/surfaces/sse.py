"""Server-sent events of a streamed answer, read while they pass.

An `EventScanner` stands between the upstream's bytes and the client's. It hands on the very bytes that came, event by
event, and notes what the gateway has to know of them.

Framing follows the WHATWG description: an event ends at a blank line, lines end with LF, CRLF or CR, a line that
starts with a colon is a comment, several `data` lines are joined by LF.
"""

from __future__ import annotations

import re
from functools import lru_cache

from router.core.estimated_usage import BYTES_PER_TOKEN, weight_of
from router.core.values import Usage
from router.surfaces.far_usage import reports_in
from router.surfaces.long_event import LongEvent
from router.surfaces.long_json import LONG, outline

MAX_EVENT = 16 * 1024 * 1024
"""Bytes of one event; a larger one is passed on as it comes rather than held, and read without most of its texts."""

MAX_LINES = 10_000
"""Lines of one event; one with more is read by nobody, since that takes longer than others can wait."""

FIELDS = (b"data:", b"event:")
"""Beginnings of the lines that nearly all events are made of."""

_LF = 10
_CR = 13

# A CR at the end of what has arrived may be half a CRLF, so it ends a line only once the next byte is there.
_LINE_END = rb"(?:\n|\r\n|\r(?=[^\n]))"
_BLANK_LINE = re.compile(_LINE_END + _LINE_END)
_LONGEST_PARTIAL_BLANK_LINE = len(b"\r\n\r")
_BLANK_AT_END = (b"\n\n", b"\r\r", b"\n\r", b"\n\r\n")


@lru_cache(maxsize=64)
def is_event_stream(content_type: bytes) -> bool:
    """Whether a Content-Type names server-sent events: without regard to case and parameters (RFC 9110, 8.3.1)."""
    return content_type.partition(b";")[0].strip().lower() == b"text/event-stream"


class EventScanner:
    """Reads one stream; made for it and thrown away with it. Mutable, without I/O.

    `feed` and `finish` return bytes for the client. What events say is for each dialect's own scanner, which overrides
    `_read`; this one passes on all that comes. The attributes tell what was seen so far:

        usage           the most that events reported, else None
        events          data events with a part of an answer in them
        text_bytes      of what they say, by its weight: a provider may send many tokens at once
        produced        about the tokens produced: as many as either of these says at most
        done            the sign was seen that ends a stream, and no error before it
        finished        the answers (by index) that came to their end
        error           an event was an error, or is called one
        failure         that event, as it came
        malformed       an event was not what the dialect has
        remarks         more passed than parts of an answer: a comment, a line that is neither data nor a name, or why a
                        response is no whole one
        unread          an event was not understood, or has not ended, that may have been any part of the answer, and
                        nothing has been reported since: what was seen says little of what was produced
        unread_bytes    of all such events
        garbled         it was so in the middle of an answer, and is no word of what went wrong: no client could read
                        it, so that it and what follows are not passed on
        flaw            what is wrong with that event, for people
        stored_id       the id by which clients ask again for an answer that its backend keeps, once an event tells it
        stored_parts    ids of parts of it that requests may name by themselves, once its last event tells them
        first_complete  the first event that tells something is whole: one with a part of an answer, an error, the sign
                        of the end or garbage. What comes before it (pings, words on the prompt) is no sign of an answer
    """

    __slots__ = (
        "_has_cr",
        "_held",
        "_long",
        "_max_event",
        "_searched",
        "_unread",
        "_unread_bytes",
        "_usage",
        "done",
        "error",
        "events",
        "failure",
        "finished",
        "first_complete",
        "flaw",
        "garbled",
        "malformed",
        "remarks",
        "stored_id",
        "stored_parts",
        "text_bytes",
    )

    def __init__(self, *, max_event: int = MAX_EVENT) -> None:
        self.events = 0
        self.text_bytes = 0
        self.done = False
        self.finished: set[int] = set()
        self.error = False
        self.failure = b""
        self.malformed = False
        self.garbled = False
        self.flaw = "is not JSON"
        self.first_complete = False
        self.remarks = False
        self.stored_id = ""
        self.stored_parts: tuple[str, ...] = ()
        self._usage: Usage | None = None
        self._max_event = max_event
        self._held = bytearray()
        self._has_cr = False
        """In what is held is a CR."""
        self._searched = 0
        self._long: LongEvent | None = None
        """Which is passing, and too large to be held."""
        self._unread = False
        self._unread_bytes = 0

    @property
    def unread(self) -> bool:
        return self._unread or self._long is not None

    @property
    def unread_bytes(self) -> int:
        return self._unread_bytes + (0 if self._long is None else self._long.came)

    @property
    def usage(self) -> Usage | None:
        return self._usage

    @property
    def produced(self) -> int:
        return max(self.events, self.text_bytes // BYTES_PER_TOKEN)

    @property
    def held(self) -> int:
        """Bytes of an event that has not ended."""
        return len(self._held) if self._long is None else len(self._held) + self._long.held

    @property
    def has_room_for_words(self) -> bool:
        """Whether an error may stand in what passes."""
        return True

    @property
    def ends_by_error(self) -> bool:
        """Whether nothing that follows an error is for the client: some send the sign of a good end all the same."""
        return True

    @property
    def end(self) -> str:
        """The sign that ends a stream, for people."""
        return "its end"

    @property
    def torn(self) -> bool:
        """Whether what was passed on ends within an event, which is too large to be held."""
        return self._long is not None

    @property
    def depth(self) -> int:
        """Of the usage in the event that has it: how many objects it stands in."""
        return 1

    def feed(self, data: bytes) -> bytes:
        """Bytes to send on: all that came, but for an incomplete last event and what is to be removed."""
        if not (self._held or self.error or self.malformed) and len(data) <= self._max_event and is_plain(data):
            removed = self._judge(data[5:-2])
            if self.error:
                self.failure = data
            return b"" if removed else data
        return self._feed_any(data)

    def finish(self) -> bytes:
        """What is still held when the upstream ended well: an event whose blank line is missing.

        After a failure it is not to be called: half an event must not reach the client.
        """
        rest = bytes(self._held)
        self._held.clear()
        return self._passed(rest) if rest else b""

    def release(self) -> bytes:
        """Whole events that were kept back, for the end of a stream of whatever kind."""
        return b""

    def _feed_any(self, data: bytes) -> bytes:
        """Splits what is held and has come into events, at whatever bytes they were cut."""
        held = self._held
        held += data
        passed: list[bytes] = []
        start, end, has_cr = 0, self._searched, self._has_cr or _CR in data
        while (end := _end_of_event(held, end, has_cr)) > 0:
            passed.append(self._passed(bytes(held[start:end])))
            start = end
        del held[:start]
        self._has_cr = has_cr and (not start or _CR in held)  # what is left behind an event came just now
        if self._long is not None or len(held) > self._max_event:
            passed.append(self._skip())
        self._searched = max(0, len(held) - _LONGEST_PARTIAL_BLANK_LINE)
        return b"".join(passed)

    def _skip(self) -> bytes:
        """Lets go of an event that is too large, but for the bytes that may begin its end."""
        if self._long is None:
            self._long = LongEvent(self._max_event)
            self._count_long()
        head = bytes(self._held[:-_LONGEST_PARTIAL_BLANK_LINE])
        del self._held[:-_LONGEST_PARTIAL_BLANK_LINE]
        self._long.feed(head)
        return b"" if self.error and self.ends_by_error else head

    def _note_hidden(self, event: bytes) -> None:
        """What follows an error or garbage is read for what was used, and is no end."""
        long, self._long = self._long, None
        if long is None and len(event) > self._max_event:
            long = LongEvent(self._max_event)
        payload = data_of(event if long is None else _kept_of(long, event))
        done, error = self.done, self.error
        if payload is not None:
            self._read_any(payload)
        elif long is not None:
            self._note_unread(long)
        self.done, self.error = done, error

    def _passed(self, event: bytes) -> bytes:
        """Notes one event (or the end of one that was skipped); what of it goes to the client."""
        if has_many_lines(event):
            self._refuse(len(event), f"has more than {MAX_LINES:,} lines")
            return b""
        if (self.error and self.ends_by_error) or self.garbled:
            self._note_hidden(event)
            return b""
        if self._long is None and len(event) > self._max_event:
            self._long = LongEvent(self._max_event)
            self._count_long()
        if self._long is not None:
            self._read_long(self._long, event)
            return event
        if is_plain(event):
            removed = self._judge(event[5:-2])
        else:
            self.remarks = self.remarks or has_remarks(event)
            payload = data_of(event)
            removed = payload is not None and self._judge(payload)
            if is_called_error(event):
                self.error = self.first_complete = True
                removed = self.garbled = False
        if self.error:
            self.failure = self.failure or event
        return b"" if removed else event

    def _refuse(self, size: int, flaw: str) -> None:
        """It is not looked at, and nobody gets it."""
        self._unread_bytes += size + (0 if self._long is None else self._long.came)
        self._long = None
        self._unread = True
        if self.garbled or (self.error and self.ends_by_error):
            return
        self.flaw = flaw
        self.garbled = self.first_complete and not self.malformed
        self.events += 1
        self.malformed = self.first_complete = True

    def _count_long(self) -> None:
        """One that is too large to be held is no beginning of an answer."""
        self.malformed = self.malformed or not self.first_complete
        self.events += 1
        self.first_complete = True

    def _read_long(self, long: LongEvent, rest: bytes) -> None:
        """Notes one that has passed, with its `rest`: nothing of it can be kept from the client."""
        self._long = None
        payload = data_of(_kept_of(long, rest))
        malformed, said, unread = self.malformed, self.text_bytes, self._unread_bytes
        if payload is not None:
            self._read_any(payload)
        if self.text_bytes > said:
            self.text_bytes += max(0, long.came - len(payload or b""))
        if payload is None or self.malformed != malformed:
            self.malformed, self._unread_bytes = malformed, unread
            self._note_unread(long)

    def _note_unread(self, long: LongEvent) -> None:
        """Of an event that could not be read, by the bytes that it begins and ends with."""
        self._unread_bytes += long.came
        self._look_at_ends(long.begin[long.begin.find(b"{") :], long.end)

    def _look_at_ends(self, begin: bytes, end: bytes) -> None:
        """It is unread, unless it tells there what was used."""
        self._unread = True
        for report in reports_in(begin, end, depth=self.depth):
            self._note_report(report)

    def _judge(self, payload: bytes) -> bool:
        """Notes one data event; True when it is not for the client."""
        begun = self.first_complete and not self.malformed
        removed = self._read(payload) if len(payload) <= LONG else self._read_any(payload)
        if begun and self.malformed:
            self.malformed = payload.strip() != b""  # by the standard an event without data is none
            self.garbled = self.malformed and not (self.error or self.done)
        return removed or self.garbled

    def _read_any(self, payload: bytes) -> bool:
        """As `_read`, of data of any length. Where a long one says something, all of it counts as said."""
        said, shown = self.text_bytes, outline(payload)
        if shown == b"{":
            self._unread_bytes += len(payload)
            self._look_at_ends(payload, payload)
        removed = self._read(shown)
        if len(payload) > LONG and self.text_bytes > said:
            self.text_bytes = said + weight_of(payload)
        return removed

    def _read(self, payload: bytes) -> bool:
        """Notes one data event; True when it is to be removed."""
        return False

    def _note_report(self, report: bytes) -> None:
        """Notes the `usage` of an event of which nothing else was understood: the largest counts, as an estimate."""


def _kept_of(long: LongEvent | None, rest: bytes) -> bytes:
    """What is kept of one that ends with `rest`; empty when it was too full."""
    long = long or LongEvent(MAX_EVENT)
    long.feed(rest)
    return long.whole


def payloads(events: bytes) -> list[bytes]:
    """The data of each whole event, `[DONE]` among them."""
    blocks = _BLANK_LINE.split(events)
    return [payload for block in blocks if (payload := data_of(block)) is not None]


def data_of(event: bytes) -> bytes | None:
    """The data of one event; None when it has none, or more lines than are read."""
    if has_many_lines(event):
        return None
    lines = [value_of(line) for line in event.splitlines() if line.startswith(b"data:") or line == b"data"]
    return b"\n".join(lines) if lines else None


def has_many_lines(event: bytes) -> bool:
    """Whether it has more lines than are read of one."""
    return len(event) > MAX_LINES and max(event.count(b"\n"), event.count(b"\r")) > MAX_LINES


def has_remarks(event: bytes) -> bool:
    """Whether it has a line that is neither data nor a name."""
    return any(line and not line.startswith(FIELDS) for line in event.splitlines())


def is_whole(event: bytes) -> bool:
    """Whether a blank line ends it, if another event or the end of the stream follows."""
    return event.endswith(_BLANK_AT_END)


def value_of(line: bytes) -> bytes:
    """What stands behind a line's colon."""
    value = line.partition(b":")[2]
    return value[1:] if value.startswith(b" ") else value


def is_plain(data: bytes) -> bool:
    """Whether it is exactly one event that is exactly one line of data ending with LF, as nearly all are."""
    return data.find(b"\n") == len(data) - 2 and data.startswith(b"data:") and data[-1] == _LF and _CR not in data


def _end_of_event(held: bytearray, position: int, has_cr: bool) -> int:
    """Where the first event ends whose blank line is at or after `position`; 0 when there is none."""
    if not has_cr:
        found = held.find(b"\n\n", position)
        return found + 2 if found >= 0 else 0
    blank = _BLANK_LINE.search(held, position)
    return blank.end() if blank is not None else 0


def is_called_error(event: bytes) -> bool:
    """Whether an event's name is that of an error."""
    return any(line.startswith(b"event:") and value_of(line).strip() == b"error" for line in event.splitlines())
