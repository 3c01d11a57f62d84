"""What each surface's parameters leave behind in a request to a provider, and which of them say nothing new.

A parameter that has its default value asks for nothing, and some others are hints that change no answer: where the
provider has no such thing, these are left out. All others must be found in what is sent, see `faithful`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from router.litellm_adapter.faithful import Faith, Wanted, texts_of, wanted

Json = dict[str, Any]

HINTS = frozenset({"user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "metadata"})
"""For the provider's own books and caches."""
DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "background": (False,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "n": (1,),
    "parallel_tool_calls": (True,),
    "presence_penalty": (0,),
    "response_format": ({"type": "text"},),
    "service_tier": ("auto", "default"),
    "stop": ([],),
    "store": (False,),
    "stop_sequences": ([],),
    "temperature": (1,),
    "thinking": ({"type": "disabled"},),
    "tool_choice": ("auto", {"type": "auto"}),
    "top_logprobs": (0,),
    "top_p": (1,),
    "truncation": ("disabled",),
    "verbosity": ("medium",),
}
"""By parameter, the values that ask for nothing."""

_LENGTHS = ("maxtokens", "maxoutputtokens", "maxcompletiontokens", "maxnewtokens", "maxtokenstosample", "maxgenlen")
_EFFORT = ("reasoningeffort", "effort", "reasoning", "thinking", "thinkingconfig", "thinkingbudget", "outputconfig")
_FORMAT = ("responseformat", "responsemimetype", "outputformat", "outputconfig", "format", "responsejsonschema")
_CHOICE = ("toolchoice", "toolconfig")
_ONE_TOOL = ("paralleltoolcalls", "disableparalleltooluse")
_COMMON: Mapping[str, tuple[str, ...]] = {
    "max_tokens": _LENGTHS,
    "service_tier": ("servicetier",),
    "temperature": ("temperature",),
    "thinking": _EFFORT,
    "top_k": ("topk",),
    "top_logprobs": ("toplogprobs", "logprobs"),
    "top_p": ("topp", "p"),
}
_CHAT: Mapping[str, tuple[str, ...]] = {
    **_COMMON,
    "audio": ("audio", "speechconfig"),
    "frequency_penalty": ("frequencypenalty",),
    "logit_bias": ("logitbias",),
    "logprobs": ("logprobs", "responselogprobs"),
    "max_completion_tokens": _LENGTHS,
    "modalities": ("modalities", "responsemodalities"),
    "n": ("n", "candidatecount", "numgenerations", "numresponses"),
    "parallel_tool_calls": _ONE_TOOL,
    "prediction": ("prediction",),
    "presence_penalty": ("presencepenalty",),
    "reasoning_effort": _EFFORT,
    "seed": ("seed", "randomseed"),
    "stop": ("stop", "stopsequences"),
    "store": ("store",),
    "verbosity": ("verbosity",),
}
_MESSAGES: Mapping[str, tuple[str, ...]] = {
    **_COMMON,
    "container": ("container",),
    "context_management": ("contextmanagement",),
    "inference_geo": ("inferencegeo",),
    "output_config": _EFFORT + _FORMAT,
    "output_format": _FORMAT,
    "stop_sequences": ("stop", "stopsequences"),
}
_RESPONSES: Mapping[str, tuple[str, ...]] = {
    **_COMMON,
    "background": ("background",),
    "context_management": ("contextmanagement",),
    "conversation": ("conversation",),
    "max_output_tokens": _LENGTHS,
    "max_tool_calls": ("maxtoolcalls",),
    "parallel_tool_calls": _ONE_TOOL,
    "previous_response_id": ("previousresponseid",),
    "prompt": ("prompt",),
    "store": ("store",),
    "truncation": ("truncation",),
}
_OWN_INCLUDE = "reasoning.encrypted_content"
"""litellm gives reasoning of any provider in this form, asked or not."""


def usable(call: Json, supported: Collection[str] | None) -> Json:
    """The call without hints and defaults that are not among the parameters that the provider supports."""
    if supported is None:
        return call
    return {
        name: value
        for name, value in call.items()
        if name in supported or not (name in HINTS or is_default(name, value))
    }


def is_default(name: str, value: Any) -> bool:
    """Whether a parameter's value asks for nothing."""
    return value in DEFAULTS.get(name, ())


def of_chat(call: Json) -> Faith:
    """What a chat request must say to its provider."""
    found = [*wanted(_asking(call), _CHAT), *_of_tools(call)]
    form = call.get("response_format") or {}
    if not is_default("response_format", form) and form:
        found.append(_of_format("response_format", form))
    return Faith(tuple(found), tuple(_names(call)), tuple(texts_of(call["messages"], "messages")))


def of_messages(call: Json) -> Faith:
    """What a request in Anthropic's dialect must say to its provider."""
    found = [*wanted(_asking(call), _MESSAGES), *_of_tools(call)]
    choice = call.get("tool_choice")
    if isinstance(choice, dict) and choice.get("disable_parallel_tool_use") is True:
        found.append(Wanted("tool_choice.disable_parallel_tool_use", frozenset(_ONE_TOOL)))
    places = ("cache_control", "system", "tools", "messages")
    marked = next((place for place in places if place in call and _has_breakpoint(call[place], place)), None)
    if marked is not None:
        found.append(Wanted(f"{marked}.cache_control", frozenset({"cachecontrol", "cachepoint"}), anywhere=True))
    if _cites(call["messages"]):
        found.append(Wanted("messages.citations", frozenset({"citations"}), anywhere=True))
    texts = (*texts_of(call.get("system"), "system"), *texts_of(call["messages"], "messages"))
    return Faith(tuple(found), (*_names(call), *_thoughts(call["messages"])), texts)


def of_responses(call: Json) -> Faith:
    """What a request of OpenAI's Responses API must say to its provider."""
    found = [*wanted(_asking(call), _RESPONSES), *_of_tools(call)]
    text = call.get("text") or {}
    if text.get("format") and not is_default("response_format", text["format"]):
        found.append(_of_format("text.format", text["format"]))
    if text.get("verbosity") and not is_default("verbosity", text["verbosity"]):
        found.append(Wanted("text.verbosity", frozenset({"verbosity"})))
    if (call.get("reasoning") or {}).get("effort"):
        found.append(Wanted("reasoning.effort", frozenset(_EFFORT)))
    if set(call.get("include") or ()) - {_OWN_INCLUDE}:
        found.append(Wanted("include", frozenset({"include"})))
    texts = (*texts_of(call.get("instructions"), "instructions"), *texts_of(call["input"], "input"))
    return Faith(tuple(found), (*_names(call), *_proofs(call["input"])), texts)


def of_embeddings(call: Json) -> Faith:
    """What a request for embeddings must say."""
    return Faith(tuple(wanted(call, {"dimensions": ("dimensions", "outputdimension", "outputdimensionality")})))


def _of_format(param: str, form: Json) -> Wanted:
    """Where a provider has no such field, litellm has a tool made for a schema."""
    return Wanted(param, frozenset(_FORMAT), said="json_tool_call" if form.get("type") == "json_schema" else "")


def _asking(call: Json) -> Json:
    return {name: value for name, value in call.items() if not is_default(name, value)}


def _of_tools(call: Json) -> Iterator[Wanted]:
    tools = call.get("tools") or ()
    for place, tool in enumerate(tools):
        if (tool.get("function") or tool).get("strict") is True:
            yield Wanted(f"tools[{place}].strict", frozenset({"strict"}))
            break
    choice = call.get("tool_choice")
    if choice in ("required", "any") or (isinstance(choice, dict) and choice.get("type") not in ("auto", "none")):
        yield Wanted("tool_choice", frozenset(_CHOICE))


def _names(call: Json) -> Iterator[tuple[str, str]]:
    """Of all tools."""
    for place, tool in enumerate(call.get("tools") or ()):
        name = (tool.get("function") or tool.get("custom") or tool).get("name")
        if isinstance(name, str):
            yield name, f"tools[{place}]"


def _thoughts(messages: list[Any]) -> Iterator[tuple[str, str]]:
    """What proves a model's thoughts to itself."""
    for place, message in enumerate(messages):
        content = message.get("content")
        for block in content if isinstance(content, list) else ():
            proof = block.get("signature") or (block.get("data") if block.get("type") == "redacted_thinking" else None)
            if isinstance(proof, str):
                yield proof, f"messages[{place}]"


def _proofs(items: Any) -> Iterator[tuple[str, str]]:
    """The same in reasoning items: encrypted by OpenAI, or litellm's list of another provider's thoughts."""
    for place, item in enumerate(items if isinstance(items, list) else ()):
        kept = item.get("encrypted_content") if item.get("type") in ("reasoning", "compaction") else None
        if not isinstance(kept, str):
            continue
        blocks = _listed(kept)
        for proof in [kept] if blocks is None else [block.get("signature") or block.get("data") for block in blocks]:
            yield str(proof), f"input[{place}].encrypted_content"


def _listed(text: str) -> list[Json] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) and all(isinstance(each, dict) for each in value) else None


def _cites(messages: list[Any]) -> bool:
    blocks = [block for message in messages if isinstance(message["content"], list) for block in message["content"]]
    return any((block.get("citations") or {}).get("enabled") for block in blocks if block.get("type") == "document")


def _has_breakpoint(value: Any, place: str) -> bool:
    if place == "cache_control":
        return value is not None
    if isinstance(value, list):
        return any(_has_breakpoint(item, "") for item in value)
    return isinstance(value, dict) and (
        value.get("cache_control") is not None or _has_breakpoint(value.get("content"), "")
    )
