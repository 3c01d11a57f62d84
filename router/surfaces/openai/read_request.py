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

from router.core.policy_fields import Modality
from router.core.reading import BadBody, Reading, Span, split_names
from router.core.sensitivity.gate import MALFORMED
from router.core.values import Label
from router.surfaces.openai.content import Content
from router.surfaces.openai.usage import service_named

Members = dict[str, msgspec.Raw]
Fields = Mapping[str, Any]
"""The members that matter, decoded."""

_split = msgspec.json.Decoder(Members).decode
_decode = msgspec.json.Decoder().decode
_MEMBER = rb'[ \t\r\n]*(?:"([^"\\]*+(?:\\.[^"\\]*+)*)"[ \t\r\n]*:[ \t\r\n]*|\})'
_FIRST = re.compile(rb"[ \t\r\n]*\{" + _MEMBER)
_NEXT = re.compile(rb"[ \t\r\n]*(?:,|(?=\}))" + _MEMBER)

_MATTERING = (
    *("model", "stream", "max_completion_tokens", "max_tokens", "n", "best_of", "messages", "prompt", "input"),
    *("suffix", "tools", "functions", "response_format", "modalities", "prompt_embeds", "stream_options", "metadata"),
    *("kv_transfer_params", "ec_transfer_params", "service_tier"),
)
QUOTED = {name: b'"%b"' % name.encode() for name in _MATTERING}
LIMITS = ("max_completion_tokens", "max_tokens")
_CHOICES = ("n", "best_of")
_SPLIT_EXACTLY = frozenset({"stream_options", "metadata"})
MODEL = re.compile(rb'"model"[ \t\r\n]*:[ \t\r\n]*("[^"\\]*")')
_TRANSFERS = ("kv_transfer_params", "ec_transfer_params")
"""Name the host that a vLLM is to fetch caches from."""
_SCHEMAS = ("tools", "functions", "response_format")
MOST_TOKENS = 1_000_000_000
FRAME_TOKENS = 64
"""What a chat template adds to a conversation at most: a default system prompt, the frame of the answer."""
TOOLS_TOKENS = 640
"""The same for one with tools or a schema: providers document up to 530 tokens of instructions for them."""
MEDIA_BOUND = 50_000
"""Tokens of an image at most: what the dearest way of counting makes of the largest one, rounded up."""


NOWHERE: Span = (0, 0)
"""Where a model stands that a body does not name."""
_NO_OPTIONS = (None, False, None)
TEXT_ONLY: frozenset[Modality] = frozenset({"text"})


def read(body: bytes, *, writes: bool = True, default_model: str = "") -> Reading:
    """The body of a POST: JSON in UTF-8, not compressed. `writes` is False for endpoints whose answers are no text;
    `default_model` is what a body asks for that names no model, where the endpoint has one.

    Raises BadBody when it is not that or no object, nests too deep, names a member twice (two parsers may disagree
    on which one counts), or when `model`, `stream` or `stream_options` cannot be understood.
    """
    _check_utf8(body)
    regular = _regular(body, default_model)
    if regular is not None:
        return _read(body, *regular, _NO_OPTIONS, (), writes)
    members, spans = split_object(body)
    fields = {name: _value(members, name) for name in members if name in QUOTED and name not in _SPLIT_EXACTLY}
    model = _model(fields, default_model)
    options = (*_stream_options(members), spans.get("stream_options"))
    return _read(
        body=body,
        fields=fields,
        model=model,
        model_span=spans.get("model", NOWHERE),
        options=options,
        labels=_labels(members),
        writes=writes,
    )


def _regular(body: bytes, default_model: str) -> tuple[Fields, str, Span] | None:
    """The fields of a regular body, its model and that one's place; None for a body that has to be split exactly."""
    if b"\\u00" in body:
        return None
    try:
        fields = _decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    for name in fields:
        if name in QUOTED and (name in _SPLIT_EXACTLY or body.count(QUOTED[name]) != 1):
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
) -> Reading:
    content = _content(fields, body)
    tokens = content.tokens + (content.text_bytes + 2) // 3
    answers = _answers(fields, content.prompts)
    return Reading(
        model=model,
        stream=_flag(fields.get("stream"), "stream") or False,
        wants_usage=options[0],
        max_output_tokens=_max_output_tokens(fields, answers) if writes else 0,
        input_tokens=tokens,
        modalities=TEXT_ONLY if len(content.modalities) == 1 else frozenset(content.modalities),
        unreadable=tuple(content.unreadable),
        labels=labels,
        model_span=model_span,
        options_span=options[2],
        input_bound=max(tokens, _input_bound(fields, body, content)),
        answers=answers,
        wants_running_usage=options[1],
        addresses=tuple(content.addresses),
        service=service_named(fields.get("service_tier")),
    )


def _input_bound(fields: Fields, body: bytes, content: Content) -> int:
    """JSON spells a text with no fewer bytes than it has, and a message's braces and names outweigh its frame."""
    frame = TOOLS_TOKENS if any(fields.get(name) for name in _SCHEMAS) else FRAME_TOKENS
    return len(body) - content.image_bytes + content.media * MEDIA_BOUND + frame


def split_object(body: bytes) -> tuple[Members, dict[str, Span]]:
    """A JSON object's members, each undecoded and with its value's span, in the order of the text.

    The decoder keeps the last of two members with one name. Walking the text beside its result shows that: each
    value must stand where the walk has arrived. Raises BadBody for a name that occurs twice, and for bad JSON.
    """
    members = _members(body)
    spans: dict[str, Span] = {}
    found = _FIRST.match(body)
    while found is not None and found[1] is not None:
        name, start = _name(found[1]), found.end()
        value = bytes(members[name])
        end = start + len(value)
        found = _NEXT.match(body, end)
        if found is None or name in spans or not body.startswith(value, start):
            raise BadBody(f"The field {name[:64]!r} is given twice.", name[:64], "duplicate_field")
        spans[name] = start, end
    return members, spans


def _members(body: bytes) -> Members:
    try:
        return _split(body)
    except RecursionError:
        raise BadBody("The request body is nested too deeply.", code="invalid_json") from None
    except msgspec.ValidationError:
        raise BadBody("The request body must be a JSON object.", code="invalid_json") from None
    except msgspec.DecodeError as error:
        detail = str(error).removeprefix("JSON is malformed: ")
        where = "" if "(byte " in detail else f" (byte {len(body)})"
        raise BadBody(f"The request body is not valid JSON: {detail}{where}.", code="invalid_json") from None


def _check_utf8(body: bytes) -> None:
    try:
        body.isascii() or body.decode()
    except UnicodeDecodeError as error:
        raise BadBody(f"The request body is not UTF-8 (byte {error.start}).", code="invalid_json") from None


def _name(quoted: bytes) -> str:
    return _decode(b'"%b"' % quoted) if b"\\" in quoted else quoted.decode()


def _value(members: Members, name: str) -> Any:
    if name not in members:
        return None
    try:
        return _decode(members[name])
    except (msgspec.DecodeError, RecursionError):
        raise BadBody(f"The field '{name}' has a number out of range or is nested too deeply.", name) from None


def _model(fields: Fields, default: str) -> str:
    if default and "model" not in fields:
        return default
    model = fields.get("model")
    if isinstance(model, str) and model:
        return model
    if model is None or model == "":
        raise BadBody("You must provide a model.", "model", "missing_required_parameter")
    raise BadBody("Invalid type for 'model': expected a string.", "model", "invalid_type")


def _flag(value: Any, param: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise BadBody(f"Invalid type for '{param}': expected a boolean.", param, "invalid_type")


def _stream_options(members: Members) -> tuple[bool | None, bool]:
    """Their include_usage, None when absent, and whether they have continuous_usage_stats: true."""
    raw = bytes(members.get("stream_options", b"null"))
    if raw == b"null":
        return None, False
    if not raw.startswith(b"{"):
        raise BadBody("Invalid type for 'stream_options': expected an object.", "stream_options", "invalid_type")
    options, _ = split_object(raw)
    include = _flag(_value(options, "include_usage"), "stream_options.include_usage")
    return include, _value(options, "continuous_usage_stats") is True


def _max_output_tokens(fields: Fields, answers: int) -> int | None:
    limit = max([_count(fields[name]) for name in LIMITS if name in fields], default=-1)
    return None if limit < 0 else min(limit * answers, MOST_TOKENS)


def _answers(fields: Fields, prompts: int) -> int:
    choices = max([_count(fields[name]) for name in _CHOICES if name in fields], default=1)
    return min(max(1, choices) * max(1, prompts), MOST_TOKENS)


def _count(value: Any) -> int:
    """A number as lenient providers read it: 5, 5.0 and "5" are the same. -1 for what is no count."""
    if type(value) is int:
        return max(value, -1)
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return max(int(value), -1)
    return -1


def _content(fields: Fields, body: bytes) -> Content:
    content = Content()
    for name, value in fields.items():
        if name == "messages":
            content.add_messages(value)
        elif name in ("prompt", "input"):
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
    content.add_inline_data(body)
    return content


def _labels(members: Members) -> tuple[Label, ...]:
    """Labels in `metadata`; its field names count in any case, so that a slip does not drop a label."""
    raw = bytes(members.get("metadata", b"null"))
    if raw == b"null":
        return ()
    if not raw.startswith(b"{"):
        return (Label(level=MALFORMED, source="metadata"),)
    metadata, _ = split_object(raw)
    labels = []
    for name in metadata:
        field = name.strip().lower()
        if field == "sensitivity":
            value = _value(metadata, name)
            labels.append(Label(level=value if isinstance(value, str) else MALFORMED, source="metadata"))
        elif field == "tags":
            labels.append(Label(tags=_tags(_value(metadata, name)), source="metadata"))
    return tuple(labels)


def _tags(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return split_names(value)
    items = value if isinstance(value, list) else [value]
    return tuple(item if isinstance(item, str) else MALFORMED for item in items)
