"""Long answers: what is needed of them is found, and whatever they are full of, little of it is made into objects."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.core.estimated_usage import weight_of
from router.surfaces.base import Surface
from router.surfaces.long_json import LONG, MOST_ITEMS, first_items, is_crowded, outline
from router.surfaces.openai.kept.listing import page_in
from router.surfaces.openai.vllm_running_usage import RunningUsageScanner
from router.surfaces.registry import SURFACES
from router.surfaces.sse import EventScanner

SIZE = 1_500_000
CHAT = b'{"id":"x","object":"chat.completion","choices":['
FULL = {
    "choices": CHAT + b"{}," * (SIZE // 3) + b"{}]}",
    "messages": CHAT + b'{"message":{"content":"a"}},' * (SIZE // 28) + b'{}],"usage":{"prompt_tokens":1}}',
    "tool calls": CHAT + b'{"message":{"tool_calls":[' + b'"",' * (SIZE // 3) + b'""]}}]}',
    "output": b'{"id":"r","status":"completed","output":[' + b'{"content":[{"text":"a"}]},' * (SIZE // 27) + b"{}]}",
    "content": b'{"id":"m","content":[' + b'{"type":"text","text":"a"},' * (SIZE // 26) + b"{}]}",
    "data": b'{"object":"list","data":[' + b'{"embedding":[1]},' * (SIZE // 18) + b"{}]}",
    "an error": b'{"error":[' + b"{}," * (SIZE // 3) + b"{}]}",
    "an error's error": b'{"error":{"message":{"a":[' + b"[]," * (SIZE // 3) + b"[]]}}}",
    "usage": CHAT + b'{}],"usage":{"total_tokens":[' + b"{}," * (SIZE // 3) + b"{}]}}",
    "a list": b"[" + b"{}," * (SIZE // 3) + b"{}]",
    "half of one": CHAT + b"{}," * (SIZE // 3),
    "halves of characters": CHAT + b'{"message":{"content":"' + b"\\ud83d" * (SIZE // 6) + b'"}}]}',
    "two lists in it": CHAT + b"{}," * (SIZE // 6) + b'{}],"data":[' + b"{}," * (SIZE // 6) + b"{}]}",
}


def memory_of(call: Callable[[], Any]) -> int:
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("body", FULL.values(), ids=FULL.keys())
def test_the_outline_of_what_is_full_is_short(body: bytes) -> None:
    shown = outline(body)
    assert len(shown) <= 2 * LONG and shown[:1] == body[:1]
    assert memory_of(lambda: outline(body)) < 8 * len(body)


@pytest.mark.parametrize("name", ["chat", "completions", "embeddings", "responses", "messages", "images", "rerank"])
@pytest.mark.parametrize("body", FULL.values(), ids=FULL.keys())
def test_no_answer_takes_many_times_its_length_to_be_weighed(name: str, body: bytes) -> None:
    surface: Surface = SURFACES[name]
    assert memory_of(lambda: surface.text_bytes_of(body)) < 8 * len(body)


@pytest.mark.parametrize("body", FULL.values(), ids=FULL.keys())
@pytest.mark.parametrize("name", ["chat", "responses", "messages", "images"])
def test_nor_does_an_event(name: str, body: bytes) -> None:
    surface: Surface = SURFACES[name]
    asked = surface.read(surface.example("m", "hi"))
    scanner = surface.scanner(asked, _route())
    scanner.feed(b": begin\n\n")
    assert memory_of(lambda: scanner.feed(b"data: " + body + b"\n\n")) < 10 * len(body)


def _route() -> Any:
    class Route:
        counts_while_streaming = False

    return Route()


def vector() -> str:
    return "[" + ",".join(["-0.0123456789"] * 1536) + "]"


LONG_TEXT = "Grüße 12 " * 40_000
USAGE = {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16}
SPENT = {"input_tokens": 9, "output_tokens": 7}
ITEMS = [
    {"type": "message", "id": f"msg_{n}", "status": "completed", "content": [{"text": "a" * 900}]} for n in range(200)
]
ANSWERS = {
    "embeddings": {"data": [{"embedding": json.loads(vector())}] * 20, "usage": USAGE},
    "chat": {"id": "c1", "choices": [{"message": {"content": LONG_TEXT, "audio": {"id": "audio_1"}}}], "usage": USAGE},
    "completions": {"choices": [{"text": LONG_TEXT}], "usage": USAGE, "service_tier": "flex"},
    "responses": {"id": "resp_1", "status": "completed", "output": ITEMS, "usage": SPENT},
    "messages": {"type": "message", "content": [{"type": "text", "text": LONG_TEXT}], "usage": SPENT},
    "images": {"data": [{"b64_json": "A" * 200_000}] * 3, "usage": SPENT},
    "rerank": {
        "results": [{"index": 1, "document": {"text": LONG_TEXT}}],
        "meta": {"billed_units": {"search_units": 2}},
    },
}


@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize(("name", "answer"), ANSWERS.items(), ids=ANSWERS.keys())
def test_what_is_needed_of_a_long_answer_is_in_its_outline(name: str, answer: dict[str, Any], escaped: bool) -> None:
    surface, body = SURFACES[name], json.dumps(answer, ensure_ascii=escaped).encode()
    shown = outline(body)
    assert len(body) > LONG and len(shown) < len(body)
    fit, usage = surface.read_answer(shown)
    assert (fit, usage) == surface.read_answer(body) and fit and usage is not None
    assert surface.stored_id(shown) == surface.stored_id(body)
    assert surface.stored_parts(shown) == surface.stored_parts(body)
    assert surface.error_status(shown) == 0


TIER = {"service_tier": "flex"}
DETAILED = {
    **USAGE,
    "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 1},
    "completion_tokens_details": {"audio_tokens": 2},
    "cost_details": {"said": "p" * 5000},
}
REPORTED = {
    **SPENT,
    "cache_read_input_tokens": 5,
    "cache_creation": {"ephemeral_1h_input_tokens": 2},
    "iterations": [{"type": "compaction", "input_tokens": 3, "output_tokens": n} for n in range(60)],
    "service_tier": "priority",
}
PARTS = [{"type": "output_text", "text": "word " * 80, "annotations": []}] * 3
SAID = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": PARTS}
SEARCHED = {"type": "web_search_call", "id": "x" * 440, "status": "completed", "action": {"query": "q" * 100}}
CALLED = [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "y" * 450}}] * 300
WHOLE = {
    "responses, wide": {"id": "resp_1", "status": "completed", "output": [SAID] * 150, "usage": SPENT, **TIER},
    "responses, items": {"id": "resp_1", "status": "completed", "output": [SEARCHED] * 250, "usage": SPENT, **TIER},
    "responses, deep": {
        "id": "resp_1",
        "status": "incomplete",
        "output": [{**SAID, "content": [{"type": "output_text", "text": "y" * 450}] * 300}] * 9,
        "usage": {**SPENT, "output_tokens_details": {"reasoning_tokens": 6, "said": "p" * 9000}},
    },
    "responses, failed": {
        "id": "resp_1",
        "status": "failed",
        "output": [SAID] * 150,
        "error": {"code": "server_error", "message": LONG_TEXT},
        "usage": SPENT,
    },
    "chat, wide": {
        "id": "c1",
        "choices": [
            {
                "message": {"content": "z" * 9000, "tool_calls": CALLED, "audio": {"id": f"audio_{n}"}},
                "finish_reason": "stop",
                "index": n,
            }
            for n in range(8)
        ],
        "usage": DETAILED,
        **TIER,
    },
    "completions": {"choices": [{"text": "z" * 900, "index": n} for n in range(250)], "usage": DETAILED, **TIER},
    "embeddings": {"data": [{"embedding": [0.25] * 1500}] * 100, "usage": DETAILED},
    "messages": {"content": [{"type": "text", "text": "z" * 900}] * 250, "stop_reason": "end_turn", "usage": REPORTED},
    "images": {"data": [{"b64_json": "A" * 200_000}] * 3, "usage": {**SPENT, "said": "p" * 5000}},
    "rerank": {
        "results": [{"index": 1, "document": {"text": LONG_TEXT}}],
        "meta": {"said": "p" * 5000, "billed_units": {"search_units": 2}},
        "usage": DETAILED,
    },
}


def in_any_order(value: dict[str, Any], draw: Callable[[Any], list[str]]) -> dict[str, Any]:
    return {name: value[name] for name in draw(st.permutations(sorted(value)))}


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_of_whatever_is_long_an_outline_tells_what_it_is_and_what_it_took(kind: str, data: st.DataObject) -> None:
    answer = in_any_order(WHOLE[kind], data.draw)
    body, surface = json.dumps(answer).encode(), SURFACES[kind.partition(",")[0]]
    shown = outline(body)
    assert len(body) > LONG and len(shown) < len(body)
    assert surface.usage_of(shown) == surface.usage_of(body) is not None
    assert surface.read_answer(shown) == surface.read_answer(body)
    assert surface.stored_id(shown) == surface.stored_id(body)
    assert surface.stored_parts(shown) == surface.stored_parts(body)
    assert surface.error_status(shown) == surface.error_status(body)
    if kind.startswith("chat"):
        ends = [(each["index"], each["finish_reason"]) for each in json.loads(shown)["choices"]]
        assert ends == [(n, "stop") for n in range(8)]


@pytest.mark.parametrize("kind", [kind for kind in WHOLE if kind.startswith("responses")])
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_so_does_that_of_the_last_event_of_a_response(kind: str, data: st.DataObject) -> None:
    answer, surface = in_any_order(WHOLE[kind], data.draw), SURFACES["responses"]
    event = {"type": f"response.{answer['status']}", "sequence_number": 2, "response": answer}
    scanner: EventScanner = surface.scanner(surface.read(surface.example("m", "hi")), _route())
    scanner.feed(b"data: " + json.dumps(in_any_order(event, data.draw)).encode() + b"\n\n")
    body = json.dumps(answer).encode()
    assert scanner.usage == surface.usage_of(body) is not None
    assert scanner.stored_parts == surface.stored_parts(body)
    assert scanner.done and scanner.error is (answer["status"] == "failed")


def test_a_message_that_begins_long_tells_what_was_read_for_it() -> None:
    surface = SURFACES["messages"]
    scanner: EventScanner = surface.scanner(surface.read(surface.example("m", "hi")), _route())
    message = {"content": [{"type": "text", "text": "z" * 900}] * 250, "usage": REPORTED}
    scanner.feed(b"data: " + json.dumps({"type": "message_start", "message": message}).encode() + b"\n\n")
    assert scanner.usage is not None and scanner.usage.input == 9 + 5 + 60 * 3


def test_what_was_used_is_found_even_where_much_stands_in_it() -> None:
    used = {"said": LONG_TEXT, "usage": {"prompt_tokens": 1}, **USAGE}
    body = json.dumps({"choices": [], "usage": used}).encode()
    shown = outline(body)
    assert len(shown) < 200 and SURFACES["chat"].usage_of(shown) == SURFACES["chat"].usage_of(body) is not None


ERRORS = [
    {"error": {"message": "too long: " + LONG_TEXT, "code": "context_length_exceeded"}},
    {"error": {"message": "no", "type": "rate_limit_error", "param": LONG_TEXT}},
    {"type": "error", "error": {"type": "overloaded_error", "message": LONG_TEXT}},
    {"object": "error", "message": LONG_TEXT, "code": 429},
    {"detail": [{"msg": "no", "input": LONG_TEXT}]},
]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("name", ["chat", "responses", "messages"])
def test_nor_is_an_error_missed(name: str, error: dict[str, Any]) -> None:
    surface, body = SURFACES[name], json.dumps(error).encode()
    assert surface.error_status(outline(body)) == surface.error_status(body)
    assert surface.error_cause(400, outline(body)) == surface.error_cause(400, body)


@pytest.mark.parametrize(
    ("body", "begins"),
    [
        (b"  upstream timed out " * 10_000, b"upstream"),
        (b" " * LONG + b'{"error":{}}', b'{"error":{}}'),
        (b'"' + b"words " * 100_000 + b'"', b'"words words'),
        (b"[" * 100 + b"0," * 100_000 + b"0" + b"]" * 100, b"[[[[[]]]]]"),
        (b'{"a":' * 9 + b'"' + b"x" * LONG + b'"' + b"}" * 9, b"{}"),
        (
            b'{"error":' * 9 + b'"' + b"x" * LONG + b'"' + b"}" * 9,
            b'{"error":{"error":{"error":{"error":{"error":{}}}}}}',
        ),
        (b"1" * 2 * LONG, b""),
        (b'{"index":' + b"1" * 2 * LONG + b"}", b""),
    ],
    ids=["words", "spaces", "a text", "deep lists", "nothing known", "deep objects", "a number", "a number in it"],
)
def test_the_outline_of_anything_begins_as_it_does(body: bytes, begins: bytes) -> None:
    assert outline(body).startswith(begins) and len(outline(body)) <= LONG


def test_what_is_short_is_its_own_outline() -> None:
    body = b'{"choices":[' + b"{}," * 9999 + b"{}]}"
    assert outline(body) is body


def test_what_nobody_would_read_is_no_answer() -> None:
    crowded = CHAT + b"{}," * 1_600_000 + b"{}]}"
    assert is_crowded(crowded) and outline(crowded) == b"{"
    assert is_crowded(b'"",' * 3_100_000) and not is_crowded(FULL["choices"])


def test_the_first_items_of_a_list_tell_whether_there_are_more() -> None:
    items = msgspec.Raw(b"[" + b"1," * 1000 + b"1]")
    assert first_items(items, int) == [1] * (MOST_ITEMS + 1)
    assert first_items(msgspec.Raw(b"[1,2]"), int) == [1, 2]


def test_a_long_answer_weighs_what_it_says_at_least() -> None:
    chat, messages, responses = (SURFACES[name] for name in ("chat", "messages", "responses"))
    said = weight_of(LONG_TEXT.encode())
    assert chat.text_bytes_of(json.dumps(ANSWERS["chat"]).encode()) == said
    assert said <= messages.text_bytes_of(json.dumps(ANSWERS["messages"], ensure_ascii=False).encode()) < said + 1000
    assert chat.text_bytes_of(json.dumps({"choices": [{"text": "a"}] * 20_000}).encode()) > 20_000
    calls = {"choices": [{"message": {"tool_calls": [{"function": {"arguments": LONG_TEXT}}]}}]}
    assert said <= chat.text_bytes_of(json.dumps(calls, ensure_ascii=False).encode()) < said + 1000
    assert chat.text_bytes_of(json.dumps({"choices": None, "a": LONG_TEXT}).encode()) == 0
    drawn = {"type": "image_generation_call", "result": "A" * 500_000}
    response = {"status": "completed", "output": [drawn, {"content": [{"text": LONG_TEXT}]}]}
    assert said <= responses.text_bytes_of(json.dumps(response, ensure_ascii=False).encode()) < said + 1000
    assert responses.text_bytes_of(json.dumps({"output": LONG_TEXT}, ensure_ascii=False).encode()) >= said


def test_an_event_with_a_long_text_counts_with_all_of_it() -> None:
    chat = SURFACES["chat"]
    scanner: EventScanner = chat.scanner(chat.read(chat.example("m", "hi")), _route())
    chunk = {"choices": [{"index": 0, "delta": {"content": LONG_TEXT}, "finish_reason": "stop"}]}
    event = b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"
    assert scanner.feed(event) == event
    assert scanner.text_bytes >= weight_of(LONG_TEXT.encode()) and scanner.finished == {0}


def test_of_a_member_with_very_much_in_it_an_outline_has_the_first() -> None:
    part = dict.fromkeys(("id", "type", "code", "param", "text"), "a" * 4000)
    body = json.dumps(
        {"response": {name: {**part, "error": part} for name in ("error", "usage", "data", "meta")}}
    ).encode()
    body = body.replace(b"aaaa", b"aaaa" * 4)
    assert len(body) > LONG and len(outline(body)) < len(body)


def test_of_a_list_of_long_items_an_outline_has_something_of_each() -> None:
    items = [{"id": str(number), "object": "a" * 400, "type": "b" * 400} for number in range(MOST_ITEMS * 2)]
    shown = outline(json.dumps({"data": items}).encode())
    assert [each["id"] for each in json.loads(shown)["data"]] == [str(number) for number in range(MOST_ITEMS + 1)]
    assert len(shown) < 2 * LONG


def test_of_a_list_of_short_items_it_has_so_many_as_there_is_room_for() -> None:
    items = ["a" * 510] * (MOST_ITEMS * 2)
    assert json.loads(outline(json.dumps({"data": items}).encode()))["data"] == items[:MOST_ITEMS]


def test_a_page_that_nobody_would_read_is_none() -> None:
    assert page_in(b'{"data":[' + b"{}," * 1_600_000 + b"{}]}") is None


def test_running_usage_is_kept_of_so_many_choices() -> None:
    scanner = RunningUsageScanner(True)
    for index in range(MOST_ITEMS + 5):
        usage = b'{"prompt_tokens":1,"completion_tokens":1}'
        scanner.feed(b'data: {"choices":[{"index":%d}],"usage":%b}\n\n' % (index, usage))
    assert scanner.usage is not None and scanner.usage.output == MOST_ITEMS
