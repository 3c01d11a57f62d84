"""What Anthropic's API answers, by its documentation.

https://docs.anthropic.com/en/api/messages, messages-streaming and errors
"""

from __future__ import annotations

import json
from typing import Any

USAGE = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 300,
    "cache_read_input_tokens": 90,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
    "output_tokens": 7,
    "service_tier": "standard",
}


def message(text: str = "Paris.", usage: dict[str, Any] | None = None, stop_reason: str = "end_turn") -> bytes:
    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": usage or USAGE,
    }
    return json.dumps(body).encode()


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind} | fields, separators=(',', ':'))}\n\n".encode()


def start(usage: dict[str, Any] | None = None) -> bytes:
    whole = json.loads(message("", usage or {**USAGE, "output_tokens": 1}))
    return event("message_start", message=whole | {"stop_reason": None})


def text(*parts: str) -> bytes:
    """One block."""
    begin = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    deltas = [event("content_block_delta", index=0, delta={"type": "text_delta", "text": part}) for part in parts]
    return begin + event("ping") + b"".join(deltas)


def end(output_tokens: int = 7, stop_reason: str = "end_turn") -> bytes:
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    stop = event("content_block_stop", index=0)
    return stop + event("message_delta", delta=delta, usage={"output_tokens": output_tokens}) + event("message_stop")


def error(type: str, said: str) -> bytes:
    body = {"type": "error", "error": {"type": type, "message": said}, "request_id": "req_provider"}
    return json.dumps(body).encode()
