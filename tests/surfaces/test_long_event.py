"""Of events that are too long to be held it is known what they say of an answer, or else that it is not known."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.values import Usage
from router.surfaces.anthropic.stream import MessageScanner
from router.surfaces.long_event import LongEvent
from router.surfaces.openai.media.stream import MediaScanner
from router.surfaces.openai.responses.stream import ResponseScanner
from router.surfaces.openai.stream import ChunkScanner
from router.surfaces.openai.vllm_running_usage import RunningUsageScanner
from router.surfaces.sse import EventScanner

MOST = 6000
TEXTS = st.lists(
    st.sampled_from(["a", '"', "\\", "é", "😀", "\n", "x" * 500, "b" * 997, "é" * 700, '\\"', "\\" * 9]), max_size=9
).map("".join)


def in_pieces(data: bytes, size: int) -> Iterable[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def kept_of(data: bytes, size: int, most: int = 10**9) -> LongEvent:
    event = LongEvent(most)
    for piece in in_pieces(data, size):
        event.feed(piece)
    return event


@given(st.lists(st.lists(TEXTS | st.integers(), max_size=3), max_size=6), st.booleans(), st.integers(1, 60))
def test_what_is_kept_is_the_same_however_it_comes(value: list[Any], escaped: bool, size: int) -> None:
    data = json.dumps(value, ensure_ascii=escaped).encode()
    whole = kept_of(data, len(data)).whole
    assert kept_of(data, size).whole == whole
    assert [len(each) for each in json.loads(whole)] == [len(each) for each in value]
    if len(data) < 1000 and b"\\" not in data:
        assert whole == data


@pytest.mark.parametrize("text", ["A" * 70_000, 'a"' * 35_000, "\\" * 70_000, "\\\\a" * 20_001, "é" * 40_000])
@pytest.mark.parametrize("size", [99, 4096, 10**6])
def test_of_a_long_text_some_characters_are_kept(text: str, size: int) -> None:
    data = json.dumps({"type": "a", "text": text, "usage": 1}, ensure_ascii=False).encode()
    event = kept_of(data, size, most=20_000)
    found = json.loads(event.whole)
    assert (found["type"], found["usage"], event.came) == ("a", 1, len(data)) and text.startswith(found["text"])
    assert event.begin == data[:1024]


@pytest.mark.parametrize("data", [b"[" + b"1," * 9000, b'"' * 1_000_001], ids=["numbers", "quotes"])
def test_of_what_is_too_full_nothing_is_kept(data: bytes) -> None:
    event = kept_of(data, 10**7, most=9000)
    event.feed(b"{}")
    assert event.lost and event.whole == b"" and event.held == 0 and event.came == len(data) + 2


def sse(data: dict[str, Any], name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(data).encode() + b"\n\n"


SPENT = {"input_tokens": 1000, "output_tokens": 90_000}
DRAWN = [{"type": "image_generation_call", "id": f"ig_{n}", "result": "A" * 9000} for n in range(4)]
RESPONSE = {"id": "resp_1", "status": "completed", "output": DRAWN, "usage": SPENT}
DELTA = sse({"type": "response.output_text.delta", "delta": "hello"})
LAST = sse({"type": "response.completed", "response": RESPONSE}, "response.completed")
CHUNK = {"choices": [{"index": 0, "delta": {"content": "hi"}}]}
PAID = {"prompt_tokens": 7, "completion_tokens": 900}


def fed(scanner: EventScanner, data: bytes, size: int) -> EventScanner:
    assert b"".join(map(scanner.feed, in_pieces(data, size))) == data
    return scanner


@pytest.mark.parametrize("size", [50, 3000, 10**6])
def test_the_last_event_of_a_response_is_its_end_and_tells_what_was_used(size: int) -> None:
    scanner = fed(ResponseScanner(max_event=MOST), DELTA + LAST, size)
    assert scanner.done and not (scanner.error or scanner.malformed or scanner.unread or scanner.torn)
    assert scanner.usage == Usage(input=1000, output=90_000, estimated=True)
    assert scanner.stored_parts == ("ig_0", "ig_1", "ig_2", "ig_3")


@pytest.mark.parametrize("name", ["", "response.completed"])
def test_one_that_is_too_full_is_the_end_by_its_beginning(name: str) -> None:
    response = {"id": "resp_1", "status": "completed", "output": DRAWN, "metadata": [1] * 9000}
    full = sse({"type": "response.completed", "response": response}, name)
    scanner = fed(ResponseScanner(max_event=MOST), DELTA + full, 3000)
    assert scanner.done and scanner.unread and scanner.usage is None
    other = fed(ResponseScanner(max_event=MOST), DELTA + full.replace(b"completed", b"other"), 3000)
    assert other.unread and not other.done


def test_while_one_passes_nothing_is_known_of_what_was_produced() -> None:
    scanner = ResponseScanner(max_event=MOST)
    scanner.feed(DELTA + LAST[:8000])
    assert scanner.unread and scanner.torn and 0 < scanner.held < 2 * MOST


@pytest.mark.parametrize("size", [3000, 10**6])
def test_a_picture_that_is_too_long_is_one(size: int) -> None:
    event = sse({"type": "image_generation.completed", "b64_json": "A" * 9000, "usage": SPENT})
    scanner = fed(MediaScanner(False, max_event=MOST), sse({"type": "image_generation.partial_image"}) + event, size)
    assert scanner.done and scanner.usage is not None and scanner.usage.output == 90_000


@pytest.mark.parametrize("size", [3000, 10**6])
@pytest.mark.parametrize("kind", [ChunkScanner, RunningUsageScanner])
def test_a_long_part_of_a_chat_counts_with_all_of_it(kind: type[ChunkScanner], size: int) -> None:
    said = {"choices": [{"index": 0, "delta": {"content": "a" * 9000}, "finish_reason": "stop"}]}
    scanner = fed(kind(True, max_event=MOST), sse(CHUNK) + sse(said), size)
    assert scanner.produced > 2000 and scanner.finished == {0} and not scanner.unread
    counted = fed(kind(True, max_event=MOST), sse(CHUNK) + sse({**said, "usage": PAID}), size)
    assert counted.usage == Usage(input=7, output=900)


def test_what_was_kept_back_goes_before_it() -> None:
    end = sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    scanner = RunningUsageScanner(True, max_event=MOST)
    large = sse({"choices": [{"index": 1, "delta": {"content": "a" * 9000}}]})
    passed = scanner.feed(sse(CHUNK)) + scanner.feed(end) + scanner.feed(large[:8000]) + scanner.feed(large[8000:])
    assert passed == sse(CHUNK) + end + large


FULL = sse({"choices": [{"index": 0, "logprobs": [1] * 9000}]})


@pytest.mark.parametrize("large", [FULL, b"data: {" + b'"' + b"a" * 9000 + b"\n\n"], ids=["full", "no JSON"])
def test_one_that_is_not_read_says_nothing_until_something_is_reported(large: bytes) -> None:
    scanner = fed(ChunkScanner(False, max_event=MOST), sse(CHUNK) + large, 3000)
    assert scanner.unread and not scanner.malformed
    scanner.feed(sse({"choices": [], "usage": PAID}))
    assert not scanner.unread and scanner.usage == Usage(input=7, output=900)
    running = fed(RunningUsageScanner(False, max_event=MOST), sse(CHUNK) + large, 3000)
    running.feed(sse({"choices": [], "usage": PAID}))
    assert not running.unread


WIDE = [1] * 9000
TOLD = {"prompt_tokens": 7, "completion_tokens": 15_000}


@pytest.mark.parametrize("size", [3000, 10**6])
@pytest.mark.parametrize("kind", [ChunkScanner, RunningUsageScanner])
def test_what_one_that_is_not_read_tells_near_its_end_or_its_beginning_was_used(
    kind: type[ChunkScanner], size: int
) -> None:
    for event in ({"choices": [{"logprobs": WIDE}], "usage": TOLD}, {"usage": TOLD, "choices": [{"logprobs": WIDE}]}):
        scanner = fed(kind(False, max_event=MOST), sse(CHUNK) + sse(event), size)
        assert scanner.usage == Usage(input=7, output=15_000, estimated=True) and not scanner.unread


def test_so_does_one_of_a_message_a_response_or_a_transcript() -> None:
    begun = sse({"type": "message_start", "message": {"usage": SPENT}}) + sse({"type": "content_block_start"})
    told = sse({"type": "message_delta", "delta": {"stop_reason": WIDE}, "usage": {"output_tokens": 15_000}})
    message = fed(MessageScanner(max_event=MOST), begun + told, 3000)
    assert message.usage == Usage(input=1000, output=15_000) and not message.unread
    ended = sse({"type": "response.completed", "response": {"output": WIDE, "usage": SPENT}})
    response = fed(ResponseScanner(max_event=MOST), DELTA + ended, 3000)
    assert response.usage == Usage(input=1000, output=90_000, estimated=True) and not response.unread
    heard = sse({"type": "transcript.text.done", "logprobs": WIDE, "usage": SPENT})
    transcript = fed(MediaScanner(False, max_event=MOST), sse({"type": "transcript.text.delta"}) + heard, 3000)
    assert transcript.usage == Usage(input=1000, output=90_000, estimated=True) and not transcript.unread


@pytest.mark.parametrize(
    ("scanner", "begun", "frame"),
    [
        (ResponseScanner(max_event=MOST), DELTA, '{"response": {"a": [%s], "usage": {"input_tokens": "a"}}}'),
        (MediaScanner(False, max_event=MOST), DELTA, '{"a": [%s], "usage": {"input_tokens": "a"}}'),
        (ChunkScanner(False, max_event=MOST), sse(CHUNK), '{"a": [%s], "usage": {"prompt_tokens": NaN}}'),
        (ResponseScanner(max_event=MOST), DELTA, '{"response": {"a": [%s], "usage": {"output_tokens": NaN}}}'),
    ],
)
def test_numbers_that_are_none_leave_it_unread(scanner: EventScanner, begun: bytes, frame: str) -> None:
    fed(scanner, begun + b"data: " + frame.replace("%s", "1," * 9000 + "1").encode() + b"\n\n", 3000)
    assert scanner.unread and scanner.usage is None and scanner.unread_bytes > 18_000


@pytest.mark.parametrize("size", [3000, 10**6])
def test_bytes_of_what_is_not_read_are_counted_while_they_pass(size: int) -> None:
    scanner = fed(ChunkScanner(False, max_event=MOST), sse(CHUNK) + FULL, size)
    assert scanner.unread_bytes == len(FULL)
    scanner.feed(FULL[:8000])
    assert len(FULL) + 7900 < scanner.unread_bytes <= len(FULL) + 8000


def test_what_is_too_crowded_tells_at_its_end_what_was_used() -> None:
    scanner = ChunkScanner(False)
    scanner.feed(sse(CHUNK))
    scanner.feed(b'data: {"choices":[' + b"{}," * 1_600_000 + b'{}],"usage":' + json.dumps(TOLD).encode() + b"}\n\n")
    assert not scanner.unread and scanner.usage == Usage(input=7, output=15_000, estimated=True)
    assert scanner.unread_bytes > 4_800_000


def test_lines_that_are_too_many_are_counted() -> None:
    scanner = ChunkScanner(False, max_event=MOST)
    scanner.feed(sse(CHUNK))
    lines = b"data: 1\n" * 10_001
    scanner.feed(lines + b"\n")
    assert scanner.unread and scanner.unread_bytes == len(lines) + 1


def test_nor_does_one_of_a_message_a_response_or_a_transcript() -> None:
    begun = sse({"type": "message_start", "message": {"usage": SPENT}}) + sse({"type": "content_block_start"})
    message = fed(MessageScanner(max_event=MOST), begun + FULL, 3000)
    assert message.unread
    message.feed(sse({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": SPENT}))
    assert not message.unread
    response = fed(ResponseScanner(max_event=MOST), DELTA + FULL, 3000)
    response.feed(sse({"type": "response.completed", "response": {**RESPONSE, "output": []}}))
    assert not response.unread and response.done
    heard = fed(MediaScanner(False, max_event=MOST), sse({"type": "transcript.text.delta", "delta": "a"}) + FULL, 3000)
    heard.feed(sse({"type": "transcript.text.done", "usage": SPENT}))
    assert not heard.unread


@pytest.mark.parametrize("size", [3000, 10**6])
def test_behind_an_error_it_is_for_nobody_but_what_it_tells_was_used(size: int) -> None:
    scanner = ChunkScanner(False, max_event=MOST)
    scanner.feed(sse(CHUNK) + sse({"error": {"message": "no"}}))
    large = sse({"choices": [], "usage": PAID, "said": "a" * 9000})
    assert b"".join(map(scanner.feed, in_pieces(large, size))) == b""
    assert scanner.usage == Usage(input=7, output=900)


@pytest.mark.parametrize("size", [3000, 10**6])
def test_what_is_not_read_behind_an_error_leaves_unknown_what_was_produced(size: int) -> None:
    scanner = ChunkScanner(False, max_event=MOST)
    scanner.feed(sse(CHUNK) + sse({"error": {"message": "no"}}))
    for piece in in_pieces(FULL, size):
        scanner.feed(piece)
    assert scanner.unread and scanner.error and not scanner.done


def test_one_that_is_too_crowded_to_be_read_leaves_unknown_what_was_produced() -> None:
    scanner = ChunkScanner(False)
    scanner.feed(sse(CHUNK))
    scanner.feed(b'data: {"choices":[' + b"{}," * 1_600_000 + b"{}]}\n\n")
    assert scanner.unread
