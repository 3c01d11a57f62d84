from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.values import Usage
from router.surfaces.anthropic.stream import MessageScanner


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind} | fields)}\n\n".encode()


def delta(text: str) -> bytes:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


START = event("message_start", message={"id": "m", "usage": {"input_tokens": 20, "output_tokens": 1}})
BLOCK = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
PING = event("ping")
END = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 12})
STOP = event("message_stop")
WHOLE = START + PING + BLOCK + delta("Hel") + delta("lo") + event("content_block_stop", index=0) + END + STOP


def scanned(*parts: bytes) -> MessageScanner:
    scanner = MessageScanner()
    for part in parts:
        assert scanner.feed(part) == part
    return scanner


def test_a_whole_stream() -> None:
    found = scanned(WHOLE)
    assert found.done and not found.error and not found.malformed
    assert found.usage == Usage(20, output=12)
    assert found.end == "message_stop"


@given(st.lists(st.integers(0, len(WHOLE)), max_size=8))
def test_wherever_it_is_cut_the_bytes_pass_and_mean_the_same(cuts: list[int]) -> None:
    scanner, passed, edges = MessageScanner(), b"", [0, *sorted(cuts), len(WHOLE)]
    for start, end in itertools.pairwise(edges):
        passed += scanner.feed(WHOLE[start:end])
    assert (passed, scanner.usage, scanner.done) == (WHOLE, Usage(20, output=12), True)


def test_what_is_no_sign_of_an_answer_yet() -> None:
    assert not scanned(START, PING).first_complete
    assert scanned(START, PING, BLOCK).first_complete


def test_a_refusal_is_an_answer() -> None:
    found = scanned(START, event("message_delta", delta={"stop_reason": "refusal"}, usage={"output_tokens": 2}), STOP)
    assert found.events and found.done and not found.error
    assert found.usage == Usage(20, output=2)


def test_without_its_end_a_stream_is_not_whole_and_its_output_is_estimated() -> None:
    found = scanned(START, BLOCK, delta("Hel"), delta("lo"), delta(", world" * 40))
    assert not found.done and not found.finished
    usage = found.usage
    assert usage is not None and usage.estimated and usage.input == 20
    assert 40 < usage.output == found.produced < 120


@pytest.mark.parametrize(
    ("said", "tokens"),
    [
        ({"type": "text_delta", "text": "twelve bytes"}, 3),
        ({"type": "thinking_delta", "thinking": "word " * 40}, 50),
        ({"type": "input_json_delta", "partial_json": "word " * 40}, 50),
        ({"type": "text_delta", "text": "2026" * 50}, 100),
        ("word " * 40, 50),
        ({"type": "signature_delta", "signature": "x" * 400}, 1),
    ],
)
def test_what_was_produced_is_told_by_what_events_say(said: Any, tokens: int) -> None:
    found = scanned(START, BLOCK, *[event("content_block_delta", index=0, delta=said)] * 10)
    assert found.produced == pytest.approx(10 * tokens, rel=0.02)


def test_the_reason_for_its_end_is_not_its_end() -> None:
    found = scanned(START, BLOCK, delta("Hello"), END)
    assert not found.done and not found.finished


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("stop", [STOP, b'data: {"type":"message_stop"}\n\n', event("message_stop", usage="odd")])
@pytest.mark.parametrize(
    "said",
    [
        b"",
        event("message_delta", delta={"stop_reason": None}, usage={"output_tokens": 12}),
        event("message_delta", delta={}, usage="odd"),
        event("message_delta", delta=5),
        event("message_delta"),
    ],
)
def test_without_a_reason_an_end_is_none_and_reaches_nobody(said: bytes, stop: bytes, together: bool) -> None:
    scanner, before = MessageScanner(), START + BLOCK + delta("Hello") + said
    passed = scanner.feed(before + stop) if together else scanner.feed(before) + scanner.feed(stop)
    assert (passed, scanner.done, scanner.end) == (before, False, "a stop_reason")


def test_an_end_of_nothing_is_no_sign_of_an_answer() -> None:
    scanner = MessageScanner()
    assert scanner.feed(START + STOP) == START
    assert not scanner.first_complete


def test_a_reason_stays_said() -> None:
    assert scanned(START, delta("a"), END, event("message_delta", delta={"stop_reason": None}), STOP).done


ERROR = event("error", error={"type": "overloaded_error", "message": "Overloaded"})


@pytest.mark.parametrize(
    "pieces", [[ERROR + END + STOP], [ERROR, END, STOP], [ERROR, b'data: {"type":"message_stop"}\n\n']]
)
def test_nothing_follows_an_error(pieces: list[bytes]) -> None:
    scanner = MessageScanner()
    assert b"".join([scanner.feed(piece) for piece in [START, delta("a"), *pieces]]) == START + delta("a") + ERROR
    assert scanner.error and not scanner.done


def test_what_is_reported_at_the_end_counts() -> None:
    cached = {"input_tokens": 5, "cache_read_input_tokens": 15, "output_tokens": 7}
    assert scanned(START, event("message_delta", delta={}, usage=cached)).usage == Usage(20, 15, output=7)


@pytest.mark.parametrize(
    "part", [event("message_start", message={}), event("message_start"), event("message_delta", delta={}), PING]
)
def test_what_reports_nothing(part: bytes) -> None:
    assert scanned(part).usage is None


@pytest.mark.parametrize(
    "part",
    [
        event("error", error={"type": "overloaded_error", "message": "Overloaded"}),
        b'data: {"type":"error","error":{"type":"api_error","message":"no"}}\n\n',
        b'data: {"error":{"message":"no"}}\n\n',
        b'data: {"type":"error"}\n\n',
    ],
)
def test_errors(part: bytes) -> None:
    found = scanned(START, part)
    assert found.error and found.first_complete and not found.done


@pytest.mark.parametrize(
    ("part", "events", "done"),
    [
        (event("message_delta", usage="odd"), 1, False),
        (END + event("message_stop", usage="odd"), 1, True),
        (event("message_delta", usage="odd", delta={"stop_reason": "end_turn"}) + STOP, 1, True),
        (event("ping", usage="odd"), 0, False),
    ],
)
def test_an_event_with_something_odd_in_it(part: bytes, events: int, done: bool) -> None:
    found = scanned(part)
    assert (found.events, found.done, found.malformed) == (events, done, False)


@pytest.mark.parametrize("kind", ["", "x"])
def test_an_error_with_something_odd_in_it(kind: str) -> None:
    found = scanned(event(kind, error={"message": "no"}, usage="odd"))
    assert found.error and found.first_complete and not found.malformed


@pytest.mark.parametrize("part", [b"event: x\ndata: {\n\n", b"data: [DONE]\n\n", b"data: 5\n\n"])
def test_garbage(part: bytes) -> None:
    assert scanned(part).malformed


def test_a_report_without_input_is_estimated_but_for_its_output() -> None:
    start = event("message_start", message={"usage": {}})
    seen = scanned(
        start,
        delta("a"),
        event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 50}),
        event("message_stop"),
    )
    assert seen.usage is None and seen.produced == 50 and seen.done


def test_half_a_character_is_a_part_of_an_answer() -> None:
    seen = scanned(b'data: {"type": "content_block_delta", "delta": {"text": "\\ud83d"}}\n\n')
    assert seen.events == 1 and not seen.malformed
