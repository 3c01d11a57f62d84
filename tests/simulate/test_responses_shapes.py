from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from router.simulate.answer import Answer, choices_for
from router.simulate.asked import Asked, Prompt, Tool
from router.simulate.responses_shapes import response_body, response_events

ASKED = Asked(model="m", prompts=(Prompt("hello", 3),))
CALLING = replace(ASKED, tool=Tool("weather", {"properties": {"city": {"type": "string"}}}, named=True))


def answer(asked: Asked, room: int = 100) -> Answer:
    return Answer("resp_12", 7, "m", 3, choices_for(asked, "m", room), cached_tokens=2)


def told(asked: Asked, room: int = 100) -> tuple[Any, list[Any]]:
    made = answer(asked, room)
    return response_body({}, asked, made), [event.data for event in response_events({}, asked, made)]


def test_an_answer_says_again_what_was_asked() -> None:
    body = response_body({"instructions": "Be kind.", "store": False, "tools": None}, ASKED, answer(ASKED))
    assert (body["instructions"], body["store"], body["tools"], body["temperature"]) == ("Be kind.", False, [], 1.0)
    output = body["usage"]["output_tokens"]
    assert output > 0 and body["usage"] == {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 2},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 3 + output,
    }


@pytest.mark.parametrize(
    ("asked", "room", "deltas", "end"),
    [
        (ASKED, 100, "response.output_text.delta", "completed"),
        (ASKED, 3, "response.output_text.delta", "incomplete"),
        (CALLING, 100, "response.function_call_arguments.delta", "completed"),
    ],
)
def test_a_stream_says_what_the_whole_answer_says(asked: Asked, room: int, deltas: str, end: str) -> None:
    body, events = told(asked, room)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [events[0]["type"], events[1]["type"]] == ["response.created", "response.in_progress"]
    assert (body["status"], events[-1]["type"]) == (end, f"response.{end}")
    assert events[-1]["response"] == body and events[0]["response"]["status"] == "in_progress"
    assert (body["incomplete_details"] is None) == (end == "completed")
    streamed = "".join(event["delta"] for event in events if event["type"] == deltas)
    (item,) = body["output"]
    assert streamed == (item["arguments"] if asked is CALLING else item["content"][0]["text"])
    added, done = (
        next(event["item"] for event in events if event["type"] == f"response.output_item.{name}")
        for name in ("added", "done")
    )
    assert done == item and added["id"] == item["id"] and added["status"] == "in_progress"
