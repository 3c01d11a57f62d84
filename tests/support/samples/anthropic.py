"""Messages and the count of their tokens."""

from __future__ import annotations

import json
from typing import Any

from support.samples.openai import PIXELS
from support.samples.sample import ADDRESS, SAID, TEXT, Fields, Sample, sse

_NOW = {"role": "user", "content": "And now?"}
_LIMIT = {"max_tokens": 64}


def _said(*blocks: Any, **more: Any) -> Fields:
    return {**_LIMIT, "messages": [{"role": "user", "content": list(blocks)}], **more}


def _conversation(*messages: Any, **more: Any) -> Fields:
    return {**_LIMIT, "messages": [*messages, _NOW], **more}


def _answered(*blocks: Any) -> Fields:
    return _conversation({"role": "user", "content": "Hi"}, {"role": "assistant", "content": list(blocks)})


_DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": TEXT}}
_PARTS = {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": TEXT}]}}
_PLAIN = {"type": "text", "media_type": "text/plain", "data": "a"}
_FOUND = {"type": "search_result", "source": "a", "title": TEXT, "content": [{"type": "text", "text": "a"}]}
_USE = {"type": "tool_use", "id": "t", "name": "f", "input": {"deep": {TEXT: [TEXT]}}}
_RESULT = {"type": "tool_result", "tool_use_id": "t", "content": TEXT}
_RESULTS = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": TEXT}]}
_TOOL = {"name": "f", "description": TEXT, "input_schema": {"type": "object"}}
_SCHEMA = {"name": "f", "input_schema": {"type": "object", "properties": {TEXT: {"enum": ["a"]}}}}
_CITED = {"type": "text", "text": "a", "citations": [{"type": "char_location", "cited_text": TEXT}]}
PLACES: dict[str, Fields] = {
    "message": {**_LIMIT, "messages": [{"role": "user", "content": TEXT}]},
    "block": _said({"type": "text", "text": TEXT}),
    "system": _conversation(system=TEXT),
    "system block": _conversation(system=[{"type": "text", "text": TEXT}]),
    "system turn": _conversation({"role": "system", "content": TEXT}),
    "earlier turn": _conversation({"role": "user", "content": TEXT}, {"role": "assistant", "content": "yes"}),
    "answer before": _answered({"type": "text", "text": TEXT}),
    "thinking": _answered({"type": "thinking", "thinking": TEXT, "signature": ""}),
    "tool arguments": _answered(_USE),
    "tool result": _said(_RESULT),
    "tool result's blocks": _said(_RESULTS),
    "tool": _conversation(tools=[_TOOL]),
    "schema": _conversation(tools=[_SCHEMA]),
    "document": _said(_DOCUMENT),
    "document in blocks": _said(_PARTS),
    "document's title": _said({"type": "document", "title": TEXT, "source": _PLAIN}),
    "document's context": _said({"type": "document", "context": TEXT, "source": _PLAIN}),
    "search result": _said(_FOUND),
    "citation": _answered(_CITED),
    "stop sequence": _conversation(stop_sequences=[TEXT]),
    "metadata": _conversation(metadata={"user_id": TEXT}),
    "unknown member": _conversation(x_note=[TEXT]),
    "member name": _conversation(**{TEXT: 1}),
}
_PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXELS}}
_PAPER = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PIXELS}}
UNREADABLE: dict[str, Fields] = {
    "image": _said(_PICTURE),
    "image in a tool result": _said({"type": "tool_result", "tool_use_id": "t", "content": [_PICTURE]}),
    "PDF": _said(_PAPER),
    "redacted thinking": _answered({"type": "redacted_thinking", "data": "Eo=="}),
    "signed thinking": _answered({"type": "thinking", "thinking": "", "signature": "EqoBCkgIA="}),
    "encrypted search result": _answered(
        {
            "type": "web_search_tool_result",
            "tool_use_id": "s",
            "content": [{"type": "web_search_result", "title": "a", "encrypted_content": "Eo=="}],
        }
    ),
    "data URL in the text": _said({"type": "text", "text": f"data:text/plain;base64,{PIXELS}"}),
    "image in a tool's arguments": _said(
        {"type": "tool_use", "id": "t", "name": "look", "input": {"png": PIXELS}},
        {"type": "tool_result", "tool_use_id": "t", "content": "ok"},
    ),
    "block nobody knows": _said({"type": "hologram", "hologram": "x"}),
}
_LINK = {"type": "url", "url": ADDRESS}
OUTSIDE: dict[str, Fields] = {
    "image outside": _said({"type": "image", "source": _LINK}),
    "document outside": _said({"type": "document", "source": _LINK}),
    "image outside in a tool result": _said(
        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": _LINK}]}
    ),
}
REFERENCES: dict[str, Fields] = {
    "image by its id": _said({"type": "image", "source": {"type": "file", "file_id": TEXT}}),
    "document by its id": _said({"type": "document", "source": {"type": "file", "file_id": TEXT}}),
    "container": _conversation(container=TEXT),
    "upload for a container": _said({"type": "container_upload", "file_id": TEXT}),
}


def _message(input: int, output: int) -> bytes:
    told = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": SAID}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": input, "output_tokens": output},
    }
    return json.dumps(told).encode()


def _event(kind: str, **fields: Any) -> bytes:
    return sse({"type": kind, **fields}, kind)


def _events(input: int, output: int) -> tuple[bytes, ...]:
    usage = {"input_tokens": input, "output_tokens": 1}
    begun = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": usage}
    text = {"type": "text_delta", "text": SAID}
    return (
        _event("message_start", message=begun),
        _event("ping"),
        _event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        _event("content_block_delta", index=0, delta=text),
        _event("content_block_delta", index=0, delta={"type": "text_delta", "text": " Yes."}),
        _event("content_block_stop", index=0),
        _event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": output}),
        _event("message_stop"),
    )


def is_error(told: Any) -> bool:
    error = told.get("error") if isinstance(told, dict) and told.get("type") == "error" else None
    return isinstance(error, dict) and error.keys() == {"type", "message"} and bool(error["message"])


MESSAGES = Sample(
    surface="messages",
    places=PLACES,
    unreadable=UNREADABLE,
    outside=OUTSIDE,
    references=REFERENCES,
    answer=_message,
    limit=lambda tokens: {"max_tokens": tokens},
    events=_events,
    signs=2,
    end=b"message_stop",
    failure=_event("error", error={"type": "overloaded_error", "message": "It broke."}),
    error=is_error,
)
COUNT_TOKENS = Sample(
    surface="count_tokens",
    places=PLACES,
    unreadable=UNREADABLE,
    outside=OUTSIDE,
    references=REFERENCES,
    answer=lambda input, output: b'{"input_tokens":%d,"note":"%b"}' % (input, SAID.encode()),
    error=is_error,
)
