"""The JSON of /v1/messages, as vLLM sends it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from router.simulate.answer import Answer, Event
from router.simulate.asked import Asked, Json
from router.simulate.generate import Choice, timeline

_REASONS = {"length": "max_tokens", "stop": "end_turn"}


def message_body(asked: Asked, answer: Answer) -> Json:
    (choice,) = answer.choices
    return {**_head(answer), "content": [_block(answer, choice)], **_ending(choice), "usage": _usage(answer)}


def message_events(asked: Asked, answer: Answer) -> Iterator[Event]:
    (choice,) = answer.choices

    def event(step: int, kind: str, **fields: Any) -> Event:
        return Event(step, {"type": kind, **fields})

    begun = {**_head(answer), "content": [], "stop_reason": None, "stop_sequence": None}
    usage = {"input_tokens": answer.prompt_tokens, "output_tokens": 0}
    yield event(0, "message_start", message={**begun, "usage": usage})
    opened: Json = {"text": ""} if choice.tool is None else {"input": {}}
    yield event(0, "content_block_start", index=0, content_block={**_block(answer, choice), **opened})
    kind, name = ("text_delta", "text") if choice.tool is None else ("input_json_delta", "partial_json")
    for tick in timeline(answer.choices):
        yield event(tick.step, "content_block_delta", index=0, delta={"type": kind, name: tick.piece})
    yield event(answer.steps, "content_block_stop", index=0)
    yield event(answer.steps, "message_delta", delta=_ending(choice), usage=_usage(answer))
    yield event(answer.steps, "message_stop")


def message_error(message: str, kind: str) -> Json:
    return {"type": "error", "error": {"type": kind, "message": message}}


def _head(answer: Answer) -> Json:
    return {"id": answer.id, "type": "message", "role": "assistant", "model": answer.model}


def _block(answer: Answer, choice: Choice) -> Json:
    if choice.tool is None:
        return {"type": "text", "text": choice.text}
    return {"type": "tool_use", "id": f"toolu_{answer.id[-20:]}", "name": choice.tool, "input": _arguments(choice)}


def _arguments(choice: Choice) -> Any:
    """Nothing where the limit came in between: half an object is none."""
    return {} if choice.finish == "length" else json.loads(choice.text)


def _ending(choice: Choice) -> Json:
    if choice.tool is not None and choice.finish != "length":
        return {"stop_reason": "tool_use", "stop_sequence": None}
    reason = "stop_sequence" if choice.stop_reason is not None else _REASONS[choice.finish]
    return {"stop_reason": reason, "stop_sequence": choice.stop_reason}


def _usage(answer: Answer) -> Json:
    return {"input_tokens": answer.prompt_tokens, "output_tokens": answer.completion_tokens}
