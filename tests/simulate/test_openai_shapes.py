from __future__ import annotations

from typing import Any

from msgspec import structs

from router.simulate import openai_shapes as shapes
from router.simulate.answer import Answer, Event, choices_for
from router.simulate.asked import Asked, Prompt

ASKED = Asked(model="m", prompts=(Prompt("hello", 3),), n=2, max_tokens=4)
ANSWER = Answer("chatcmpl-000000000001", 7, "m", 3, choices_for(ASKED, "m", 100), cached_tokens=2)


def texts(events: list[Event], index: int) -> str:
    deltas: list[Any] = [choice for event in events for choice in event.data["choices"] if choice["index"] == index]
    return "".join(choice["delta"].get("content") or "" for choice in deltas)


def test_a_stream_says_what_the_whole_answer_says() -> None:
    body = shapes.chat_body(ASKED, ANSWER)
    events = list(shapes.chat_events(ASKED, ANSWER))
    for choice in body["choices"]:
        assert texts(events, choice["index"]) == choice["message"]["content"]
    assert [event.step for event in events] == sorted(event.step for event in events)


def test_usage_comes_last_and_only_to_those_who_asked() -> None:
    assert not any("usage" in event.data for event in shapes.chat_events(ASKED, ANSWER))
    events = list(shapes.chat_events(structs.replace(ASKED, include_usage=True), ANSWER))
    assert [event.data["usage"] is None for event in events] == [True] * (len(events) - 1) + [False]
    assert events[-1].data["choices"] == []
    assert events[-1].data["usage"]["total_tokens"] == 3 + ANSWER.completion_tokens
    assert events[-1].data["usage"]["prompt_tokens_details"]["cached_tokens"] == 2


def test_each_choice_finishes_once() -> None:
    finished = [
        (choice["index"], choice["finish_reason"])
        for event in shapes.chat_events(ASKED, ANSWER)
        for choice in event.data["choices"]
        if choice["finish_reason"]
    ]
    assert sorted(finished) == [(0, "length"), (1, "length")]


def test_log_probabilities_are_there_when_asked_for() -> None:
    plain, told = (shapes.chat_body(structs.replace(ASKED, logprobs=flag), ANSWER) for flag in (False, True))
    assert plain["choices"][0]["logprobs"] is None
    assert len(told["choices"][0]["logprobs"]["content"]) == len(ANSWER.choices[0].pieces)


def test_a_completion_has_text_instead_of_a_message() -> None:
    body = shapes.completion_body(ASKED, ANSWER)
    streamed = "".join(
        choice["text"]
        for event in shapes.completion_events(ASKED, ANSWER)
        for choice in event.data["choices"]
        if choice["index"] == 0
    )
    assert body["object"] == "text_completion" and body["choices"][0]["text"] == streamed
