"""A client's body in Anthropic's dialect -> the parameters that may reach litellm, see `screening`.

A provider that has the dialect itself gets blocks and tools as they are, so far as no source in them is an address. For
all others the library has counterparts of some alone; the rest it would leave out, so that is refused.
"""

from __future__ import annotations

from typing import Any

from router.litellm_adapter.screening import NUMBER, Json, Kinds, RefusedError, check_inline, copied
from router.surfaces.may_be_billed import UNSUPPORTED

_MESSAGES: Kinds = {
    "max_tokens": (int,),
    "metadata": (dict,),
    "output_config": (dict,),
    "output_format": (dict,),
    "stop_sequences": (list,),
    "stream": (bool,),
    "system": (str, list),
    "temperature": NUMBER,
    "thinking": (dict,),
    "tool_choice": (dict,),
    "tools": (list,),
    "top_k": (int,),
    "top_p": NUMBER,
}
_NATIVE: Kinds = {
    **_MESSAGES,
    "cache_control": (dict,),
    "container": (str, dict),
    "context_management": (dict,),
    "inference_geo": (str,),
    "service_tier": (str,),
    "speed": (str,),
}
_BLOCKS = frozenset(
    {"text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking", "search_result"}
)
"""Blocks that have a counterpart elsewhere, or of which `faithful` tells whether they had one."""
_TOOL = frozenset({"type", "name", "description", "input_schema", "strict", "cache_control", "eager_input_streaming"})
_READ = frozenset({"text", "thinking", "signature", "data", "input", "title", "context", "cited_text", "source"})
"""Fields of blocks that nobody fetches; of `source` what stands inside is looked at."""


def messages_parameters(body: Json, *, native: bool, lenient: bool = False) -> Json:
    """Parameters of a call, without model and credentials. `native` tells whether the provider has this dialect. Raises
    RefusedError."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RefusedError("'messages' must be an array of messages.", "messages")
    if not isinstance(body.get("max_tokens"), int) or isinstance(body.get("max_tokens"), bool):
        raise RefusedError("'max_tokens' must be a number.", "max_tokens")
    elsewhere = frozenset() if lenient else frozenset({"model", "messages"})
    call = copied(body, _NATIVE if native else _MESSAGES, elsewhere)
    call["messages"] = messages
    for place, message in enumerate(messages):
        _check_message(message, f"messages[{place}]", native=native)
    if isinstance(call.get("system"), list):
        _check_blocks(call["system"], "system", native=native)
    for place, tool in enumerate(call.get("tools", ())):
        _check_tool(tool, f"tools[{place}]", native=native)
    metadata = call.pop("metadata", {})
    if isinstance(metadata.get("user_id"), str):
        call["metadata"] = {"user_id": metadata["user_id"]}
    return call


def _check_message(message: Any, where: str, *, native: bool) -> None:
    if not isinstance(message, dict) or message.get("role") not in ("user", "assistant", "system"):
        raise RefusedError(f"'{where}' must be an object with a role.", where)
    content = message.get("content")
    if isinstance(content, list):
        _check_blocks(content, f"{where}.content", native=native)
    elif not isinstance(content, str):
        raise RefusedError(f"'{where}.content' must be text or an array of blocks.", f"{where}.content")


def _check_blocks(blocks: list[Any], where: str, *, native: bool) -> None:
    for place, block in enumerate(blocks):
        at = f"{where}[{place}]"
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise RefusedError(f"'{at}' must be an object with a type.", at)
        if not native and block["type"] not in _BLOCKS:
            raise RefusedError(f"'{at}' is of a type that this backend does not have.", at, UNSUPPORTED)
        for name, value in block.items():
            if name == "content" and isinstance(value, list):
                _check_blocks(value, f"{at}.content", native=native)
            elif name == "source" and isinstance(value, dict):
                _check_source(value, f"{at}.source", native=native)
            elif not native and name not in _READ and not (name == "content" and isinstance(value, str)):
                check_inline(value, f"{at}.{name}")


def _check_source(source: Json, where: str, *, native: bool) -> None:
    """Of an image or a document: text and data stand in it, a URL would be fetched."""
    if not native and source.get("type") == "file":
        raise RefusedError(f"'{where}' is a file that this backend does not keep.", where, UNSUPPORTED)
    if isinstance(source.get("content"), list):
        _check_blocks(source["content"], f"{where}.content", native=native)
    check_inline({name: value for name, value in source.items() if name not in ("data", "content")}, where)


def _check_tool(tool: Any, where: str, *, native: bool) -> None:
    if not isinstance(tool, dict):
        raise RefusedError(f"'{where}' must be an object.", where)
    if native:
        told = {name: value for name, value in tool.items() if name not in ("description", "input_schema")}
        check_inline(told, where)
        return
    if tool.get("type", "custom") != "custom":
        raise RefusedError(f"'{where}' is a tool of Anthropic's, which this backend lacks.", where, UNSUPPORTED)
    stranger = next((name for name in tool if name not in _TOOL), None)
    if stranger is not None:
        at = f"{where}.{stranger}"
        raise RefusedError(f"'{at}' is no field that this backend has.", at, UNSUPPORTED)
