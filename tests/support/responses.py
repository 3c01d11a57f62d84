"""What a backend says on POST /v1/responses, shaped as documented."""

from __future__ import annotations

import json
from typing import Any

USAGE = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 18,
}


def response(text: str = "Paris.", **fields: Any) -> bytes:
    """A whole answer; `fields` in place of its own."""
    return json.dumps(response_object(text, **fields)).encode()


def response_object(text: str = "Paris.", **fields: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
    whole = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_770_000_000,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": "m",
        "output": [message],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "store": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": USAGE,
        "metadata": {},
    }
    return {**whole, **fields}


def event(kind: str, number: int, **fields: Any) -> bytes:
    told = json.dumps({"type": kind, "sequence_number": number, **fields}, separators=(",", ":"))
    return f"event: {kind}\ndata: {told}\n\n".encode()


_BEGUN = response_object(status="in_progress", output=[], usage=None)
CREATED = event("response.created", 0, response=_BEGUN)
IN_PROGRESS = event("response.in_progress", 1, response=_BEGUN)
ADDED = event("response.output_item.added", 2, output_index=0, item={"type": "message", "id": "msg_1", "content": []})
DELTA = event("response.output_text.delta", 3, item_id="msg_1", output_index=0, content_index=0, delta="Paris.")
COMPLETED = event("response.completed", 4, response=response_object())
