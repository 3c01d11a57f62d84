from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from router.core.values import Usage
from router.surfaces.openai.stream import ChunkScanner, StoredChunkScanner
from router.surfaces.openai.vllm_running_usage import RunningUsageScanner
from router.surfaces.sse import MAX_EVENT

USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def token(text: str, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
    return event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice], **more})


HELLO = token("Hé 世界", usage=None)
STOP = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": None})
LAST = event({"choices": [], "usage": USAGE})
LEARNT = ("done", "error", "events", "finished", "first_complete", "malformed", "usage")
DONE = b"data: [DONE]\n\n"
COMMENT = b": keep-alive\n\n"


def scan(
    pieces: Iterable[bytes], *, strip_usage: bool = False, max_event: int = MAX_EVENT
) -> tuple[bytes, dict[str, Any]]:
    """Everything that a scanner puts out and learns from a stream."""
    scanner = ChunkScanner(strip_usage, max_event=max_event)
    out = b"".join([scanner.feed(piece) for piece in pieces]) + scanner.finish()
    return out, {name: getattr(scanner, name) for name in LEARNT}


def bytewise(stream: bytes) -> list[bytes]:
    return [stream[i : i + 1] for i in range(len(stream))]


def test_a_chat_stream_passes_untouched_and_is_understood() -> None:
    stream = [HELLO, COMMENT, STOP, LAST, DONE]
    out, learnt = scan(stream)

    assert out == b"".join(stream)
    assert learnt == {
        "usage": Usage(input=7, cached=4, output=2),
        "events": 2,
        "done": True,
        "finished": {0},
        "error": False,
        "malformed": False,
        "first_complete": True,
    }


def test_each_whole_event_goes_on_at_once() -> None:
    scanner = ChunkScanner(strip_usage=True)

    assert [scanner.feed(piece) for piece in (HELLO, COMMENT, STOP, DONE)] == [HELLO, COMMENT, STOP, DONE]
    assert scanner.feed(b"") == b""


@pytest.mark.parametrize("split", [bytewise, lambda stream: [stream]], ids=["byte by byte", "whole"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_the_usage_event_is_removed_whole(split: Any, line_end: bytes) -> None:
    stream = [part.replace(b"\n", line_end) for part in (HELLO, STOP, b": bye\n" + LAST, DONE)]
    out, learnt = scan(split(b"".join(stream)), strip_usage=True)

    assert out == stream[0] + stream[1] + stream[3]
    assert learnt["usage"] == Usage(input=7, cached=4, output=2)
    assert learnt["done"]


@pytest.mark.parametrize(
    "kept",
    [
        event({"choices": [], "prompt_filter_results": []}),
        event({"choices": [], "usage": None}),
        event({"choices": [{"index": 0, "delta": {"content": "x"}}], "usage": USAGE}),
        event({"usage": USAGE}),
        event({"choices": [], "usage": USAGE, "error": {"message": "late"}}),
        event({"choices": [], "usage": "odd"}),
        event({"choices": [], "usage": {"prompt_tokens": "odd"}, "error": {}}),
        token('"choices":[],"usage":{"prompt_tokens":1} "error":{} [DONE]'),
    ],
    ids=str,
)
def test_no_other_event_is_removed(kept: bytes) -> None:
    assert scan([kept], strip_usage=True)[0] == kept
    assert scan([HELLO + kept], strip_usage=True)[0] == HELLO + kept


@pytest.mark.parametrize(
    "event_before",
    [b"event: ping\ndata: {}\n\n", event({"choices": [], "prompt_filter_results": []}), LAST, COMMENT],
    ids=str,
)
@pytest.mark.parametrize("make", [ChunkScanner, RunningUsageScanner])
def test_what_comes_before_the_answer_is_no_sign_of_one(make: type[ChunkScanner], event_before: bytes) -> None:
    scanner = make(True)
    scanner.feed(event_before)
    assert (scanner.events, scanner.first_complete) == (0, False)
    scanner.feed(HELLO)
    assert (scanner.events, scanner.first_complete) == (1, True)


@pytest.mark.parametrize("payload", [b'{"message":"overloaded"}', b"{}", b"overloaded"])
def test_an_event_is_an_error_by_its_name_too(payload: bytes) -> None:
    _, learnt = scan([HELLO, b"event: error\ndata: " + payload + b"\n\n"])
    assert learnt["error"]


def test_choices_of_an_unusual_shape_count_too() -> None:
    _, learnt = scan([event({"choices": [{"index": "first"}, 7]}), event({"choices": [7]}), event({"choices": "x"})])
    assert learnt["events"] == 1


def test_words_inside_the_text_teach_nothing() -> None:
    _, learnt = scan([token('"usage":{"prompt_tokens":1} "error":{} [DONE] "finish_reason":"stop"\n\ndata: x\n\n')])

    assert learnt["events"] == 1
    assert not any(learnt[name] for name in ("usage", "error", "done", "finished", "malformed"))


@pytest.mark.parametrize("kind", [ChunkScanner, RunningUsageScanner])
@pytest.mark.parametrize(
    ("reports", "usage"),
    [
        ([(7, 90), (7, 2)], Usage(7, 0, 0, 90)),
        ([(7, 2), (7, 90)], Usage(7, 0, 0, 90)),
        ([(70, 1), (0, 90)], Usage(70, 0, 0, 90)),
        ([(7, 0), (70, 3)], Usage(70, 0, 0, 3)),
    ],
)
def test_of_several_reports_the_larger_counts(
    kind: type[ChunkScanner], reports: list[tuple[int, int]], usage: Usage
) -> None:
    scanner = kind(strip_usage=False)
    for input, output in reports:
        scanner.feed(event({"choices": [], "usage": {"prompt_tokens": input, "completion_tokens": output}}))
    assert scanner.usage == usage


def test_a_service_tier_is_known_by_either_report() -> None:
    scanner = ChunkScanner(strip_usage=False)
    scanner.feed(event({"choices": [], "usage": USAGE, "service_tier": "flex"}))
    scanner.feed(event({"choices": [], "usage": USAGE}))
    assert scanner.usage == Usage(7, 4, 0, 2, service="flex")


def test_usage_is_the_last_that_was_reported() -> None:
    running = [token("a", usage={"prompt_tokens": 7, "completion_tokens": n}) for n in (1, 2)]

    assert scan([*running, token("b", usage={}), DONE])[1]["usage"] == Usage(input=7, output=2)


@pytest.mark.parametrize(
    ("odd", "learns"),
    [
        ({"choices": [{"finish_reason": 5}], "usage": USAGE}, {"finished": {0}, "usage": Usage(7, 4, 0, 2)}),
        ({"choices": "none", "usage": USAGE}, {"usage": Usage(7, 4, 0, 2)}),
        ({"choices": [3, {"finish_reason": None}], "error": "bad"}, {"error": True}),
        ({"choices": [], "usage": {**USAGE, "prompt_tokens_details": 3}}, {"usage": Usage(7, 0, 0, 2)}),
    ],
    ids=str,
)
def test_an_odd_field_does_not_lose_the_others(odd: dict[str, Any], learns: dict[str, Any]) -> None:
    learnt = scan([event(odd)])[1]

    assert {name: learnt[name] for name in learns} == learns
    assert not learnt["malformed"]


def test_an_odd_usage_event_is_removed_too() -> None:
    odd = event({"choices": [], "usage": {**USAGE, "prompt_tokens_details": 3}})

    assert scan([HELLO + STOP, odd, DONE], strip_usage=True)[0] == HELLO + STOP + DONE


@pytest.mark.parametrize("payload", [b"<html>", b'{"choices":', b"[1]", b"", b'{"a":' + b"[" * 100_000])
def test_garbage_passes_and_is_told(payload: bytes) -> None:
    out, learnt = scan([b"data:" + payload + b"\n\n"], strip_usage=True)

    assert out == b"data:" + payload + b"\n\n"
    assert learnt["malformed"]
    assert learnt["first_complete"]


def test_an_error_in_the_first_event_is_known_when_the_event_is() -> None:
    failed = event({"error": {"message": "no", "type": "server_error", "code": 500}})
    scanner = ChunkScanner(strip_usage=True)

    held = scanner.feed(COMMENT) + scanner.feed(failed[:-1])
    assert (held, scanner.first_complete) == (COMMENT, False)

    scanner.feed(failed[-1:])
    assert scanner.first_complete
    assert scanner.error


@pytest.mark.parametrize("split", [lambda stream: [stream], bytewise, lambda stream: stream.splitlines(keepends=True)])
@pytest.mark.parametrize("make", [ChunkScanner, RunningUsageScanner])
def test_what_follows_an_error_tells_what_was_used_and_is_no_end(make: type[ChunkScanner], split: Any) -> None:
    failed = event({"error": {"message": "no", "code": 500}})
    scanner = make(False)
    passed = b"".join([scanner.feed(piece) for piece in split(HELLO + failed + HELLO + LAST + DONE)])
    assert passed + scanner.finish() + scanner.release() == HELLO + failed
    assert scanner.error and not scanner.done and scanner.usage is not None


def test_what_is_finished_waits_for_an_error_and_for_nothing_behind_it() -> None:
    failed, scanner = event({"error": {"message": "no"}}), RunningUsageScanner(True)
    passed = [scanner.feed(piece) for piece in (HELLO, STOP, failed, STOP, DONE)]
    assert b"".join(passed) + scanner.finish() + scanner.release() == HELLO + STOP + failed


def test_an_end_before_an_error_was_one() -> None:
    _, learnt = scan([HELLO, STOP, DONE, event({"error": {"message": "late"}})])
    assert learnt["done"] and learnt["error"]


@pytest.mark.parametrize("pieces", [[HELLO, HELLO, DONE], [HELLO + DONE], [b"id: 1\n" + HELLO, DONE[:-1], b"\n"]])
def test_without_a_finished_choice_an_end_is_none_and_reaches_nobody(pieces: list[bytes]) -> None:
    scanner = ChunkScanner(strip_usage=False)
    passed = b"".join(map(scanner.feed, pieces)) + scanner.finish()
    assert passed == b"".join(pieces).replace(DONE, b"") and not scanner.done
    assert scanner.end == "a finish_reason" and scanner.first_complete


@pytest.mark.parametrize("before", [b"", COMMENT, LAST, event({"choices": []}), STOP])
def test_an_end_of_nothing_or_of_what_has_finished_is_one(before: bytes) -> None:
    scanner = ChunkScanner(strip_usage=False)
    assert scanner.feed(before + DONE) == before + DONE and scanner.done


def test_an_error_that_is_null_is_none() -> None:
    assert not scan([token("a", error=None)])[1]["error"]


@pytest.mark.parametrize("done", [b"data: [DONE]\n\n", b"data:[DONE]\n\n", b"data: [DONE] \r\n\r\n"])
def test_done_is_no_event(done: bytes) -> None:
    learnt = scan([done])[1]

    assert (learnt["done"], learnt["events"], learnt["malformed"]) == (True, 0, False)


def test_data_may_stand_on_several_lines() -> None:
    stream = b'event: x\ndata\ndata: {"choices":[],\nid: 3\ndata:"usage":{"prompt_tokens":7}}\n\n'
    out, learnt = scan([stream], strip_usage=True)

    assert (out, learnt["events"], learnt["usage"]) == (b"", 0, Usage(input=7))


def test_lines_of_one_event_may_end_differently() -> None:
    stream = b'data: {"choices":[],\rdata: "usage":{"prompt_tokens":7}}\n\n'
    out, learnt = scan([stream], strip_usage=True)

    assert (out, learnt["events"], learnt["usage"]) == (b"", 0, Usage(input=7))


def test_what_is_held_goes_before_what_comes() -> None:
    scanner = ChunkScanner(strip_usage=False)

    assert scanner.feed(b"id: 1\n") == b""
    assert scanner.feed(HELLO) == b"id: 1\n" + HELLO


def test_an_event_without_its_blank_line_is_held_to_the_end() -> None:
    scanner = ChunkScanner(strip_usage=False)

    assert scanner.feed(HELLO + STOP + b"data: [DONE]\n") == HELLO + STOP
    assert not scanner.done
    assert scanner.finish() == b"data: [DONE]\n"
    assert scanner.done
    assert scanner.finish() == b""


def test_a_usage_event_without_its_blank_line_is_removed_too() -> None:
    assert scan([HELLO, LAST[:-2]], strip_usage=True)[0] == HELLO


def test_what_is_too_large_is_not_held() -> None:
    scanner = ChunkScanner(strip_usage=True)
    piece = b"x" * (1 << 20)
    sent = len(scanner.feed(b"data: "))
    for _ in range(MAX_EVENT // len(piece) + 2):
        sent += len(scanner.feed(piece))

    assert sent >= MAX_EVENT
    assert scanner.first_complete
    assert scanner.feed(b"\n\n" + LAST + DONE) == b"xxx\n\n" + DONE
    assert scanner.usage == Usage(input=7, cached=4, output=2)
    assert scanner.done


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("excess", [-1, 0, 1, 2, 3])
def test_the_limit_is_the_same_however_the_bytes_arrive(line_end: bytes, excess: int) -> None:
    large = LAST.replace(b"\n", line_end)
    stream = large + DONE.replace(b"\n", line_end)
    limit = len(large) - excess

    whole = scan([stream], strip_usage=True, max_event=limit)

    for pieces in (bytewise(stream), [large, stream[len(large) :]]):
        assert scan(pieces, strip_usage=True, max_event=limit) == whole
    assert whole[0] == (stream if excess > 0 else stream[len(large) :])


def test_a_large_event_that_never_ends_passes_to_the_last_byte() -> None:
    stream = b"data: " + b"x" * 100

    assert scan(bytewise(stream), max_event=20)[0] == stream


def oracle(stream: bytes) -> dict[str, Any]:
    """The same knowledge from a plain reading of the whole stream, with Python's own json."""
    learnt: dict[str, Any] = {"usage": None, "events": 0, "done": False, "finished": set(), "error": False}
    learnt["malformed"] = learnt["first_complete"] = False
    for block in stream.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n").split("\n\n"):
        fields = [line.partition(":") for line in block.split("\n")]
        values = [value.removeprefix(" ") for name, _, value in fields if name == "data"]
        done = learnt["done"] or not learnt["error"]
        if values:
            learn(learnt, "\n".join(values).encode("latin-1"))
        learnt["done"] = learnt["done"] and done
        if any(name == "event" and value.strip() == "error" for name, _, value in fields):
            learnt["error"] = learnt["first_complete"] = True
    return learnt


def learn(learnt: dict[str, Any], payload: bytes) -> None:
    if payload.strip() == b"[DONE]":
        learnt["done"] |= not learnt["events"] or bool(learnt["finished"])
        learnt["first_complete"] = True
        return
    try:
        chunk = json.loads(payload)
    except ValueError:
        chunk = None
        learnt["error"] |= payload.strip()[:1] not in (b"", b"{", b"[")
    if not isinstance(chunk, dict):
        learnt["malformed"] = learnt["first_complete"] = True
        return
    learnt["events"] += bool(chunk.get("choices"))
    learnt["first_complete"] |= bool(chunk.get("choices")) or chunk.get("error") is not None
    learnt["error"] |= chunk.get("error") is not None
    learnt["finished"] |= {each.get("index", 0) for each in chunk.get("choices", []) if each.get("finish_reason")}
    if usage := chunk.get("usage"):
        learnt["usage"] = Usage(
            usage["prompt_tokens"], usage["prompt_tokens_details"]["cached_tokens"], 0, usage["completion_tokens"]
        )


def is_none(before: list[bytes]) -> bool:
    """Whether a `[DONE]` behind these parts is no end."""
    learnt = oracle(b"".join(before))
    return bool(learnt["events"]) and not learnt["finished"]


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


texts = st.text(max_size=12) | st.sampled_from(['"usage":{', '"error":', "[DONE]", "\n\ndata: x\n\n", "data:", "世"])
ERRORS = (
    event({"error": {"message": "x"}}),
    b"event: error\n" + HELLO,
    b"event:error\ndata: {}\n\n",
    b"data: <html>\n\n",
)
parts = st.one_of(
    st.builds(token, texts),
    st.builds(lambda text: token(text, usage=None), texts),
    st.builds(lambda text: b": " + text.encode() + b"\n\n", st.text("abc:", max_size=5)),
    st.sampled_from([STOP, LAST, DONE, COMMENT, b'data: {"x": [7]}\n\n', b"\n"]),
    st.sampled_from([*ERRORS, b"event: ping\ndata: {}\n\n"]),
    st.sampled_from([b"id: 1\n" + HELLO, b'data:{"choices":[],\ndata: "usage":null}\n\n', b"data:{}\n\n", b"\n\n"]),
)
places = st.lists(st.integers(0, 1 << 16), max_size=8)


@given(st.lists(parts, max_size=8), st.sampled_from([b"\n", b"\r\n", b"\r"]), places, st.booleans())
def test_it_agrees_with_a_plain_parser_however_the_stream_is_cut(
    stream: list[bytes], line_end: bytes, places: list[int], strip: bool
) -> None:
    blocks = [part.replace(b"\n", line_end) for part in stream]
    whole = b"".join(blocks)
    failed = next((place for place, part in enumerate(stream) if part in ERRORS), len(stream))
    removed = [(strip and part == LAST) or (part == DONE and is_none(stream[:at])) for at, part in enumerate(stream)]
    shown = [part for part, gone in zip(blocks[: failed + 1], removed, strict=False) if not gone]
    sent = b"".join(shown)
    expected = oracle(whole)

    assert scan([whole], strip_usage=strip)[1] == expected
    for pieces in ([whole], blocks, bytewise(whole), cut(whole, places)):
        out, learnt = scan(pieces, strip_usage=strip)
        assert learnt == expected
        # Stray line ends before an event belong to it, and are removed with it.
        assert out == sent or out.replace(line_end, b"") == sent.replace(line_end, b"")


@given(st.lists(st.sampled_from([b"\n", b"\r", b"data:", b"data", b":", b" ", b"{}", b"[DONE]", LAST[5:-2]])), places)
@example([b"data:", b"{}", b"\r", b"\n", b"\r", b"\n"], [9])
@example([b"data:", b"data:", b"\n", b"\n", b"\n"], [])
def test_no_cut_changes_what_is_sent_or_learnt(pieces: list[bytes], places: list[int]) -> None:
    stream = b"".join(pieces)

    sent, learnt = scan([stream])
    assert sent == stream or (learnt["error"] and stream.startswith(sent)), "nothing follows an error"
    assert learnt == scan(bytewise(stream))[1] == oracle(stream)
    stripped = scan([stream], strip_usage=True)
    assert stripped == scan(bytewise(stream), strip_usage=True) == scan(cut(stream, places), strip_usage=True)
    small = scan([stream], strip_usage=True, max_event=12)
    assert small == scan(bytewise(stream), strip_usage=True, max_event=12)


@given(st.binary(max_size=300), places)
def test_no_bytes_raise_or_are_lost(stream: bytes, places: list[int]) -> None:
    assert scan(cut(stream, places))[0] == stream


def test_the_choices_that_ended_are_known_by_their_index() -> None:
    def ends(*choices: Any) -> bytes:
        return event({"choices": list(choices)})

    stream = [
        ends({"index": 1, "finish_reason": "stop"}, {"index": 0, "finish_reason": None}),
        ends({"index": "2", "finish_reason": "stop"}, {"index": 3, "finish_reason": "stop"}, 7),
        ends({"finish_reason": "length"}),
    ]
    assert scan(stream)[1]["finished"] == {0, 1, 3}


@pytest.mark.parametrize("scanner", [ChunkScanner, RunningUsageScanner])
def test_the_service_tier_of_the_event_with_the_usage_is_noted(scanner: type[ChunkScanner]) -> None:
    made = scanner(False)
    chunk = {"choices": [], "service_tier": "flex", "usage": {"prompt_tokens": 3, "completion_tokens": 1}}
    made.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    assert made.usage == Usage(3, output=1, service="flex")


def test_the_sign_of_the_end_can_be_told_to_people() -> None:
    assert ChunkScanner(False).end == "[DONE]"


@pytest.mark.parametrize(
    ("choice", "least", "most"),
    [
        ({"delta": {"content": " word"}}, 1, 1.3),
        ({"delta": {"content": "20 characters of it."}}, 5, 6),
        ({"delta": {"role": "assistant", "content": ""}}, 1, 1),
        ({"delta": {"content": "word " * 250}}, 250, 400),
        ({"text": "word " * 250}, 250, 400),
        ({"delta": {"reasoning_content": "word " * 250}}, 250, 400),
        ({"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "1"}}]}}, 1, 6),
        ({"delta": None, "text": None}, 1, 1),
    ],
)
def test_what_was_produced_is_told_by_events_and_by_what_they_say(choice, least, most):
    scanner = ChunkScanner(strip_usage=True)
    data = b"data: " + json.dumps({"choices": [{"index": 0, **choice}]}, separators=(",", ":")).encode() + b"\n\n"
    for _ in range(10):
        assert scanner.feed(data) == data
    assert scanner.events == 10 and 10 * least <= scanner.produced <= 10 * most


@pytest.mark.parametrize("said", ["word " * 40, "twelve bytes"])
def test_what_an_event_says_counts_wherever_it_stands_and_whatever_its_frame(said: str) -> None:
    """The first event's frame is long, others' are short, and some carry more besides what they say."""
    scanner = ChunkScanner(strip_usage=True)
    for extra in ({"obfuscation": "x" * 100}, {}, {"service_tier": "default"}, {"logprobs": [0.5] * 40}):
        scanner.feed(token(said, **extra))
    assert scanner.text_bytes == 4 * len(said)


@pytest.mark.parametrize(
    "choice",
    [
        {"index": 0, "delta": {"content": "word " * 40}},
        {"index": 0, "delta": {"reasoning": "word " * 40}},
        {"index": 0, "text": "word " * 40},
        {"index": "0", "delta": {"content": "word " * 40}},
        {"index": "0", "text": "word " * 40},
        {
            "index": 0,
            "delta": {"content": "20", "reasoning": "", "tool_calls": [{"function": {"arguments": "x" * 200}}]},
        },
    ],
)
@pytest.mark.parametrize("scanner", [ChunkScanner, RunningUsageScanner])
def test_it_counts_in_every_shape(scanner: type[ChunkScanner], choice: dict[str, Any]) -> None:
    made = scanner(False)
    made.feed(event({"choices": [choice]}))
    assert made.text_bytes == pytest.approx(200, abs=20)


@pytest.mark.parametrize(
    ("said", "remarks"), [({"debug": {}}, True), ({"choices": []}, False), ({"choices": [{}]}, False)]
)
def test_an_event_that_is_no_part_of_an_answer_is_a_remark(said: dict[str, Any], remarks: bool) -> None:
    """What a client sees of it is searched for credentials."""
    scanner = ChunkScanner(False)
    scanner.feed(event(said))
    assert scanner.remarks is remarks


def test_other_shapes_say_nothing() -> None:
    for choices in ({"delta": "x"}, 7, None):
        scanner = ChunkScanner(False)
        scanner._weigh(event({"choices": choices})[6:])
        assert scanner.text_bytes == 0


def test_of_what_is_kept_every_event_tells_the_id() -> None:
    scanner = StoredChunkScanner(strip_usage=True)
    assert scanner.feed(event({"choices": [], "usage": USAGE})) == b"" and scanner.stored_id == ""
    assert scanner.feed(HELLO) == HELLO and scanner.stored_id == "chatcmpl-1"
    scanner.feed(event({"id": "another", "choices": []}))
    assert scanner.stored_id == "chatcmpl-1"


def test_of_what_is_spoken_events_tell_the_id() -> None:
    scanner = StoredChunkScanner(strip_usage=False)
    for audio in ({"id": "audio_1", "transcript": "H"}, {"id": "audio_1", "data": "//8="}, {"data": "//8="}):
        scanner.feed(event({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"audio": audio}}]}))
    assert (scanner.stored_id, scanner.stored_parts) == ("chatcmpl-1", ("audio_1",))


def test_half_a_character_is_a_part_of_an_answer() -> None:
    scanner = ChunkScanner(False)
    half = b'data: {"choices": [{"index": 0, "delta": {"content": "\\ud83d"}, "finish_reason": "stop"}]}\n\n'
    assert scanner.feed(half) == half
    assert scanner.events == 1 and scanner.finished == {0} and not scanner.malformed
