from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.compiled import interpreted_only

from router.surfaces.sse import MAX_LINES, EventScanner, data_of, is_event_stream, is_whole, payloads


def test_payloads_are_the_data_of_each_event() -> None:
    stream = b": ping\n\nevent: x\ndata: a\ndata: b\n\ndata\r\n\r\ndata: [DONE]\n\ndata: {}"
    assert payloads(stream) == [b"a\nb", b"", b"[DONE]", b"{}"]


@given(st.lists(st.sampled_from([b"data: {}\n\n", b"event: ping\n", b"\r", b"\n", b"data", b": x\n\n"])))
def test_a_scanner_of_no_dialect_passes_on_all_that_comes(pieces: list[bytes]) -> None:
    scanner = EventScanner()
    assert b"".join([scanner.feed(piece) for piece in pieces]) + scanner.finish() == b"".join(pieces)
    assert (scanner.usage, scanner.events, scanner.done) == (None, 0, False)


def test_an_event_is_an_error_by_its_name_in_every_dialect() -> None:
    scanner = EventScanner()
    scanner.feed(b"event: error\ndata: {}\n\n")
    assert (scanner.error, scanner.first_complete, scanner.end) == (True, True, "its end")
    assert scanner.release() == b""


@pytest.mark.parametrize("line", [b": ping", b"Traceback: x", b"id: 1", b"words"])
def test_what_is_neither_data_nor_a_name_is_a_remark(line: bytes) -> None:
    scanner = EventScanner()
    scanner.feed(b"event: x\ndata: {}\n\ndata: {}\n\n")
    assert not scanner.remarks
    scanner.feed(line + b"\ndata: {}\n\n")
    scanner.feed(b"event: x\ndata: {}\n\n")
    assert scanner.remarks


ERROR = b"event: error\ndata: {}\n\n"
AFTER = b"data: a\n\n"


@pytest.mark.parametrize(
    "pieces", [[ERROR + AFTER], [ERROR, AFTER], [ERROR, AFTER[:4], AFTER[4:]], [ERROR, b": x\n\n"]]
)
def test_nothing_follows_an_error(pieces: list[bytes]) -> None:
    scanner = EventScanner()
    assert b"".join([scanner.feed(piece) for piece in pieces]) + scanner.finish() == ERROR


def test_nor_does_half_an_event_or_one_that_is_too_large() -> None:
    scanner = EventScanner(max_event=30)
    assert scanner.feed(ERROR + AFTER[:4]) == ERROR
    assert scanner.finish() == b""
    large = b"data: " + b"x" * 50
    assert scanner.feed(large) + scanner.feed(large + b"\n\n" + large + b"\n\n" + AFTER) + scanner.finish() == b""
    assert scanner.ends_by_error


def test_one_that_is_too_large_is_passed_on_torn_until_it_ends() -> None:
    scanner = EventScanner(max_event=30)
    scanner.feed(b"data: " + b"x" * 50)
    assert scanner.torn
    scanner.feed(b"\n\n")
    assert not scanner.torn


class Counted(bytearray):
    """Tells how many bytes were looked at."""

    looked_at = 0

    def __contains__(self, sign: object) -> bool:
        self.looked_at += len(self)
        return super().__contains__(sign)

    def find(self, sign: bytes, start: int = 0) -> int:
        self.looked_at += len(self) - start
        return super().find(sign, start)


@interpreted_only
@pytest.mark.parametrize("begin", [b"data: ", b"data: 1\n\ndata: "])
def test_an_event_that_comes_in_many_pieces_is_looked_at_once(begin: bytes) -> None:
    def looked_at(pieces: int) -> int:
        scanner = EventScanner()
        scanner._held = Counted()
        scanner.feed(begin)
        for _ in range(pieces):
            scanner.feed(b"x" * 100)
        assert scanner.held == len(b"data: ") + 100 * pieces
        return scanner._held.looked_at

    assert looked_at(800) <= 2 * looked_at(400) + len(begin)


@pytest.mark.parametrize("size", [1000, 100_000])
@pytest.mark.parametrize("line", [b":\n", b"data:\n", b"data\r", b"data: 1\r\n"])
def test_an_event_of_very_many_lines_is_read_by_nobody_and_ends_what_it_is_in(line: bytes, size: int) -> None:
    scanner = EventScanner()
    scanner.first_complete = True
    events = b"data: 1\n\n" + line * (MAX_LINES + 1) + line[-2:].lstrip(b":1a") + b"data: 2\n\n"
    passed = b"".join(scanner.feed(events[at : at + size]) for at in range(0, len(events), size))
    assert (passed, scanner.finish()) == (b"data: 1\n\n", b"")
    assert (scanner.garbled, scanner.flaw) == (True, "has more than 10,000 lines")
    assert scanner.feed(events) == b""


def test_one_that_comes_first_is_for_who_reads_to_refuse_and_behind_an_error_it_is_nothing() -> None:
    first, failed = EventScanner(), EventScanner()
    many = b"data: 1\n" * (MAX_LINES + 1) + b"\n"
    assert first.feed(many) == b"" and first.malformed and not first.garbled
    assert failed.feed(ERROR + many) == ERROR and not failed.malformed
    assert data_of(many) is None and data_of(many[: 8 * MAX_LINES - 8]) is not None


def test_an_event_of_some_hundred_lines_passes() -> None:
    event = b"data: 1\n" * 9000 + b"\n"
    assert EventScanner().feed(event) == event


class Digits(EventScanner):
    """Its events are numbers, of which 0 is the end."""

    def _read(self, payload: bytes) -> bool:
        self.malformed = self.malformed or not payload.strip().isdigit()
        self.error = self.error or payload == b" error"
        self.done = self.done or payload == b" 0"
        self.first_complete = True
        return False


@interpreted_only
@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("end", [b"data: 3\n\n", b"data: 0\n\n", b"data: error\n\n"])
def test_garbage_before_the_end_reaches_nobody_nor_does_what_follows(size: int, end: bytes) -> None:
    scanner, events = Digits(), b"data: 1\n\ndata:\n\ndata: 2\n\ndata: ?\n\n" + end + b"data: 4"
    passed = b"".join(scanner.feed(events[at : at + size]) for at in range(0, len(events), size)) + scanner.finish()
    assert passed == b"data: 1\n\ndata:\n\ndata: 2\n\n"
    assert scanner.garbled and not (scanner.done or scanner.error)


@interpreted_only
def test_garbage_alone_in_what_came_reaches_nobody_and_behind_the_end_it_is_none_of_ours() -> None:
    scanner = Digits()
    assert scanner.feed(b"data: 1\n\n") and scanner.feed(b"data: 1?\n\n") + scanner.feed(b"data: 1\n\n") == b""
    assert scanner.garbled
    over = Digits()
    assert over.feed(b"data: 0\n\n") + over.feed(b"data: 1?\n\n") == b"data: 0\n\ndata: 1?\n\n"
    assert not over.garbled


@interpreted_only
def test_garbage_that_comes_first_is_for_who_reads_to_refuse_and_what_is_called_an_error_is_one() -> None:
    first, named = Digits(), Digits()
    assert first.feed(b"data: 1?\n\n") and not first.garbled
    assert named.feed(b"data: 1\n\nevent: error\ndata: ?\n\n").endswith(b"?\n\n")
    assert named.error and not named.garbled


def test_an_event_is_whole_by_the_blank_line_at_its_end() -> None:
    assert all(map(is_whole, [b"data: x\n\n", b"data: x\r\n\r\n", b"data: x\r\n\r", b"data: x\r\r"]))
    assert not any(map(is_whole, [b"data: x", b"data: x\n", b"data: x\r\n", b"data: x\r"]))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"text/event-stream", True),
        (b"Text/Event-Stream; charset=utf-8", True),
        (b" text/event-stream ;charset=utf-8", True),
        (b"text/event-streams", False),
        (b"application/json; a=text/event-stream", False),
        (b"", False),
    ],
)
def test_content_types_are_compared_as_the_standard_says(value: bytes, expected: bool) -> None:
    assert is_event_stream(value) is expected


@given(st.binary())
def test_no_content_type_raises(value: bytes) -> None:
    is_event_stream(value)


def test_an_error_may_stand_among_events() -> None:
    assert EventScanner().has_room_for_words
