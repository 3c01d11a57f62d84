"""Running usage on every event, as vLLM has it when asked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.values import Usage
from router.surfaces.openai.stream import ChunkScanner
from router.surfaces.openai.vllm_running_usage import (
    RunningUsageScanner,
    asks_running_usage,
    hides_running_usage,
    with_fingerprint,
    without_usage,
)
from router.surfaces.registry import SURFACES
from tests.surfaces.openai.test_stream import COMMENT, DONE, bytewise, event, token


def usage(output: int, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": 31, "total_tokens": 31 + output, "completion_tokens": output, **more}


def running(text: str, output: int, index: int = 0, **more: Any) -> bytes:
    """As vLLM writes it, with what it writes besides."""
    choice = {"index": index, "delta": {"content": text}, "logprobs": None, "finish_reason": None, "token_ids": None}
    return event({"id": "c", "choices": [choice], "usage": usage(output, completion_tokens_details=None), **more})


def without(event: bytes) -> bytes:
    start = event.index(b',"usage":{')
    return event[:start] + event[event.index(b"}", start) + 1 :]


FIRST = running("", 0, prompt_token_ids=None, prompt_text=None)
TOTAL = event({"choices": [], "usage": usage(9), "system_fingerprint": "v"})


def follow(pieces: Iterable[bytes], *, strip_usage: bool = True) -> tuple[bytes, RunningUsageScanner]:
    scanner = RunningUsageScanner(strip_usage)
    return b"".join([scanner.feed(piece) for piece in pieces]) + scanner.finish(), scanner


@pytest.mark.parametrize("split", [bytewise, lambda stream: [stream], None], ids=["byte by byte", "whole", "by event"])
def test_running_usage_is_removed_and_known_when_the_stream_is_cut(split: Any) -> None:
    stream = [FIRST, running("Pa", 1), COMMENT, running("ris", 2)]
    out, scanner = follow(stream if split is None else split(b"".join(stream)))

    assert out == without(FIRST) + without(stream[1]) + COMMENT + without(stream[3])
    assert scanner.usage == Usage(input=31, output=2)
    assert (scanner.events, scanner.finished, scanner.first_complete) == (3, set(), True)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_running_usage_is_removed_whatever_ends_the_lines(line_end: bytes) -> None:
    stream = [part.replace(b"\n", line_end) for part in (b": ping\nid: 1\n" + running("Pa", 1), TOTAL, COMMENT)]

    assert follow(bytewise(b"".join(stream)))[0] == without(stream[0]) + stream[2]


def test_a_cut_stream_of_several_choices_has_the_output_of_all() -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 16}}
    first = event({"choices": [{"index": 0, "delta": {}}], "usage": usage(3, **details)})
    _, scanner = follow([first, running("a", 1, index=1), running("b", 2, index=1)])

    assert scanner.usage == Usage(input=31, cached=16, output=5)


@pytest.mark.parametrize("strip_usage", [True, False])
def test_the_total_at_the_end_counts_and_reaches_who_asked(strip_usage: bool) -> None:
    stop = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage(4)})
    out, scanner = follow([running("a", 3), stop, TOTAL, DONE], strip_usage=strip_usage)

    last = with_fingerprint(without(stop), TOTAL) if strip_usage else without(stop) + TOTAL
    assert out == without(running("a", 3)) + last + DONE
    assert scanner.usage == Usage(input=31, output=9)
    assert scanner.finished and scanner.done


FINISH = event({"id": "c", "choices": [{"index": 0, "delta": {"content": "!"}, "finish_reason": "stop"}]})
MARKED = FINISH.replace(b"}\n\n", b',"system_fingerprint":"v"}\n\n')


@pytest.mark.parametrize("split", [bytewise, lambda stream: [stream], None], ids=["byte by byte", "whole", "by event"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_what_else_the_last_event_says_stands_where_it_would_without_usage(split: Any, line_end: bytes) -> None:
    """vLLM writes the fingerprint into its very last event, and the usage, which is removed, is that."""
    stream = [part.replace(b"\n", line_end) for part in (running("a", 1), FINISH, TOTAL, DONE)]
    out, scanner = follow(stream if split is None else split(b"".join(stream)))

    marked = MARKED if line_end == b"\n" else stream[1]  # only what vLLM writes is rewritten
    assert out == without(stream[0]) + marked + DONE.replace(b"\n", line_end)
    assert scanner.usage == Usage(input=31, output=9) and scanner.finished


def test_nothing_waits_for_longer_than_the_next_event() -> None:
    scanner = RunningUsageScanner(True)
    other = event({"choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]})

    assert scanner.feed(FINISH) == b""
    assert scanner.feed(other) == FINISH
    assert scanner.feed(COMMENT) == other + COMMENT
    assert scanner.feed(FINISH) == b""
    assert scanner.feed(DONE) == FINISH + DONE


@pytest.mark.parametrize("event", [MARKED, MARKED.replace(b'"v"', b"null"), running("a", 1)])
def test_an_event_with_a_fingerprint_or_without_a_finish_does_not_wait(event: bytes) -> None:
    assert RunningUsageScanner(True).feed(event)


def test_with_usage_nothing_waits() -> None:
    assert RunningUsageScanner(False).feed(FINISH) == FINISH


def test_a_whole_event_that_waits_is_released_when_the_stream_breaks() -> None:
    scanner = RunningUsageScanner(True)
    assert scanner.feed(FINISH + b'data: {"cho') == b""
    assert scanner.release() == FINISH and scanner.release() == b""
    assert ChunkScanner(True).release() == b""


@pytest.mark.parametrize(
    "last",
    [event({"choices": [], "usage": usage(9)}), event({"choices": [], "usage": usage(9), "system_fingerprint": 7})],
)
def test_without_a_fingerprint_nothing_is_added(last: bytes) -> None:
    assert follow([FINISH, last, DONE])[0] == FINISH + DONE


@pytest.mark.parametrize("odd", [b"id: {}\n" + FINISH, b'data: {"choices":[{"index":0,"finish_reason":"stop"}]} x\n\n'])
def test_an_event_that_is_not_as_vllm_writes_it_stays_as_it_came(odd: bytes) -> None:
    assert with_fingerprint(odd, TOTAL) == odd


def test_usage_that_cannot_be_understood_is_none() -> None:
    absurd = event({"choices": [{"index": 0}], "usage": {"completion_tokens": 5}})
    wrong = event({"choices": [{"index": 1}], "usage": {"prompt_tokens": "many"}})

    assert follow([absurd, wrong])[1].usage is None


def test_events_without_usage_and_errors_pass_as_they_are() -> None:
    failure = event({"error": {"message": "out of memory"}, "choices": [], "usage": usage(1)})
    odd = event({"choices": [{"index": None}], "usage": usage(2)})
    out, scanner = follow([token("a"), odd, failure, token("b")])

    assert out == token("a") + odd + failure, "nothing follows an error"
    assert scanner.error


@pytest.mark.parametrize("garbage", [b"data: {\n\n", b"data: {\r\n\r\n"])
def test_half_an_event_and_what_follows_reach_nobody(garbage: bytes) -> None:
    out, scanner = follow([token("a"), garbage, token("b")])
    assert out == token("a") and scanner.garbled


@pytest.mark.parametrize(
    ("payload", "left"),
    [
        ('{"choices":[{}],"usage":{"prompt_tokens":1}}', '{"choices":[{}]}'),
        ('{"usage":{"prompt_tokens":1},"choices":[{}]}', '{"choices":[{}]}'),
        ('{ "usage": {"prompt_tokens":1} }', "{}"),
        ('{"choices":[{}], "usage" : {"prompt_tokens":1} , "x":1}', '{"choices":[{}] , "x":1}'),
        ('{"choices":[{}],"usage":{"a":{"b":1}}}', '{"choices":[{}]}'),
        ('{"choices":[{}],"usage":{"a":"}"}}', '{"choices":[{}]}'),
        ('{"choices":[{"text":",\\"usage\\":{"}],"usage":{"a":1}}', '{"choices":[{"text":",\\"usage\\":{"}]}'),
        ('{"usage":{"a":1},"choices":[{"x":1,"usage":{"a":1}}]}', '{"choices":[{"x":1,"usage":{"a":1}}]}'),
        ('{"usage":{"a":1},"x":{"y":1,"usage":{"a":1}}}', '{"x":{"y":1,"usage":{"a":1}}}'),
        ('{"id":1,"id":2,"usage":{"a":1},"x":1}', '{"id":1,"id":2,"usage":{"a":1},"x":1}'),
        ('{"choices":[{}],"x":1}', '{"choices":[{}],"x":1}'),
    ],
)
def test_exactly_the_member_is_removed(payload: str, left: str) -> None:
    assert without_usage(f"data: {payload}\n\n".encode()) == f"data: {left}\n\n".encode()


def test_an_object_over_several_lines_stays_whole() -> None:
    event = b'data: {"choices":[{}],\ndata: "usage":{"prompt_tokens":1}}\n\n'

    assert follow([event])[0] == event


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='ab,"{}\\:usage é'),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["usage", "a", '"', ',"usage":{']), inner, max_size=3)
    ),
    max_leaves=8,
)
counts = st.fixed_dictionaries({"prompt_tokens": st.integers(0, 99)}, optional={"details": json_values})


@given(
    st.lists(st.tuples(st.sampled_from(["id", "x", ',"usage":{']), json_values), max_size=3, unique_by=lambda m: m[0]),
    st.integers(0, 3),
    counts,
    st.booleans(),
)
def test_whatever_stands_around_it_only_that_member_goes(
    members: list[tuple[str, Any]], place: int, counted: Any, compact: bool
) -> None:
    separators = (",", ":") if compact else (", ", ": ")
    members.insert(place, ("usage", counted))
    with_it = json.dumps(dict(members), separators=separators, ensure_ascii=False)
    rest = json.loads(without_usage(f"data: {with_it}\n\n".encode()).removeprefix(b"data: "))

    assert list(rest.items()) == [member for member in members if member[0] != "usage"]


@pytest.mark.parametrize(
    ("body", "asks"),
    [
        (b'{"model":"a","stream":true}', True),
        (b'{"model":"a","stream":true,"n":2}', True),
        (b'{"model":"a"}', False),
        (b'{"model":"a","stream":true,"stream_options":{"continuous_usage_stats":true,"include_usage":true}}', False),
        (b'{"model":"a","stream":true,"stream_options":{"continuous_usage_stats":true}}', True),  # in vain
    ],
)
def test_running_usage_is_wanted_of_a_vllm_where_the_client_did_not_ask(make, body: bytes, asks: bool) -> None:
    reading = SURFACES["chat"].read(body)
    assert asks_running_usage(reading, make.route("gpu", kind="vllm"), one_prompt=True) is asks
    assert not asks_running_usage(reading, make.route("gpu", kind="openai"), one_prompt=True)
    assert not asks_running_usage(reading, make.route("gpu", kind="vllm", stream_usage=False), one_prompt=True)


def test_answers_to_several_prompts_do_not_say_whose_input_they_count(make) -> None:
    vllm = make.route("gpu", kind="vllm")
    one, two = (
        SURFACES["completions"].read(b'{"model":"a","stream":true,"prompt":%b}' % prompt)
        for prompt in (b'"a"', b'["a","b"]')
    )
    assert asks_running_usage(one, vllm, one_prompt=False)
    assert not asks_running_usage(two, vllm, one_prompt=False)


@pytest.mark.parametrize("kind", ["vllm", "openai"])
@pytest.mark.parametrize(
    ("options", "hides"),
    [
        ({"include_usage": True, "continuous_usage_stats": True}, {}),
        ({"include_usage": True}, {"vllm"}),
        ({"include_usage": False}, {"vllm"}),
        ({"include_usage": False, "continuous_usage_stats": True}, {"vllm", "openai"}),
        ({"continuous_usage_stats": True}, {"vllm", "openai"}),
    ],
)
def test_running_usage_is_for_those_who_want_usage(
    make: Any, kind: str, options: dict[str, bool], hides: set[str]
) -> None:
    """vLLM gives it to nobody else, and we have switched usage on."""
    reading = SURFACES["chat"].read(json.dumps({"model": "a", "stream": True, "stream_options": options}).encode())
    assert hides_running_usage(reading, make.route("gpu", kind=kind)) is (kind in hides)
