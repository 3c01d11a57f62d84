from __future__ import annotations

from msgspec import structs

from router.simulate import vllm_shapes as shapes
from router.simulate.answer import Answer, choices_for
from router.simulate.asked import Asked, Prompt

ASKED = Asked(model="m", prompts=(Prompt("hello", 3),), n=2, max_tokens=4)
ANSWER = Answer("chatcmpl-1", 7, "m", 3, choices_for(ASKED, "m", 100))


def test_the_finish_comes_with_the_last_token_and_the_fingerprint_with_the_very_last() -> None:
    events = list(shapes.chat_events(ASKED, ANSWER))
    finished = [event for event in events if any(choice["finish_reason"] for choice in event.data["choices"])]
    assert len(finished) == 2 and finished[-1] is events[-1]
    assert all(choice["delta"].get("content") for event in finished for choice in event.data["choices"])
    assert [bool(event.data.get("system_fingerprint")) for event in events] == [False] * (len(events) - 1) + [True]


def test_running_usage_is_told_only_when_asked_for_and_grows() -> None:
    assert not any(event.data.get("usage") for event in shapes.chat_events(ASKED, ANSWER))
    asked = structs.replace(ASKED, include_usage=True, continuous_usage=True)
    told = [event.data["usage"]["completion_tokens"] for event in shapes.chat_events(asked, ANSWER)]
    assert told == sorted(told) and told[-1] == ANSWER.completion_tokens


def test_a_stream_says_what_the_whole_answer_says() -> None:
    whole = shapes.completion_body(ASKED, ANSWER)["choices"][1]["text"]
    streamed = "".join(
        choice["text"]
        for event in shapes.completion_events(ASKED, ANSWER)
        for choice in event.data["choices"]
        if choice["index"] == 1
    )
    assert streamed == whole


def test_a_model_says_how_long_its_context_is() -> None:
    [model] = shapes.models_body(("m",), 7, 4096)["data"]
    assert (model["id"], model["max_model_len"]) == ("m", 4096)
