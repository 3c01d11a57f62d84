"""Chat, completions, embeddings and moderations."""

from __future__ import annotations

import json
from typing import Any

from support.samples.sample import ADDRESS, SAID, TEXT, Fields, Sample, sse

NOW = {"role": "user", "content": "And now?"}
PIXELS = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
FAILURE = sse({"error": {"message": "It broke.", "type": "server_error", "param": None, "code": None}})
WITH_USAGE: Fields = {"stream": True, "stream_options": {"include_usage": True}}


def limit(tokens: int) -> Fields:
    return {"max_tokens": tokens}


def usage(input: int, output: int) -> dict[str, int]:
    return {"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output}


def _said(*content: Any) -> Fields:
    return {"messages": [{"role": "user", "content": list(content)}]}


def _conversation(*messages: Any, **more: Any) -> Fields:
    return {"messages": [*messages, NOW], **more}


_CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": json.dumps({"deep": [TEXT]})}}
_TOOL = {"name": "f", "description": TEXT, "parameters": {"type": "object"}}
_ENUM = {"name": "f", "parameters": {"type": "object", "properties": {"a": {"enum": [TEXT]}}}}
CONVERSATIONS: dict[str, Fields] = {
    "message": {"messages": [{"role": "user", "content": TEXT}]},
    "part": _said({"type": "text", "text": TEXT}),
    "system": _conversation({"role": "system", "content": TEXT}),
    "earlier turn": _conversation({"role": "user", "content": TEXT}, {"role": "assistant", "content": "yes"}),
    "answer before": _conversation({"role": "assistant", "content": TEXT}),
    "refusal": _conversation({"role": "assistant", "content": None, "refusal": TEXT}),
    "reasoning": _conversation({"role": "assistant", "content": "yes", "reasoning_content": TEXT}),
    "name": {"messages": [{"role": "user", "name": TEXT, "content": "Hi"}]},
    "tool arguments": _conversation({"role": "assistant", "tool_calls": [_CALL]}),
    "tool result": _conversation({"role": "tool", "tool_call_id": "1", "content": json.dumps([TEXT])}),
    "tool": _conversation(tools=[{"type": "function", "function": _TOOL}]),
    "schema": _conversation(tools=[{"type": "function", "function": _ENUM}]),
    "unknown member": _conversation(x_note={"a": [[TEXT]]}),
    "member name": _conversation(**{TEXT: 1}),
}
_CHAT: dict[str, Fields] = {
    "function": _conversation(functions=[_TOOL]),
    "response format": _conversation(
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": {"properties": {TEXT: {}}}}}
    ),
    "prediction": _conversation(prediction={"type": "content", "content": TEXT}),
    "stop": _conversation(stop=[TEXT]),
    "user": _conversation(user=TEXT),
    "metadata": _conversation(metadata={"note": TEXT}),
    "place": _conversation(web_search_options={"user_location": {"approximate": {"city": TEXT}}}),
    "template": _conversation(chat_template_kwargs={"note": TEXT}),
}
_UNREADABLE: dict[str, Fields] = {
    "image": _said({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXELS}"}}),
    "audio": _said({"type": "input_audio", "input_audio": {"data": PIXELS, "format": "wav"}}),
    "file": _said({"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PIXELS}", "filename": "a"}}),
    "audio before": _conversation({"role": "assistant", "audio": {"id": "audio_1"}}),
    "data URL in the text": _said({"type": "text", "text": f"data:text/plain;base64,{PIXELS}"}),
    "data URL in the text, spelled otherwise": _said({"type": "text", "text": f"![](data:image/png; BASE64,{PIXELS})"}),
    "image in JSON from a tool": _said({"type": "text", "text": f'{{"type": "image", "data": "{PIXELS}"}}'}),
    "part nobody knows": _said({"type": "hologram", "hologram": "x"}),
}

_ELSEWHERE = {"type": "image_url", "image_url": {"url": ADDRESS}}
OUTSIDE: dict[str, Fields] = {"image outside": _said(_ELSEWHERE)}


def _chunk(delta: Any, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return sse({"id": "c1", "object": "chat.completion.chunk", "choices": [choice]})


def _chat(input: int, output: int) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": SAID}, "finish_reason": "stop"}
    told = {"id": "c1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage(input, output)}
    return json.dumps(told).encode()


def _chat_events(input: int, output: int) -> tuple[bytes, ...]:
    told = sse({"id": "c1", "object": "chat.completion.chunk", "choices": [], "usage": usage(input, output)})
    parts = (_chunk({"role": "assistant", "content": ""}), _chunk({"content": SAID}), _chunk({"content": " Yes."}))
    return (*parts, _chunk({}, "stop"), told, sse("[DONE]"))


CHAT = Sample(
    surface="chat",
    places={**CONVERSATIONS, **_CHAT},
    unreadable=_UNREADABLE,
    outside={**OUTSIDE, "audio outside": _said({"type": "audio_url", "audio_url": {"url": ADDRESS}})},
    references={"file by its id": _said({"type": "file", "file": {"file_id": TEXT}})},
    answer=_chat,
    limit=limit,
    streamed=WITH_USAGE,
    events=_chat_events,
    tail=2,
    end=b"[DONE]",
    failure=FAILURE,
)


def _completion(input: int, output: int) -> bytes:
    choice = {"index": 0, "text": SAID, "finish_reason": "stop"}
    return json.dumps({"id": "c1", "choices": [choice], "usage": usage(input, output)}).encode()


def _completion_events(input: int, output: int) -> tuple[bytes, ...]:
    parts = [{"index": 0, "text": SAID, "finish_reason": None}, {"index": 0, "text": "", "finish_reason": "stop"}]
    told = sse({"id": "c1", "choices": [], "usage": usage(input, output)})
    return (*[sse({"id": "c1", "choices": [part]}) for part in parts], told, sse("[DONE]"))


COMPLETIONS = Sample(
    surface="completions",
    places={
        "prompt": {"prompt": TEXT},
        "several prompts": {"prompt": ["first", TEXT]},
        "suffix": {"prompt": "Hi", "suffix": TEXT},
        "stop": {"prompt": "Hi", "stop": TEXT},
        "user": {"prompt": "Hi", "user": TEXT},
        "metadata": {"prompt": "Hi", "metadata": {"note": TEXT}},
        "unknown member": {"prompt": "Hi", "x_note": [TEXT]},
        "member name": {"prompt": "Hi", TEXT: 1},
    },
    unreadable={
        "token ids": {"prompt": [1, 2, 3]},
        "several of token ids": {"prompt": [[1], [2, 3]]},
        "embedded prompt": {"prompt": "Hi", "prompt_embeds": PIXELS},
    },
    answer=_completion,
    limit=limit,
    streamed=WITH_USAGE,
    events=_completion_events,
    tail=2,
    end=b"[DONE]",
    failure=FAILURE,
)


def read_only(input: int) -> dict[str, int]:
    return {"prompt_tokens": input, "total_tokens": input}


def _embeddings(input: int, output: int) -> bytes:
    return json.dumps({"model": SAID, "data": [{"embedding": [0.5]}], "usage": read_only(input)}).encode()


TEXTS: dict[str, Fields] = {
    "input": {"input": TEXT},
    "several inputs": {"input": ["first", TEXT]},
    "user": {"input": "Hi", "user": TEXT},
    "unknown member": {"input": "Hi", "x_note": [TEXT]},
    "member name": {"input": "Hi", TEXT: 1},
}
EMBEDDINGS = Sample(
    surface="embeddings",
    places={**TEXTS, "conversation": CONVERSATIONS["message"]},
    unreadable={
        "token ids": {"input": [1, 2, 3]},
        "several of token ids": {"input": [[1], [2, 3]]},
        "image": {"input": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXELS}"}}]},
        "conversation with an image": _UNREADABLE["image"],
    },
    outside={"input outside": {"input": [_ELSEWHERE]}, **OUTSIDE},
    answer=_embeddings,
)


def _moderations(input: int, output: int) -> bytes:
    return json.dumps({"id": SAID, "results": [{"flagged": False}]}).encode()


MODERATIONS = Sample(
    surface="moderations",
    places={**TEXTS, "part": {"input": [{"type": "text", "text": TEXT}]}},
    unreadable={"image": {"input": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXELS}"}}]}},
    outside={"input outside": {"input": [_ELSEWHERE]}},
    answer=_moderations,
    reports=False,
)
