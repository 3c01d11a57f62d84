"""Responses, and the two endpoints beneath them."""

from __future__ import annotations

import json
from typing import Any

from support.responses import event, response_object
from support.samples.openai import PIXELS
from support.samples.sample import ADDRESS, SAID, TEXT, Fields, Sample


def _items(*items: Any, **more: Any) -> Fields:
    return {"input": list(items), **more}


def _said(*parts: Any) -> Fields:
    return _items({"role": "user", "content": list(parts)})


_TOOL = {"type": "function", "name": "f", "description": TEXT, "parameters": {"type": "object"}}
_SCHEMA = {"type": "function", "name": "f", "parameters": {"properties": {"a": {"enum": [TEXT]}}}}
_FORMAT = {"format": {"type": "json_schema", "name": "a", "schema": {"properties": {TEXT: {}}}}}
_ARGUMENTS = {"type": "function_call", "call_id": "c", "name": "f", "arguments": json.dumps({"deep": [TEXT]})}
_PARTS = {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": TEXT}]}
PLACES: dict[str, Fields] = {
    "input": {"input": TEXT},
    "instructions": {"input": "Hi", "instructions": TEXT},
    "message": _items({"role": "user", "content": TEXT}),
    "message that says its type": _items({"type": "message", "role": "developer", "content": TEXT}),
    "part": _said({"type": "input_text", "text": TEXT}),
    "answer before": _items({"role": "assistant", "content": [{"type": "output_text", "text": TEXT}]}),
    "refusal": _items({"role": "assistant", "content": [{"type": "refusal", "refusal": TEXT}]}),
    "reasoning": _items({"type": "reasoning", "summary": [{"type": "summary_text", "text": TEXT}]}),
    "reasoning's text": _items(
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": TEXT}]}
    ),
    "tool arguments": _items(_ARGUMENTS),
    "tool result": _items({"type": "function_call_output", "call_id": "c", "output": json.dumps([TEXT])}),
    "tool result's parts": _items(_PARTS),
    "custom tool's input": _items({"type": "custom_tool_call", "call_id": "c", "name": "f", "input": TEXT}),
    "shell": _items({"type": "local_shell_call", "id": "l", "call_id": "c", "action": {"command": [TEXT]}}),
    "tool": {"input": "Hi", "tools": [_TOOL]},
    "schema": {"input": "Hi", "tools": [_SCHEMA]},
    "format": {"input": "Hi", "text": _FORMAT},
    "user": {"input": "Hi", "user": TEXT},
    "safety identifier": {"input": "Hi", "safety_identifier": TEXT},
    "cache key": {"input": "Hi", "prompt_cache_key": TEXT},
    "metadata": {"input": "Hi", "metadata": {"note": TEXT}},
    "unknown member": {"input": "Hi", "x_note": [TEXT]},
    "member name": {"input": "Hi", TEXT: 1},
}
_PICTURE = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXELS}"}
_PAPER = {"type": "input_file", "filename": "a", "file_data": f"data:application/pdf;base64,{PIXELS}"}
UNREADABLE: dict[str, Fields] = {
    "image": _said(_PICTURE),
    "image in a tool result": _items({"type": "function_call_output", "call_id": "c", "output": [_PICTURE]}),
    "file": _said(_PAPER),
    "encrypted reasoning": _items({"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}),
    "compacted": _items({"type": "compaction", "encrypted_content": "gAAA"}),
    "a picture that was made": _items({"type": "image_generation_call", "id": "i", "result": PIXELS}),
    "template of the provider's": {"input": "Hi", "prompt": {"id": "pmpt_1", "variables": {"a": "b"}}},
    "data URL in the text": _said({"type": "input_text", "text": f"data:text/plain;base64,{PIXELS}"}),
    "item nobody knows": _items({"type": "hologram", "hologram": "x"}),
}
OUTSIDE: dict[str, Fields] = {
    "image outside": _said({"type": "input_image", "image_url": ADDRESS}),
    "file outside": _said({"type": "input_file", "file_url": ADDRESS}),
}
REFERENCES: dict[str, Fields] = {
    "response before": {"input": "Hi", "previous_response_id": TEXT},
    "conversation": {"input": "Hi", "conversation": TEXT},
    "conversation that is an object": {"input": "Hi", "conversation": {"id": TEXT}},
    "item by its id": _items({"type": "item_reference", "id": TEXT}),
    "item by its id alone": _items({"id": TEXT}),
    "image by its id": _said({"type": "input_image", "file_id": TEXT}),
    "file by its id": _said({"type": "input_file", "file_id": TEXT}),
    "vector store": {"input": "Hi", "tools": [{"type": "file_search", "vector_store_ids": [TEXT]}]},
    "container": {"input": "Hi", "tools": [{"type": "code_interpreter", "container": TEXT}]},
}


def _usage(input: int, output: int) -> dict[str, Any]:
    return {
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": input + output,
    }


def _answer(input: int, output: int) -> bytes:
    return json.dumps(response_object(SAID, usage=_usage(input, output))).encode()


def _compacted(input: int, output: int) -> bytes:
    kept = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": SAID}]}
    made = [kept, {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAA"}]
    told = {"id": "resp_1", "object": "response.compaction", "output": made, "usage": _usage(input, output)}
    return json.dumps(told).encode()


_BEGUN = response_object(status="in_progress", output=[], usage=None)


def _events(input: int, output: int) -> tuple[bytes, ...]:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    item = {"type": "message", "id": "msg_1", "content": []}
    return (
        event("response.created", 0, response=_BEGUN),
        event("response.in_progress", 1, response=_BEGUN),
        event("response.output_item.added", 2, output_index=0, item=item),
        event("response.output_text.delta", 3, delta=SAID, **place),
        event("response.output_text.delta", 4, delta=" Yes.", **place),
        event("response.output_text.done", 5, text="Paris. Yes.", **place),
        event("response.completed", 6, response=response_object(SAID, usage=_usage(input, output))),
    )


_FAILED = response_object(status="failed", output=[], error={"code": "server_error", "message": "It broke."})


def limit(tokens: int) -> Fields:
    return {"max_output_tokens": tokens}


RESPONSES = Sample(
    surface="responses",
    places=PLACES,
    unreadable=UNREADABLE,
    outside=OUTSIDE,
    references=REFERENCES,
    answer=_answer,
    limit=limit,
    events=_events,
    signs=2,
    end=b"response.completed",
    failure=event("response.failed", 7, response=_FAILED),
)
COMPACT = Sample(
    surface="responses_compact",
    places=PLACES,
    unreadable=UNREADABLE,
    outside=OUTSIDE,
    references=REFERENCES,
    answer=_compacted,
    limit=limit,
)
INPUT_TOKENS = Sample(
    surface="responses_input_tokens",
    places=PLACES,
    unreadable=UNREADABLE,
    outside=OUTSIDE,
    references=REFERENCES,
    answer=lambda input, output: (
        b'{"object":"response.input_tokens","input_tokens":%d,"x":"%b"}' % (input, SAID.encode())
    ),
)
