"""Messages of the pretended provider, shaped as Anthropic documents them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from clients.answers import Call, pieces, say
from clients.openai_dialect import event

Json = dict[str, Any]

CACHE_READ, CACHE_WRITE = 4, 2


def messages_usage(tokens_in: int, tokens_out: int) -> Json:
    """`tokens_in` is all of the input; what was read from the cache and written to it is told beside the rest."""
    return {
        "input_tokens": tokens_in - CACHE_READ - CACHE_WRITE,
        "cache_creation_input_tokens": CACHE_WRITE,
        "cache_read_input_tokens": CACHE_READ,
        "cache_creation": {"ephemeral_5m_input_tokens": CACHE_WRITE, "ephemeral_1h_input_tokens": 0},
        "output_tokens": tokens_out,
        "service_tier": "standard",
    }


def messages_says(body: Json) -> str | Call:
    question, told = "", None
    for message in body["messages"]:
        if message["role"] != "user":
            continue
        blocks = message["content"]
        if isinstance(blocks, str):
            question, told = blocks, None
            continue
        results = [_text(block.get("content", "")) for block in blocks if block["type"] == "tool_result"]
        if results:
            told = "\n".join(results)
        else:
            question, told = _text(blocks), None
    return say(question, [tool["name"] for tool in body.get("tools") or ()], told)


def message_body(body: Json, number: int, usage: Json) -> Json:
    said = messages_says(body)
    return {**_head(body, number), "content": [_block(said, number)], "stop_reason": _stop(said), "usage": usage}


def message_events(body: Json, number: int, usage: Json) -> Iterator[bytes]:
    said = messages_says(body)
    block = _block(said, number)
    if isinstance(said, Call):
        opening = {**block, "input": {}}
        deltas: list[Json] = [{"type": "input_json_delta", "partial_json": said.arguments}]
    else:
        opening = {**block, "text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces(said)]
    start = {**_head(body, number), "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    told: list[Json] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": opening},
        {"type": "ping"},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": _stop(said), "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ]
    for one in told:
        yield event(one, one["type"])


def _head(body: Json, number: int) -> Json:
    ids = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": body["model"]}
    return {**ids, "stop_sequence": None, "container": None}


def _block(said: str | Call, number: int) -> Json:
    if isinstance(said, Call):
        return {"type": "tool_use", "id": f"toolu_{number}", "name": said.tool, "input": json.loads(said.arguments)}
    return {"type": "text", "text": said, "citations": None}


def _stop(said: str | Call) -> str:
    return "tool_use" if isinstance(said, Call) else "end_turn"


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content if isinstance(block, dict))
