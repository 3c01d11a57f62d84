"""A client's body -> the parameters that may reach litellm: of chat and embeddings, and what all surfaces share.

litellm's functions take routing, credentials, callbacks, mocks and fallbacks as plain parameters beside OpenAI's own,
so the body is never handed over: parameters on these lists are copied. All others are refused, or left out where the
backend leaves out what it cannot do; so are those that are the gateway's own business.
Nothing that a client writes may be fetched by this process either: media must be inline.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from router.surfaces.may_be_billed import UNSUPPORTED

Json = dict[str, Any]

NUMBER = (int, float)
Kinds = Mapping[str, tuple[type, ...]]
"""Parameters, each with the types that it may have."""
_CHAT: Kinds = {
    # OpenAI's
    "audio": (dict,),
    "frequency_penalty": NUMBER,
    "function_call": (str, dict),
    "functions": (list,),
    "logit_bias": (dict,),
    "logprobs": (bool,),
    "max_completion_tokens": (int,),
    "max_tokens": (int,),
    "modalities": (list,),
    "n": (int,),
    "parallel_tool_calls": (bool,),
    "prediction": (dict,),
    "presence_penalty": NUMBER,
    "prompt_cache_key": (str,),
    "prompt_cache_retention": (str,),
    "reasoning_effort": (str,),
    "response_format": (dict,),
    "safety_identifier": (str,),
    "seed": (int,),
    "service_tier": (str,),
    "stop": (str, list),
    "store": (bool,),
    "stream": (bool,),
    "temperature": NUMBER,
    "tool_choice": (str, dict),
    "top_logprobs": (int,),
    "top_p": NUMBER,
    "user": (str,),
    "verbosity": (str,),
    "web_search_options": (dict,),
    # Other providers', plain values without a destination
    "thinking": (dict,),
    "top_k": (int,),
}
_EMBEDDINGS: Kinds = {"dimensions": (int,), "user": (str,)}
_ELSEWHERE = frozenset({"model", "messages", "tools", "stream_options", "metadata"})
"""Read by other lines than the list, or the gateway's own business."""
_MESSAGE = frozenset(
    {
        "role",
        "content",
        "name",
        "tool_calls",
        "tool_call_id",
        "function_call",
        "refusal",
        "reasoning_content",
        "thinking_blocks",
        "cache_control",
    }
)
_TEXT_PARTS = frozenset({"text", "refusal", "thinking", "redacted_thinking"})
_TOOLS = frozenset({"function", "custom"})
_TOOL_FIELDS = ("type", "function", "custom", "cache_control")
_ADDRESS = re.compile(r"\s*(?:[a-z][a-z0-9+.\-]{0,20}:)?//|\s*www\.|\s*(?:file|gs|s3|az|ftp|https?):", re.IGNORECASE)


class RefusedError(Exception):
    """The request is answered with 400 and this message."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


def chat_parameters(body: Json, *, lenient: bool = False) -> Json:
    """Parameters of a chat call, without model and credentials. Raises RefusedError, also for a parameter that is not
    known here, unless `lenient`."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RefusedError("'messages' must be an array of messages.", "messages")
    call = copied(body, _CHAT, frozenset() if lenient else _ELSEWHERE)
    call["messages"] = [_message(message, f"messages[{place}]") for place, message in enumerate(messages)]
    if body.get("tools") is not None:
        call["tools"] = _tools(body["tools"])
    if call.get("stream"):
        call["stream_options"] = {"include_usage": wants_usage(body)}
    return call


def embedding_parameters(body: Json, *, lenient: bool = False) -> Json:
    """Parameters of an embeddings call, as `chat_parameters`."""
    given = body.get("input")
    if not (isinstance(given, str) or _is_list_of(given, str) or _is_list_of(given, int) or _are_token_lists(given)):
        raise RefusedError("'input' must be text, an array of texts, or token ids.", "input")
    if body.get("encoding_format") not in (None, "float", "base64"):
        raise RefusedError("'encoding_format' must be float or base64.", "encoding_format")
    known = frozenset() if lenient else frozenset({"model", "input", "encoding_format", "metadata"})
    return {**copied(body, _EMBEDDINGS, known), "input": given}


def wants_usage(body: Json) -> bool:
    """Whether a stream is to end with the usage."""
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def copied(body: Json, allowed: Kinds, elsewhere: Collection[str]) -> Json:
    """The allowed parameters that a body has. Raises RefusedError for another one, unless `elsewhere`, which names
    those that are read otherwise, is empty; and for one of the wrong type."""
    stranger = next((name for name in body if name not in allowed and name not in elsewhere), None)
    if elsewhere and stranger is not None and body[stranger] is not None:
        raise RefusedError(
            f"'{stranger}' cannot be told to this backend's provider. Leave it out, or let the backend leave out what "
            "its provider lacks: drop_unsupported: true.",
            stranger,
            UNSUPPORTED,
        )
    call = {name: body[name] for name in allowed if body.get(name) is not None}
    for name, value in call.items():
        kinds = allowed[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            raise RefusedError(f"Invalid type for '{name}': expected {wanted}.", name)
    return call


def _message(message: Any, where: str) -> Json:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise RefusedError(f"'{where}' must be an object with a role.", where)
    content = message.get("content")
    if content is not None and not isinstance(content, str | list):
        raise RefusedError(f"'{where}.content' must be text or an array of parts.", f"{where}.content")
    for place, part in enumerate(content if isinstance(content, list) else ()):
        _check_part(part, f"{where}.content[{place}]")
    return {name: value for name, value in message.items() if name in _MESSAGE}


def _check_part(part: Any, where: str) -> None:
    if not isinstance(part, dict):
        raise RefusedError(f"'{where}' must be an object.", where)
    readable = {"text", "thinking", "signature", "data", "refusal"} if part.get("type") in _TEXT_PARTS else set()
    for name, value in part.items():
        if name not in readable:
            check_inline(value, f"{where}.{name}")


def check_inline(value: Any, where: str) -> None:
    """Raises RefusedError for an address."""
    if isinstance(value, str):
        if _ADDRESS.match(value):
            raise RefusedError(
                f"'{where}' is an address; this backend takes media inline only, as data:…;base64,…", where
            )
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        check_inline(item, f"{where}.{name}")


def _tools(tools: Any) -> list[Json]:
    """Functions only: hosted tools, MCP servers among them, let a body name addresses."""
    if not isinstance(tools, list):
        raise RefusedError("'tools' must be an array.", "tools")
    for place, tool in enumerate(tools):
        if not isinstance(tool, dict) or tool.get("type", "function") not in _TOOLS:
            where = f"tools[{place}]"
            raise RefusedError(f"'{where}' is not a function; this backend has no other tools.", where, UNSUPPORTED)
    return [{name: tool[name] for name in _TOOL_FIELDS if name in tool} for tool in tools]


def _is_list_of(value: Any, kind: type) -> bool:
    return isinstance(value, list) and bool(value) and all(type(item) is kind for item in value)


def _are_token_lists(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_list_of(item, int) for item in value)
