"""What requests to /v1/responses and /v1/messages ask for: the same as a chat, which they are told as."""

from __future__ import annotations

import json
from typing import Any

from router.simulate.asked import Asked, InvalidError, Json, integer, read_chat, required

_LEAST_OUTPUT = 16


def read_response(body: Json) -> Asked:
    """Raises InvalidError."""
    given = required(body, "input", (str, list))
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if not items:
        raise InvalidError("Invalid 'input': empty array. Expected an array with minimum length 1.", "input")
    limit = integer(body, "max_output_tokens", _LEAST_OUTPUT)
    known = [tool for tool in _objects(body.get("tools")) if tool.get("type") == "function"]
    return _as_chat(body, _system(body.get("instructions")) + list(map(_item, items)), limit, known, "parameters")


def read_message(body: Json) -> Asked:
    """Raises InvalidError."""
    messages = required(body, "messages", list)
    required(body, "max_tokens", int)
    limit = integer(body, "max_tokens", 1)
    told = _system(body.get("system")) + [_spoken(each) if isinstance(each, dict) else each for each in messages]
    return _as_chat(body, told, limit, _objects(body.get("tools")), "input_schema", body.get("stop_sequences"))


def read_counted(body: Json) -> int:
    """Input tokens of a request that is only to be counted. Raises InvalidError."""
    return read_message({**body, "max_tokens": 1}).prompt_tokens


def _as_chat(
    body: Json, messages: list[Any], limit: int | None, tools: list[Json], schema: str, stop: Any = None
) -> Asked:
    functions = [{"function": {"name": tool.get("name"), "parameters": tool.get(schema)}} for tool in tools]
    chat = {"model": body.get("model"), "stream": body.get("stream"), "max_tokens": limit, "stop": stop}
    return read_chat({**chat, "messages": messages, "tools": functions, "tool_choice": _choice(body)})


def _choice(body: Json) -> Any:
    """Anthropic's words are objects, where OpenAI's name a function or are a word."""
    choice = body.get("tool_choice")
    if not isinstance(choice, dict):
        return choice
    if choice.get("type") == "any":
        return "required"
    return {"function": {"name": choice["name"]}} if isinstance(choice.get("name"), str) else None


def _system(text: Any) -> list[Any]:
    return [] if text is None else [{"role": "system", "content": _content(text)}]


def _item(item: Any) -> Any:
    """A message, or what a tool was asked or said."""
    if not isinstance(item, dict) or "role" in item:
        return _spoken(item) if isinstance(item, dict) else item
    if "output" in item:
        return {"role": "tool", "content": _content(item["output"])}
    return {"role": "assistant", "content": _content(item.get("arguments") or item.get("summary") or "")}


def _spoken(message: Json) -> Json:
    return {**message, "content": _content(message.get("content"))}


def _content(content: Any) -> Any:
    """Parts as a chat has them: text, and what counts as media."""
    return content if isinstance(content, str) else [part for each in _objects(content) for part in _parts(each)]


def _parts(block: Json) -> list[Json]:
    for name in ("text", "thinking"):
        if isinstance(block.get(name), str):
            return [{"type": "text", "text": block[name]}]
    if "content" in block:
        inner = _content(block["content"])
        return [{"type": "text", "text": inner}] if isinstance(inner, str) else inner
    return [{"type": "text", "text": json.dumps(block["input"])}] if "input" in block else [block]


def _objects(value: Any) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
