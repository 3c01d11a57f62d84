"""The JSON of /v1/responses, of which OpenAI's API and vLLM have the same."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from router.simulate.answer import Answer, Event
from router.simulate.asked import Asked, Json
from router.simulate.generate import Choice, timeline

_ECHOED: Json = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt": None,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What an answer says of its request again, with what counts where that said nothing."""


def response_body(request: Json, asked: Asked, answer: Answer) -> Json:
    (choice,) = answer.choices
    cut = choice.finish == "length"
    reason = {"reason": "max_output_tokens"} if cut else None
    made = [_item(answer, choice, "incomplete" if cut else "completed")]
    return _object(request, answer, "incomplete" if cut else "completed", made, _usage(answer), reason)


def response_events(request: Json, asked: Asked, answer: Answer) -> Iterator[Event]:
    """In the order in which both send them; each knows its number."""
    (choice,) = answer.choices
    numbers = count()

    def event(step: int, kind: str, **fields: Any) -> Event:
        return Event(step, {"type": f"response.{kind}", "sequence_number": next(numbers), **fields})

    begun = _object(request, answer, "in_progress", [], None, None)
    whole = response_body(request, asked, answer)
    item = whole["output"][0]
    place = {"item_id": item["id"], "output_index": 0}
    yield event(0, "created", response=begun)
    yield event(0, "in_progress", response=begun)
    yield event(0, "output_item.added", output_index=0, item=_opening(answer, choice))
    if choice.tool is None:
        place |= {"content_index": 0}
        yield event(0, "content_part.added", **place, part=_text(""))
    kind = "output_text" if choice.tool is None else "function_call_arguments"
    extra: Json = {"logprobs": []} if choice.tool is None else {}
    for tick in timeline(answer.choices):
        yield event(tick.step, f"{kind}.delta", **place, delta=tick.piece, **extra)
    if choice.tool is None:
        yield event(answer.steps, "output_text.done", **place, text=choice.text, logprobs=[])
        yield event(answer.steps, "content_part.done", **place, part=item["content"][0])
    else:
        yield event(answer.steps, f"{kind}.done", **place, name=choice.tool, arguments=choice.text)
    yield event(answer.steps, "output_item.done", output_index=0, item=item)
    yield event(answer.steps, str(whole["status"]), response=whole)


def _object(
    request: Json, answer: Answer, status: str, output: list[Json], usage: Json | None, reason: Json | None
) -> Json:
    told = {name: default if request.get(name) is None else request[name] for name, default in _ECHOED.items()}
    return {
        "id": answer.id,
        "object": "response",
        "created_at": answer.created,
        "status": status,
        "error": None,
        "incomplete_details": reason,
        "model": answer.model,
        "output": output,
        **told,
        "service_tier": "default",
        "usage": usage,
    }


def _usage(answer: Answer) -> Json:
    return {
        "input_tokens": answer.prompt_tokens,
        "input_tokens_details": {"cached_tokens": answer.cached_tokens},
        "output_tokens": answer.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
    }


def _opening(answer: Answer, choice: Choice) -> Json:
    emptied: Json = {"content": []} if choice.tool is None else {"arguments": ""}
    return {**_item(answer, choice, "in_progress"), **emptied}


def _item(answer: Answer, choice: Choice, status: str) -> Json:
    tail = answer.id.removeprefix("resp_")
    if choice.tool is None:
        head = {"id": f"msg_{tail}", "type": "message", "status": status}
        return {**head, "content": [_text(choice.text)], "role": "assistant"}
    head = {"id": f"fc_{tail}", "type": "function_call", "status": status}
    return {**head, "arguments": choice.text, "call_id": f"call_{tail[-24:]}", "name": choice.tool}


def _text(text: str) -> Json:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
