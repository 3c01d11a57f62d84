"""One look at a request body: what the decision needs, and where the model's name lies, which may have to be edited.

What detectors look for they find in the whole body. What is said here is what they cannot read, what a backend would
fetch, how large it is, and what it uses that not every backend keeps.
"""

from __future__ import annotations

from typing import Any

import msgspec

from router.core import features
from router.core.reading import BadBody, Reading
from router.core.sensitivity.embedded import has_embedded_file
from router.core.sensitivity.media import one_of_each
from router.surfaces.anthropic.blocks import Blocks
from router.surfaces.anthropic.tools import used_by
from router.surfaces.json_object import (
    MOST_TOKENS,
    Members,
    check_utf8,
    count,
    flag,
    labels_in,
    member,
    model_of,
    split_object,
)
from router.surfaces.openai.read_request import FRAME_TOKENS, MEDIA_BOUND, TEXT_ONLY, TOOLS_TOKENS
from router.surfaces.openai.usage import service_named

MOST_ROUNDS = 10
"""Times that a provider asks its model again within one answer, with what its tools found."""
DEFINED_TOOL_TOKENS = 700
DEFINED_TOOL_BOUND = 20_000
"""Of a tool whose definition is the provider's: about, and at most, since a set of them counts as one."""

_TEXTS = ("stop_sequences", "output_config", "output_format", "tool_choice", "metadata", "thinking", "thread")
_SCHEMAS = ("tools", "output_config", "output_format", "mcp_servers")
_TRANSFERS = ("kv_transfer_params", "ec_transfer_params")
"""Name the host that a vLLM is to fetch caches from."""
_HOSTED = frozenset({features.HOSTED_TOOLS, features.TOOL_SERVERS, features.CONTAINERS, features.COMPACTION})
"""What adds to the input while the answer is made."""
_MATTERING = (
    *("model", "stream", "max_tokens", "messages", "system", "tools", "mcp_servers", "container", "cache_control"),
    *("context_management", "compaction", "fallbacks", "service_tier", "speed", "inference_geo"),
    *(*_TEXTS, *_TRANSFERS),
)


def read(body: bytes, *, writes: bool = True) -> Reading:
    """The body of a POST: JSON in UTF-8, not compressed. `writes` is False for endpoints that only count.

    Raises BadBody when it is not that or no object, nests too deep, names a member twice (two parsers may disagree
    on which one counts), or when `model`, `stream` or `max_tokens` cannot be understood.
    """
    check_utf8(body)
    members, spans = split_object(body)
    fields = {name: member(members, name) for name in _MATTERING if name in members}
    model = model_of(fields)
    _refuse_other_models(fields)
    blocks = _blocks(fields, body)
    tokens = blocks.tokens + (blocks.text_bytes + 2) // 3
    return Reading(
        model=model,
        stream=writes and (flag(fields.get("stream"), "stream") or False),
        wants_usage=None,
        max_output_tokens=_max_tokens(members, fields) if writes else 0,
        input_tokens=tokens if writes else 0,
        modalities=TEXT_ONLY if len(blocks.modalities) == 1 else frozenset(blocks.modalities),
        unreadable=tuple(blocks.unreadable),
        sealed=tuple(blocks.sealed),
        labels=labels_in(members),
        model_span=spans["model"],
        options_span=None,
        input_bound=max(tokens, _bound(fields, body, blocks)) if writes else 0,
        answers=1,
        addresses=one_of_each(blocks.addresses),
        service=_service(fields),
        refers_to=tuple(dict.fromkeys(blocks.named)),
        contexts=_contexts(blocks) if writes else 0,
        uses=tuple(blocks.uses),
    )


def _refuse_other_models(fields: dict[str, Any]) -> None:
    """Which model answers is said by the policy and the key: the provider would take others without asking them."""
    if fields.get("fallbacks"):
        message = "fallbacks: not taken here. Which backends a model falls back to is a matter of the gateway's policy."
        raise BadBody(message, "fallbacks", "unsupported_parameter")


def _max_tokens(members: Members, fields: dict[str, Any]) -> int:
    """0 is a request that only fills the cache."""
    if "max_tokens" not in members:
        raise BadBody("max_tokens: Field required", "max_tokens", "missing_required_parameter")
    most = count(fields["max_tokens"])
    if most < 0:
        raise BadBody("max_tokens: Input should be a valid integer", "max_tokens", "invalid_type")
    return min(most, MOST_TOKENS)


def _service(fields: dict[str, Any]) -> str:
    """What has a price of its own: the speed, or else the tier."""
    speed = service_named(fields.get("speed"))
    tier = service_named(fields.get("service_tier"))
    return tier.removesuffix("_only") if speed in ("", "standard") else speed


def _blocks(fields: dict[str, Any], body: bytes) -> Blocks:
    blocks = Blocks()
    blocks.add_messages(fields.get("messages"))
    blocks.add_content(fields.get("system"))
    for name in _TEXTS:
        blocks.add_text(fields.get(name))
    tools = fields.get("tools")
    if tools is not None:
        blocks.text_bytes += len(msgspec.json.encode(tools))
    used = used_by(tools)
    blocks.tokens += DEFINED_TOOL_TOKENS * sum(use != features.CACHE_BREAKPOINTS for use in used)
    blocks.uses |= dict.fromkeys(used)
    if fields.get("cache_control") is not None:
        blocks.uses[features.CACHE_BREAKPOINTS] = None
    _add_servers(blocks, fields.get("mcp_servers"))
    _add_container(blocks, fields.get("container"))
    if _compacts(fields):
        blocks.uses[features.COMPACTION] = None
    blocks.addresses += [name for name in _TRANSFERS if fields.get(name) is not None]
    if not blocks.unreadable and has_embedded_file(body):
        blocks.unreadable["base64 data"] = None
    return blocks


def _add_servers(blocks: Blocks, servers: Any) -> None:
    """The provider connects to them with what they are given here."""
    if not servers:
        return
    blocks.uses[features.TOOL_SERVERS] = None
    blocks.add_text(servers)
    for server in servers if isinstance(servers, list) else [servers]:
        url = server.get("url") if isinstance(server, dict) else server
        if isinstance(url, str):
            blocks.addresses.append(url)


def _add_container(blocks: Blocks, container: Any) -> None:
    """What is in it was put there before, and nobody here can see it."""
    if not container:
        return
    blocks.uses[features.CONTAINERS] = None
    blocks.unreadable["container"] = None
    blocks.add_text(container)
    id = container.get("id") if isinstance(container, dict) else container
    if isinstance(id, str) and id:
        blocks.named.append(id)


def _compacts(fields: dict[str, Any]) -> bool:
    """Whether the provider is to sum up what was said before."""
    management = fields.get("context_management")
    edits = management.get("edits") if isinstance(management, dict) else None
    kinds = [edit.get("type") for edit in edits if isinstance(edit, dict)] if isinstance(edits, list) else []
    return bool(fields.get("compaction")) or any(isinstance(kind, str) and kind.startswith("compact") for kind in kinds)


def _bound(fields: dict[str, Any], body: bytes, blocks: Blocks) -> int:
    """JSON spells a text with no fewer bytes than it has, and a message's braces and names outweigh its frame."""
    frame = TOOLS_TOKENS if any(fields.get(name) for name in _SCHEMAS) else FRAME_TOKENS
    defined = sum(use != features.CACHE_BREAKPOINTS for use in used_by(fields.get("tools")))
    return len(body) - blocks.image_bytes + blocks.media * MEDIA_BOUND + frame + defined * DEFINED_TOOL_BOUND


def _contexts(blocks: Blocks) -> int:
    """A PDF of few bytes has many words, as what is kept elsewhere may have; and what tools find is input too."""
    if not _HOSTED.isdisjoint(blocks.uses):
        return 1 + MOST_ROUNDS
    return 1 if blocks.unbounded or blocks.named else 0
