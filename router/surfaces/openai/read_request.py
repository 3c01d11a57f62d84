"""One look at a request body: what the decision needs, and where the members lie that may have to be edited.

There are two ways to read, and they agree; the second is taken where the first does not do. Regular bodies, in which
every name that matters stands once and is spelled plainly, are decoded whole. Of any other body the top level is split
exactly, and members that decide nothing stay undecoded. What is wrong beyond what is needed here is left for the
provider to judge, so that its own message reaches the client. (Plain conversations have a third way, see `chat`.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from router.core.limits.estimate import DEFAULT_OUTPUT_TOKENS
from router.core.policy_fields import Modality
from router.core.reading import BadBody, Reading, Span
from router.core.sensitivity.media import one_of_each
from router.core.units import NO_UNITS, Units
from router.core.values import Label
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
from router.surfaces.openai.content import VOICES, Content, voice_in
from router.surfaces.openai.shape import COMMON, Shape
from router.surfaces.openai.usage import service_named

Fields = Mapping[str, Any]
"""The members that matter, decoded."""

_decode = msgspec.json.Decoder().decode

LIMITS = ("max_completion_tokens", "max_tokens")
_CHOICES = ("n", "best_of")
_SPLIT_EXACTLY = frozenset({"stream_options", "metadata"})
MODEL = re.compile(rb'"model"[ \t\r\n]*:[ \t\r\n]*("[^"\\]*")')
_TRANSFERS = ("kv_transfer_params", "ec_transfer_params")
"""Name the host that a vLLM is to fetch caches from."""
_SCHEMAS = ("tools", "functions", "response_format")
FRAME_TOKENS = 64
"""What a chat template adds to a conversation at most: a default system prompt, the frame of the answer."""
TOOLS_TOKENS = 640
"""The same for one with tools or a schema: providers document up to 530 tokens of instructions for them."""
MEDIA_BOUND = 50_000
"""Tokens of an image at most: what the dearest way of counting makes of the largest one, rounded up."""


_BYTES_PER_AUDIO_TOKEN = 100
"""In base64, at the 6 kbit/s that no codec in use goes below, and ten tokens a second."""
NOWHERE: Span = (0, 0)
"""Where a model stands that a body does not name."""
_NO_OPTIONS = (None, False, None)
TEXT_ONLY: frozenset[Modality] = frozenset({"text"})


def read(body: bytes, *, writes: bool = True, default_model: str = "", shape: Shape = COMMON) -> Reading:
    """The body of a POST: JSON in UTF-8, not compressed. `writes` is False for endpoints whose answers are no text, and
    no streams, whatever is asked for; `default_model` is what a body asks for that names no model, where the endpoint
    has one.

    Raises BadBody when it is not that or no object, nests too deep, names a member twice (two parsers may disagree
    on which one counts), or when `model`, `stream` or `stream_options` cannot be understood.
    """
    check_utf8(body)
    regular = _regular(body, default_model, shape)
    if regular is not None:
        return _read(body, *regular, _NO_OPTIONS, (), writes, shape)
    members, spans = split_object(body)
    fields = {name: member(members, name) for name in members if name in shape.quoted and name not in _SPLIT_EXACTLY}
    model = model_of(fields, default_model)
    options = (*_stream_options(members), spans.get("stream_options"))
    return _read(
        body=body,
        fields=fields,
        model=model,
        model_span=spans.get("model", NOWHERE),
        options=options,
        labels=labels_in(members),
        writes=writes,
        shape=shape,
    )


def _regular(body: bytes, default_model: str, shape: Shape) -> tuple[Fields, str, Span] | None:
    """The fields of a regular body, its model and that one's place; None for a body that has to be split exactly."""
    if b"\\u00" in body:
        return None
    try:
        fields = _decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    quoted = shape.quoted
    for name in fields:
        if name in quoted and (name in _SPLIT_EXACTLY or body.count(quoted[name]) != 1):
            return None
    model = fields.get("model")
    if default_model and "model" not in fields:
        return fields, default_model, NOWHERE
    place = MODEL.search(body)
    if place is None or not isinstance(model, str) or not model:
        return None
    return fields, model, place.span(1)


def _read(
    body: bytes,
    fields: Fields,
    model: str,
    model_span: Span,
    options: tuple[bool | None, bool, Span | None],
    labels: tuple[Label, ...],
    writes: bool,
    shape: Shape,
) -> Reading:
    content = _content(fields, body, shape)
    with_tools = any(fields.get(name) for name in _SCHEMAS)
    tokens = content.tokens + (content.text_bytes + 2) // 3
    answers = _answers(fields, content.prompts)
    max_output = _max_output_tokens(fields, answers) if writes else 0
    return Reading(
        model=model,
        stream=(flag(fields.get("stream"), "stream") or False) and writes,
        wants_usage=options[0],
        max_output_tokens=max_output,
        input_tokens=tokens,
        modalities=TEXT_ONLY if len(content.modalities) == 1 else frozenset(content.modalities),
        unreadable=tuple(content.unreadable),
        labels=labels,
        model_span=model_span,
        options_span=options[2],
        input_bound=max(tokens, input_bound(body, content, with_tools=with_tools)),
        answers=answers,
        wants_running_usage=options[1],
        addresses=one_of_each(content.addresses),
        service=service_named(fields.get("service_tier")),
        units=_sound(body, content, max_output) if "audio" in content.modalities else NO_UNITS,
        refers_to=tuple(content.files),
        mentions=tuple(content.mentions),
        stores=fields.get("store") is True or _speaks(fields.get("modalities")),
    )


def _speaks(modalities: Any) -> bool:
    """Whether the answer is to be spoken: what was said is then kept under an id, for the next turn."""
    return isinstance(modalities, list) and "audio" in modalities


def _sound(body: bytes, content: Content, max_output: int | None) -> Units:
    """At most, of a body with recordings in it, or by their addresses, or whose answer is to be spoken."""
    heard = len(body) // _BYTES_PER_AUDIO_TOKEN + MEDIA_BOUND * len(content.addresses)
    return Units(audio_input=heard, audio_output=DEFAULT_OUTPUT_TOKENS if max_output is None else max_output)


def input_bound(body: bytes, content: Content, *, with_tools: bool) -> int:
    """JSON spells a text with no fewer bytes than it has, and a message's braces and names outweigh its frame."""
    frame = TOOLS_TOKENS if with_tools else FRAME_TOKENS
    return len(body) - content.image_bytes + content.media * MEDIA_BOUND + content.repeated + frame


def _stream_options(members: Members) -> tuple[bool | None, bool]:
    """Their include_usage, None when absent, and whether they have continuous_usage_stats: true."""
    raw = bytes(members.get("stream_options", b"null"))
    if raw == b"null":
        return None, False
    if not raw.startswith(b"{"):
        raise BadBody("Invalid type for 'stream_options': expected an object.", "stream_options", "invalid_type")
    options, _ = split_object(raw)
    include = flag(member(options, "include_usage"), "stream_options.include_usage")
    return include, member(options, "continuous_usage_stats") is True


def _max_output_tokens(fields: Fields, answers: int) -> int | None:
    limit = max([count(fields[name]) for name in LIMITS if name in fields], default=-1)
    return None if limit < 0 else min(limit * answers, MOST_TOKENS)


def _answers(fields: Fields, prompts: int) -> int:
    choices = max([count(fields[name]) for name in _CHOICES if name in fields], default=1)
    return min(max(1, choices) * max(1, prompts), MOST_TOKENS)


def _content(fields: Fields, body: bytes, shape: Shape) -> Content:
    content = Content()
    if shape.queries:
        found = [
            [value for name, value in fields.items() if name in names] for names in (shape.queries, shape.documents)
        ]
        content.add_pairs(*found)
    for name, value in fields.items():
        if name == "messages":
            content.add_messages(value)
        elif name in shape.prompts:
            content.add_prompts(value)
        elif name in _SCHEMAS:
            content.text_bytes += len(msgspec.json.encode(value))
        elif name == "suffix":
            content.add_value(value)
        elif name == "modalities":
            content.add_output(value)
        elif name in _TRANSFERS and value is not None:
            content.addresses.append(name)
        elif name == "prompt_embeds":
            content.unreadable["prompt embeddings"] = None
        elif name in shape.opaque:
            content.add_opaque(name, value)
        elif name in VOICES and (voice := voice_in(name, value)):
            content.files[voice] = None
    content.add_inline_data(body)
    return content
