"""A client's body of OpenAI's Responses API -> the parameters that may reach litellm, see `screening`.

A provider that has the API itself gets items and tools as they are, so far as nothing in them is an address. For all
others the library has counterparts of messages and functions alone; the rest it would leave out, so that is refused.
"""

from __future__ import annotations

from typing import Any

from router.litellm_adapter.screening import NUMBER, Json, Kinds, RefusedError, check_inline, copied
from router.surfaces.may_be_billed import UNSUPPORTED

_RESPONSES: Kinds = {
    "include": (list,),
    "instructions": (str,),
    "max_output_tokens": (int,),
    "parallel_tool_calls": (bool,),
    "prompt_cache_key": (str,),
    "prompt_cache_retention": (str,),
    "reasoning": (dict,),
    "safety_identifier": (str,),
    "service_tier": (str,),
    "store": (bool,),
    "stream": (bool,),
    "temperature": NUMBER,
    "text": (dict,),
    "tool_choice": (str, dict),
    "tools": (list,),
    "top_logprobs": (int,),
    "top_p": NUMBER,
    "truncation": (str,),
    "background": (bool,),
    "user": (str,),
}
_NATIVE: Kinds = {
    **_RESPONSES,
    "context_management": (list,),
    "max_tool_calls": (int,),
    "previous_response_id": (str,),
    "prompt": (dict,),
}
_ELSEWHERE = frozenset({"model", "input", "metadata", "stream_options"})
_ITEMS = frozenset(
    {
        "message",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
        "reasoning",
    }
)
_PARTS = frozenset({"input_text", "output_text", "input_image", "input_file", "refusal", "text", "summary_text"})
_TOOLS = frozenset({"function", "custom"})
_FETCHED = frozenset({"image_url", "file_url", "server_url", "connector_url"})
_READ = frozenset({"text", "arguments", "input", "output", "refusal", "encrypted_content", "summary"})
"""Fields of items and parts that nobody fetches."""


def responses_parameters(body: Json, *, native: bool, lenient: bool = False) -> Json:
    """Parameters of a call, without model and credentials. `native` tells whether the provider has this API. Raises
    RefusedError."""
    given = body.get("input")
    if not isinstance(given, str | list):
        raise RefusedError("'input' must be text or an array of items.", "input")
    call = copied(body, _NATIVE if native else _RESPONSES, frozenset() if lenient else _ELSEWHERE)
    call["input"] = given
    for place, item in enumerate(given if isinstance(given, list) else ()):
        _check_item(item, f"input[{place}]", native=native)
    for place, tool in enumerate(call.get("tools", ())):
        _check_tool(tool, f"tools[{place}]", native=native)
    if not native and isinstance(call.get("tool_choice"), dict) and call["tool_choice"].get("type") not in _TOOLS:
        raise RefusedError("'tool_choice' is of a kind that this backend lacks.", "tool_choice", UNSUPPORTED)
    return call


def _check_item(item: Any, where: str, *, native: bool) -> None:
    if not isinstance(item, dict):
        raise RefusedError(f"'{where}' must be an object.", where)
    kind = item.get("type", "message")
    if not native and kind not in _ITEMS:
        raise RefusedError(f"'{where}' is of a type that this backend does not have.", where, UNSUPPORTED)
    if native:
        check_fetched(item, where)
        return
    for name, value in item.items():
        if name in ("content", "output") and isinstance(value, list):
            for place, part in enumerate(value):
                _check_part(part, f"{where}.{name}[{place}]")
        elif name not in _READ and not (name == "content" and isinstance(value, str)):
            check_inline(value, f"{where}.{name}")


def check_fetched(value: Any, where: str) -> None:
    """Looks at the fields from which a provider would fetch. Raises RefusedError for an address."""
    if isinstance(value, list):
        for place, item in enumerate(value):
            check_fetched(item, f"{where}[{place}]")
    elif isinstance(value, dict):
        for name, field in value.items():
            check = check_inline if name in _FETCHED else check_fetched
            check(field, f"{where}.{name}")


def _check_part(part: Any, where: str) -> None:
    if not isinstance(part, dict):
        raise RefusedError(f"'{where}' must be an object.", where)
    if part.get("type") not in _PARTS:
        raise RefusedError(f"'{where}' is of a type that this backend does not have.", where, UNSUPPORTED)
    if part.get("file_id") is not None:
        raise RefusedError(f"'{where}' is a file that this backend does not keep.", f"{where}.file_id", UNSUPPORTED)
    told = {name: value for name, value in part.items() if name not in _READ | {"annotations", "logprobs"}}
    check_inline(told, where)


def _check_tool(tool: Any, where: str, *, native: bool) -> None:
    if not isinstance(tool, dict):
        raise RefusedError(f"'{where}' must be an object.", where)
    if native:
        told = {name: value for name, value in tool.items() if name not in ("description", "parameters", "format")}
        check_inline(told, where)
    elif tool.get("type") not in _TOOLS:
        raise RefusedError(f"'{where}' is not a function; this backend has no other tools.", where, UNSUPPORTED)
