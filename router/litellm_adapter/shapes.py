"""litellm's objects -> OpenAI's JSON. Usage includes what was read from and written to the provider's cache."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from typing import Any

from router.litellm_adapter.screening import Json

_MESSAGE = ("role", "content", "tool_calls", "function_call", "refusal", "audio", "annotations")
_EXTRA = ("reasoning_content", "thinking_blocks", "provider_specific_fields")


def chat_body(dumped: Json) -> Json:
    """From a ModelResponse's `model_dump()`."""
    head = {name: dumped.get(name) for name in ("id", "object", "created", "model", "system_fingerprint")}
    return {**head, "choices": [_choice(choice) for choice in dumped["choices"]], "usage": usage(dumped.get("usage"))}


def chunk_body(dumped: Json, *, with_usage: bool) -> Json | None:
    """From one chunk's `model_dump()`. The chunk with the usage has no choices; None for a chunk that says nothing.

    When usage is asked for, the chunks before it have it as null, as OpenAI's do.
    """
    head = {name: dumped.get(name) for name in ("id", "object", "created", "model", "system_fingerprint")}
    counted = usage(dumped.get("usage"))
    choices = [_delta(choice) for choice in dumped.get("choices") or []]
    if counted is not None:
        choices = [choice for choice in choices if choice["delta"] or choice["finish_reason"]]
    elif not any(choice["delta"] or choice["finish_reason"] for choice in choices):
        return None
    return {**head, "choices": choices, **({"usage": counted} if with_usage else {})}


def finishing(chunk: Json) -> set[int]:
    """The choices, by index, that come to their end in it."""
    return {choice["index"] for choice in chunk["choices"] if choice["finish_reason"]}


def embedding_body(dumped: Json, encoding: str) -> Json:
    """From an EmbeddingResponse's `model_dump()`; vectors as base64 of little-endian 32-bit floats when asked for."""
    data = [
        {"object": "embedding", "index": item.get("index", place), "embedding": _encoded(item["embedding"], encoding)}
        for place, item in enumerate(dumped["data"])
    ]
    return {"object": "list", "data": data, "model": dumped.get("model"), "usage": _input_only(dumped.get("usage"))}


def message_body(dumped: Json) -> Json:
    """From a message, or an event of its stream, in Anthropic's dialect."""
    counted = dumped.get("usage")
    if isinstance(counted, Mapping) and any(_is_count(count) and count > 0 for count in counted.values()):
        return dumped
    return {name: value for name, value in dumped.items() if name != "usage"}


def response_body(dumped: Json) -> Json:
    """From a response of the Responses API."""
    named = str(dumped.get("id") or "")
    shown = {**dumped, "id": named if named.startswith("resp_") else f"resp_{named}"}
    if dumped.get("usage") is not None:
        shown["usage"] = usage(dumped["usage"], "input_tokens")
    return shown


def _input_only(given: Any) -> Json | None:
    counted = usage(given)
    if counted is None:
        return None
    return {name: count for name, count in counted.items() if name in ("prompt_tokens", "total_tokens")}


def usage(given: Any, prompt: str = "prompt_tokens") -> Json | None:
    """Counts only; a provider's prices and empty fields are left out.

    None when the provider reported nothing, for which litellm writes zeros: whoever counts has to estimate then. So it
    is with the input alone, which no request is without; a total is wrong then, too.
    """
    if not isinstance(given, Mapping) or not any(_is_count(value) and value > 0 for value in given.values()):
        return None
    counts: Json = {}
    left_out = () if given.get(prompt) else (prompt, "total_tokens")
    for name, value in given.items():
        if name in left_out:
            continue
        if isinstance(value, Mapping):
            inner = {key: count for key, count in value.items() if _is_count(count)}
            counts |= {name: inner} if inner else {}
        elif _is_count(value):
            counts[name] = value
    return counts


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _choice(choice: Json) -> Json:
    message = choice["message"]
    shown = {name: message[name] for name in (*_MESSAGE, *_EXTRA) if _says_something(message.get(name))}
    content = {"role": "assistant", "content": None, **shown}
    rest = {"logprobs": choice.get("logprobs"), "finish_reason": choice.get("finish_reason")}
    return {"index": choice["index"], "message": content, **rest}


def _delta(choice: Json) -> Json:
    delta = choice.get("delta") or {}
    shown = {name: delta[name] for name in (*_MESSAGE, *_EXTRA) if _says_something(delta.get(name))}
    rest = {"logprobs": choice.get("logprobs"), "finish_reason": choice.get("finish_reason")}
    return {"index": choice["index"], "delta": shown, **rest}


def _says_something(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_says_something(item) for item in value.values())
    return value is not None and value != []


def _encoded(vector: Any, encoding: str) -> Any:
    if encoding != "base64" or not isinstance(vector, list):
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
