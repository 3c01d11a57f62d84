"""The JSON that OpenAI's API sends for an answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from router.simulate.answer import Answer, Event
from router.simulate.asked import Asked, Json
from router.simulate.generate import Choice, Tick, timeline
from router.simulate.logprobs import chat_logprobs, completion_logprobs

_FINGERPRINT = "fp_simulated"


def usage(answer: Answer) -> Json:
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def chat_body(asked: Asked, answer: Answer) -> Json:
    return {
        **_head(answer, "chat.completion"),
        "choices": [_chat_choice(asked, answer, choice) for choice in answer.choices],
        "usage": usage(answer),
        "service_tier": "default",
        "system_fingerprint": _FINGERPRINT,
    }


def chat_events(asked: Asked, answer: Answer) -> Iterator[Event]:
    """Role, tokens and finish of every choice; at the end the usage, when asked for."""
    tail: Json = {"usage": None} if asked.include_usage else {}

    def event(step: int, choices: list[Json]) -> Event:
        head = _head(answer, "chat.completion.chunk")
        return Event(
            step, {**head, "service_tier": "default", "system_fingerprint": _FINGERPRINT, "choices": choices, **tail}
        )

    for choice in answer.choices:
        yield event(0, [_delta(choice, _opening(answer, choice), None)])
    for tick in timeline(answer.choices):
        if tick.piece:
            yield event(tick.step, [_delta(tick.choice, _addition(tick), _stream_logprobs(asked, tick))])
        if tick.last:
            yield event(tick.step, [_delta(tick.choice, {}, None, tick.choice.finish)])
    if asked.include_usage:
        last = event(answer.steps, [])
        yield Event(last.step, {**last.data, "usage": usage(answer)})


def completion_body(asked: Asked, answer: Answer) -> Json:
    return {
        **_head(answer, "text_completion"),
        "choices": [
            {
                "text": choice.text,
                "index": choice.index,
                "logprobs": completion_logprobs(choice.pieces) if asked.logprobs else None,
                "finish_reason": choice.finish,
            }
            for choice in answer.choices
        ],
        "usage": usage(answer),
    }


def completion_events(asked: Asked, answer: Answer) -> Iterator[Event]:
    tail: Json = {"usage": None} if asked.include_usage else {}

    def chunk(tick: Tick, text: str, finish: str | None) -> Event:
        logprobs = completion_logprobs([text]) if asked.logprobs and text else None
        choice = {"text": text, "index": tick.choice.index, "logprobs": logprobs, "finish_reason": finish}
        return Event(tick.step, {**_head(answer, "text_completion"), "choices": [choice], **tail})

    for tick in timeline(answer.choices):
        if tick.piece:
            yield chunk(tick, tick.piece, None)
        if tick.last:
            yield chunk(tick, "", tick.choice.finish)
    if asked.include_usage:
        yield Event(answer.steps, {**_head(answer, "text_completion"), "choices": [], "usage": usage(answer)})


def models_body(models: tuple[str, ...], created: int) -> Json:
    return {"object": "list", "data": [model_body(model, created) for model in models]}


def model_body(model: str, created: int) -> Json:
    return {"id": model, "object": "model", "created": created, "owned_by": "simulated"}


def error_body(
    message: str, kind: str = "invalid_request_error", param: str | None = None, code: str | None = None
) -> Json:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _head(answer: Answer, kind: str) -> Json:
    return {"id": answer.id, "object": kind, "created": answer.created, "model": answer.model}


def _call_id(answer: Answer, choice: Choice) -> str:
    return f"call_{answer.id[-12:]}{choice.index}"


def _chat_choice(asked: Asked, answer: Answer, choice: Choice) -> Json:
    logprobs = {"content": chat_logprobs(choice.pieces), "refusal": None} if asked.logprobs else None
    message: Json = {"role": "assistant", "content": choice.text if choice.tool is None else None}
    if choice.tool is not None:
        function = {"name": choice.tool, "arguments": choice.text}
        message["tool_calls"] = [{"id": _call_id(answer, choice), "type": "function", "function": function}]
    message |= {"refusal": None, "annotations": []}
    return {"index": choice.index, "message": message, "logprobs": logprobs, "finish_reason": choice.finish}


def _opening(answer: Answer, choice: Choice) -> Json:
    if choice.tool is None:
        return {"role": "assistant", "content": "", "refusal": None}
    function = {"name": choice.tool, "arguments": ""}
    call = {"index": 0, "id": _call_id(answer, choice), "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call], "refusal": None}


def _addition(tick: Tick) -> Json:
    if tick.choice.tool is None:
        return {"content": tick.piece}
    return {"tool_calls": [{"index": 0, "function": {"arguments": tick.piece}}]}


def _stream_logprobs(asked: Asked, tick: Tick) -> Json | None:
    return {"content": chat_logprobs([tick.piece]), "refusal": None} if asked.logprobs else None


def _delta(choice: Choice, delta: Json, logprobs: Any, finish: str | None = None) -> Json:
    return {"index": choice.index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
