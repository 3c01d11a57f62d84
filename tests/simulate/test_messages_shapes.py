from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from router.simulate.answer import Answer, choices_for
from router.simulate.asked import Asked, Prompt, Tool
from router.simulate.messages_shapes import message_body, message_error, message_events

ASKED = Asked(model="m", prompts=(Prompt("hello", 3),))
CALLING = replace(ASKED, tool=Tool("weather", {"properties": {"city": {"type": "string"}}}, named=False))


@pytest.mark.parametrize(
    ("asked", "room", "reason"),
    [
        (ASKED, 100, "end_turn"),
        (ASKED, 3, "max_tokens"),
        (replace(ASKED, stop=(" simulated",)), 100, "stop_sequence"),
        (CALLING, 100, "tool_use"),
        (CALLING, 2, "max_tokens"),
    ],
)
def test_a_stream_says_what_the_whole_answer_says(asked: Asked, room: int, reason: str) -> None:
    answer = Answer("msg_12", 7, "m", 3, choices_for(asked, "m", room))
    body: Any = message_body(asked, answer)
    events: list[Any] = [event.data for event in message_events(asked, answer)]
    assert [events[0]["type"], events[-1]["type"]] == ["message_start", "message_stop"]
    assert events[0]["message"]["usage"] == {"input_tokens": 3, "output_tokens": 0}
    assert body["stop_reason"] == events[-2]["delta"]["stop_reason"] == reason
    assert body["usage"] == events[-2]["usage"] == {"input_tokens": 3, "output_tokens": answer.completion_tokens}
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    (block,) = body["content"]
    assert events[1]["content_block"]["type"] == block["type"]
    if block["type"] == "text":
        assert "".join(delta["text"] for delta in deltas) == block["text"]
    elif reason == "tool_use":
        assert json.loads("".join(delta["partial_json"] for delta in deltas)) == block["input"] == {"city": "simulated"}
    else:
        assert block["input"] == {}


def test_an_error() -> None:
    assert message_error("No.", "BadRequestError") == {
        "type": "error",
        "error": {"type": "BadRequestError", "message": "No."},
    }
