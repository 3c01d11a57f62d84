"""One look at a request body. What is wrong beyond what is needed here is left for the provider to judge."""

from __future__ import annotations

from typing import Any

from router.core import features
from router.core.reading import Reading
from router.core.sensitivity.media import one_of_each
from router.surfaces.json_object import MOST_TOKENS, check_utf8, count, flag, labels_in, member, model_of, split_object
from router.surfaces.openai.content import VOICES, voice_in
from router.surfaces.openai.read_request import TEXT_ONLY, Fields, input_bound
from router.surfaces.openai.responses.items import ItemContent
from router.surfaces.openai.usage import service_named

MOST_TOOL_CALLS = 16
"""Calls of tools at the provider that are reckoned with where the request sets no limit."""
_FETCHED = ("kv_transfer_params", "ec_transfer_params")
"""Name the host that a vLLM is to fetch caches from."""
_MATTERING = frozenset(
    (
        *("model", "stream", "max_output_tokens", "max_tool_calls", "input", "instructions", "prompt", "tools"),
        *("previous_input_messages", "previous_response_id", "conversation", "background", "service_tier", "store"),
        *("text", "tool_choice", "multi_agent", *VOICES, *_FETCHED),
    )
)


def read(body: bytes) -> Reading:
    """The body of a POST: JSON in UTF-8, not compressed. Raises BadBody, as `openai.read_request` does."""
    check_utf8(body)
    members, spans = split_object(body)
    fields = {name: member(members, name) for name in members if name in _MATTERING}
    model = model_of(fields)
    content = _content(fields, body)
    tokens = content.tokens + (content.text_bytes + 2) // 3
    limit = count(fields.get("max_output_tokens"))
    with_tools = bool(fields.get("tools") or fields.get("text"))
    return Reading(
        model=model,
        stream=flag(fields.get("stream"), "stream") or False,
        wants_usage=True,
        max_output_tokens=None if limit < 0 else min(limit, MOST_TOKENS),
        input_tokens=tokens,
        modalities=TEXT_ONLY if len(content.modalities) == 1 else frozenset(content.modalities),
        unreadable=tuple(content.unreadable),
        sealed=tuple(content.sealed),
        labels=labels_in(members),
        model_span=spans["model"],
        options_span=None,
        input_bound=max(tokens, input_bound(body, content, with_tools=with_tools)),
        answers=1,
        addresses=one_of_each(content.addresses),
        service=service_named(fields.get("service_tier")),
        refers_to=tuple(content.refers_to),
        mentions=tuple(content.mentions),
        uses=tuple(content.uses),
        contexts=_contexts(content, fields.get("max_tool_calls")),
        stores=fields.get("store") is not False,
        background=flag(fields.get("background"), "background") or False,
    )


def _content(fields: Fields, body: bytes) -> ItemContent:
    content = ItemContent()
    for name, value in fields.items():
        if name in ("input", "instructions"):
            content.add_input(value)
        elif name == "tools":
            content.add_tools(value)
        elif name == "text":
            content.add_value(value)
        elif name == "tool_choice":
            content.add_choice(value, fields.get("tools"))
        elif name == "multi_agent":
            content.add_agents(value)
        elif name == "prompt":
            content.add_template(value)
        elif name == "previous_response_id":
            content.add_kept(value)
        elif name == "conversation":
            content.add_kept(value, features.CONVERSATIONS)
        elif name == "previous_input_messages":
            content.add_messages(value or [])
        elif name in VOICES:
            content.refer(voice_in(name, value))
        elif name in _FETCHED and value is not None:
            content.addresses.append(name)
    content.add_inline_data(body)
    return content


def _contexts(content: ItemContent, most_calls: Any) -> int:
    """Each call of a tool at the provider gives the model all of the conversation again, with what the tool found; so
    does each agent there."""
    if not content.hosted:
        return 1 if content.elsewhere or content.refers_to else 0
    limit = count(most_calls)
    return 1 + (MOST_TOOL_CALLS if limit < 0 else min(limit, MOST_TOKENS))
