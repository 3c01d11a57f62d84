"""Chat completions and responses of the pretended provider, shaped as OpenAI documents them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from clients.answers import Call, pieces, say

Json = dict[str, Any]

CREATED = 1_770_000_000
CACHED = 4


def event(data: Json, name: str = "") -> bytes:
    line = f"event: {name}\n" if name else ""
    return f"{line}data: {json.dumps(data)}\n\n".encode()


# --- chat completions


def chat_usage(tokens_in: int, tokens_out: int) -> Json:
    return {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
        "prompt_tokens_details": {"cached_tokens": CACHED, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def chat_says(body: Json) -> str | Call:
    question, told = "", None
    for message in body["messages"]:
        if message["role"] == "user":
            question, told = _text(message["content"]), None
        elif message["role"] == "tool":
            told = _text(message["content"])
    return say(question, [tool["function"]["name"] for tool in body.get("tools") or () if "function" in tool], told)


def chat_body(body: Json, number: int, usage: Json) -> Json:
    said = chat_says(body)
    message: Json = {"role": "assistant", "content": said, "refusal": None, "annotations": []}
    if isinstance(said, Call):
        message |= {"content": None, "tool_calls": [_chat_call(said, number)]}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(said)}
    return {**_chat_head(body, number, "chat.completion"), "choices": [choice], "usage": usage}


def chat_events(body: Json, number: int, usage: Json) -> Iterator[bytes]:
    said = chat_says(body)
    asked = (body.get("stream_options") or {}).get("include_usage", False)
    head = _chat_head(body, number, "chat.completion.chunk") | ({"usage": None} if asked else {})
    if isinstance(said, Call):
        deltas: list[Json] = [{"tool_calls": [{"index": 0, **_chat_call(said, number)}]}]
    else:
        deltas = [{"content": piece} for piece in pieces(said)]
    for delta in ({"role": "assistant", "content": None if isinstance(said, Call) else ""}, *deltas):
        yield event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": _finish(said)}]})
    if asked:
        yield event({**head, "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def _chat_head(body: Json, number: int, kind: str) -> Json:
    return {"id": f"chatcmpl-{number}", "object": kind, "created": CREATED, "model": body["model"]}


def _chat_call(call: Call, number: int) -> Json:
    return {"id": f"call_{number}", "type": "function", "function": {"name": call.tool, "arguments": call.arguments}}


def _finish(said: str | Call) -> str:
    return "tool_calls" if isinstance(said, Call) else "stop"


# --- responses


def responses_usage(tokens_in: int, tokens_out: int) -> Json:
    return {
        "input_tokens": tokens_in,
        "input_tokens_details": {"cached_tokens": CACHED, "cache_write_tokens": 0},
        "output_tokens": tokens_out,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens_in + tokens_out,
    }


def responses_says(body: Json) -> str | Call:
    asked = body["input"]
    if isinstance(asked, str):
        return say(asked, _tools(body), None)
    question, told = "", None
    for item in asked:
        kind = item.get("type", "message")
        if kind == "message" and item["role"] == "user":
            question, told = _text(item["content"]), None
        elif kind in ("function_call_output", "custom_tool_call_output"):
            told = _text(item["output"])
    return say(question, _tools(body), told)


def _tools(body: Json) -> list[str]:
    return [tool["name"] for tool in body.get("tools") or () if tool["type"] == "function"]


def response_body(body: Json, number: int, usage: Json | None, output: list[Json], status: str = "completed") -> Json:
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": body["model"],
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": body.get("store", True),
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
        "user": None,
        "metadata": body.get("metadata") or {},
    }


def item_of(said: str | Call, number: int, status: str = "completed") -> Json:
    if isinstance(said, Call):
        ids = {"id": f"fc_{number}", "type": "function_call", "call_id": f"call_{number}"}
        return {**ids, "name": said.tool, "arguments": said.arguments, "status": status}
    content = [_part(said)] if status == "completed" else []
    return {"id": f"msg_{number}", "type": "message", "role": "assistant", "status": status, "content": content}


def _part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def response_events(body: Json, number: int, usage: Json) -> Iterator[bytes]:
    said = responses_says(body)
    whole = item_of(said, number)
    begun = response_body(body, number, None, [], "in_progress")
    told: list[tuple[str, Json]] = [
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
    ]
    if isinstance(said, Call):
        place = {"item_id": whole["id"], "output_index": 0}
        opening = {**whole, "arguments": "", "status": "in_progress"}
        told += [
            ("response.output_item.added", {"output_index": 0, "item": opening}),
            ("response.function_call_arguments.delta", {**place, "delta": said.arguments}),
            ("response.function_call_arguments.done", {**place, "name": said.tool, "arguments": said.arguments}),
        ]
    else:
        place = {"item_id": whole["id"], "output_index": 0, "content_index": 0}
        opening = item_of(said, number, "in_progress")
        told += [
            ("response.output_item.added", {"output_index": 0, "item": opening}),
            ("response.content_part.added", {**place, "part": _part("")}),
            *(("response.output_text.delta", {**place, "delta": one, "logprobs": []}) for one in pieces(said)),
            ("response.output_text.done", {**place, "text": said, "logprobs": []}),
            ("response.content_part.done", {**place, "part": _part(said)}),
        ]
    told += [
        ("response.output_item.done", {"output_index": 0, "item": whole}),
        ("response.completed", {"response": response_body(body, number, usage, [whole])}),
    ]
    for order, (kind, fields) in enumerate(told):
        yield event({"type": kind, "sequence_number": order, **fields}, kind)


def _text(content: Any) -> str:
    """Of a message's or an output's content: a string, or parts that have text."""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content if isinstance(part, dict))
