"""The JSON that vLLM 0.32 sends for an answer; field for field what a real server was seen to send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from router.simulate.answer import Answer, Event
from router.simulate.asked import Asked, Json
from router.simulate.generate import Choice, Tick, timeline
from router.simulate.logprobs import chat_logprobs, completion_logprobs

_FINGERPRINT = "vllm-0.32.0-simulated"


def chat_body(asked: Asked, answer: Answer) -> Json:
    return {
        **_head(answer, "chat.completion"),
        "choices": [_chat_choice(asked, answer, choice) for choice in answer.choices],
        "service_tier": None,
        "system_fingerprint": _FINGERPRINT,
        "usage": _full_usage(answer),
        "prompt_logprobs": None,
        "prompt_token_ids": None,
        "prompt_text": None,
        "kv_transfer_params": None,
        "ec_transfer_params": None,
        "metrics": None,
    }


def completion_body(asked: Asked, answer: Answer) -> Json:
    return {
        **_head(answer, "text_completion"),
        "choices": [_completion_choice(asked, choice) for choice in answer.choices],
        "service_tier": None,
        "system_fingerprint": _FINGERPRINT,
        "usage": _full_usage(answer),
        "kv_transfer_params": None,
        "ec_transfer_params": None,
        "metrics": None,
    }


def chat_events(asked: Asked, answer: Answer) -> Iterator[Event]:
    """The finish comes with the last token, and the fingerprint with the very last event."""
    for choice in answer.choices:
        delta = {"role": "assistant", "content": ""}
        opening = {"index": choice.index, "delta": delta, "logprobs": None, "finish_reason": None}
        chunk = {**_head(answer, "chat.completion.chunk"), "choices": [opening]}
        yield Event(0, {**chunk, **_running_usage(asked, answer, 0), "prompt_token_ids": None, "prompt_text": None})
    last = answer.choices[-1]
    for tick in timeline(answer.choices):
        chunk = {**_head(answer, "chat.completion.chunk"), "choices": [_chat_delta(asked, answer, tick)]}
        yield Event(tick.step, {**chunk, **_running_usage(asked, answer, tick.step + 1), **_ending(asked, tick, last)})
    if asked.include_usage:
        yield _usage_event(answer, "chat.completion.chunk")


def completion_events(asked: Asked, answer: Answer) -> Iterator[Event]:
    last = answer.choices[-1]
    for tick in timeline(answer.choices):
        choice = {
            "index": tick.choice.index,
            "text": tick.piece,
            "logprobs": completion_logprobs([tick.piece]) if asked.logprobs else None,
            "finish_reason": tick.choice.finish if tick.last else None,
            "stop_reason": tick.choice.stop_reason if tick.last else None,
            "prompt_token_ids": None,
            "token_ids": None,
        }
        chunk = {**_head(answer, "text_completion"), "choices": [choice]}
        yield Event(tick.step, {**chunk, **_running_usage(asked, answer, tick.step + 1), **_ending(asked, tick, last)})
    if asked.include_usage:
        yield _usage_event(answer, "text_completion")


def models_body(models: tuple[str, ...], created: int, context: int) -> Json:
    return {"object": "list", "data": [_model(model, created, context) for model in models]}


def error_body(status: int, message: str, kind: str, param: str | None = None) -> Json:
    """vLLM's `code` is the status, an integer."""
    return {"error": {"message": message, "type": kind, "param": param, "code": status}}


def _model(model: str, created: int, context: int) -> Json:
    return {
        "id": model,
        "object": "model",
        "created": created,
        "owned_by": "simulated",
        "root": model,
        "parent": None,
        "max_model_len": context,
        "permission": [],
    }


def _head(answer: Answer, kind: str) -> Json:
    return {"id": answer.id, "object": kind, "created": answer.created, "model": answer.model}


def _usage(answer: Answer, completion: int) -> Json:
    prompt = answer.prompt_tokens
    return {"prompt_tokens": prompt, "total_tokens": prompt + completion, "completion_tokens": completion}


def _full_usage(answer: Answer) -> Json:
    details = {"prompt_tokens_details": None, "completion_tokens_details": None}
    return {**_usage(answer, answer.completion_tokens), **details}


def _running_usage(asked: Asked, answer: Answer, completion: int) -> Json:
    """With continuous_usage_stats every chunk carries the usage so far, of its own choice."""
    if not (asked.include_usage and asked.continuous_usage):
        return {}
    return {"usage": {**_usage(answer, completion), "completion_tokens_details": None}}


def _usage_event(answer: Answer, kind: str) -> Event:
    usage = _usage(answer, answer.completion_tokens)
    return Event(
        answer.steps, {**_head(answer, kind), "choices": [], "usage": usage, "system_fingerprint": _FINGERPRINT}
    )


def _ending(asked: Asked, tick: Tick, last: Choice) -> Json:
    ends = tick.last and tick.choice is last and not asked.include_usage
    return {"system_fingerprint": _FINGERPRINT} if ends else {}


def _chat_delta(asked: Asked, answer: Answer, tick: Tick) -> Json:
    logprobs = {"content": chat_logprobs([tick.piece])} if asked.logprobs else None
    delta = {"content": tick.piece} if tick.choice.tool is None else {"tool_calls": [_call_piece(answer, tick)]}
    finish: Json = {"finish_reason": None}
    if tick.last:
        finish = {"finish_reason": tick.choice.finish, "stop_reason": tick.choice.stop_reason}
    return {"index": tick.choice.index, "delta": delta, "logprobs": logprobs, **finish, "token_ids": None}


def _call_piece(answer: Answer, tick: Tick) -> Json:
    if tick.step:
        return {"index": 0, "function": {"arguments": tick.piece}}
    function = {"name": tick.choice.tool, "arguments": tick.piece}
    return {"id": _call_id(answer, tick.choice), "type": "function", "index": 0, "function": function}


def _call_id(answer: Answer, choice: Choice) -> str:
    return f"chatcmpl-tool-{answer.id[-12:]}{choice.index}"


def _chat_choice(asked: Asked, answer: Answer, choice: Choice) -> Json:
    message: Json = {"role": "assistant", "content": choice.text if choice.tool is None else None, "refusal": None}
    message |= {"annotations": None, "audio": None, "function_call": None}
    if choice.tool is not None:
        function = {"name": choice.tool, "arguments": choice.text}
        message["tool_calls"] = [{"id": _call_id(answer, choice), "type": "function", "function": function}]
    message["reasoning"] = None
    logprobs = {"content": chat_logprobs(choice.pieces)} if asked.logprobs else None
    return {**_choice(choice, "message", message), "logprobs": logprobs, **_close(choice), "routed_experts": None}


def _completion_choice(asked: Asked, choice: Choice) -> Json:
    logprobs = completion_logprobs(choice.pieces) if asked.logprobs else None
    extra = {"prompt_logprobs": None, "prompt_token_ids": None, "routed_experts": None}
    return {**_choice(choice, "text", choice.text), "logprobs": logprobs, **_close(choice), **extra}


def _choice(choice: Choice, name: str, value: Any) -> Json:
    return {"index": choice.index, name: value}


def _close(choice: Choice) -> Json:
    return {"finish_reason": choice.finish, "stop_reason": choice.stop_reason, "token_ids": None}
