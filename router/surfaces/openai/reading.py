"""One look at a request body: what the decision needs, and where the members lie that may have to be edited.

There are three ways to read, and they agree; each is taken where the one before it does not do. Plain conversations
are decoded in one pass into what is needed. Regular bodies, in which every name that matters stands once and is
spelled plainly, are decoded whole. Of any other body the top level is split exactly, and members that decide
nothing stay undecoded. What is wrong beyond what is needed here is left for the provider to judge, so that its own
message reaches the client.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from router.core.policy import Endpoint, Modality
from router.core.reading import BadBody, Reading, Span, split_names
from router.core.sensitivity.gate import MALFORMED
from router.core.values import Label
from router.surfaces.openai.content import MESSAGE_TOKENS, Content
from router.surfaces.openai.plain_chat import PlainChat
from router.surfaces.openai.usage import service_named

Members = dict[str, msgspec.Raw]
Fields = Mapping[str, Any]
"""The members that matter, decoded."""

_split = msgspec.json.Decoder(Members).decode
_decode = msgspec.json.Decoder().decode
_MEMBER = rb'[ \t\r\n]*(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"[ \t\r\n]*:[ \t\r\n]*|\})'
_FIRST = re.compile(rb"[ \t\r\n]*\{" + _MEMBER)
_NEXT = re.compile(rb"[ \t\r\n]*(?:,|(?=\}))" + _MEMBER)

_MATTERING = (
    *("model", "stream", "max_completion_tokens", "max_tokens", "n", "best_of", "messages", "prompt", "input"),
    *("suffix", "tools", "functions", "response_format", "modalities", "prompt_embeds", "stream_options", "metadata"),
    *("kv_transfer_params", "ec_transfer_params", "service_tier"),
)
_QUOTED = {name: b'"%b"' % name.encode() for name in _MATTERING}
_LIMITS = ("max_completion_tokens", "max_tokens")
_CHOICES = ("n", "best_of")
_SPLIT_EXACTLY = frozenset({"stream_options", "metadata"})
_MODEL = re.compile(rb'"model"[ \t\r\n]*:[ \t\r\n]*("[^"\\]*")')
_TRANSFERS = ("kv_transfer_params", "ec_transfer_params")
"""Name the host that a vLLM is to fetch caches from."""
_SCHEMAS = ("tools", "functions", "response_format")
_MOST_TOKENS = 1_000_000_000
FRAME_TOKENS = 64
"""What a chat template adds to a conversation at most: a default system prompt, the frame of the answer."""
TOOLS_TOKENS = 640
"""The same for one with tools or a schema: providers document up to 530 tokens of instructions for them."""
MEDIA_BOUND = 50_000
"""Tokens of an image at most: what the dearest way of counting makes of the largest one, rounded up."""


_NO_OPTIONS = (False, None, False, None)
_TEXT_ONLY: frozenset[Modality] = frozenset({"text"})


def read(endpoint: Endpoint, body: bytes) -> Reading:
    """The body of a POST to `endpoint`: JSON in UTF-8, not compressed.

    Raises BadBody when it is not that or no object, nests too deep, names a member twice (two parsers may disagree
    on which one counts), or when `model`, `stream` or `stream_options` cannot be understood.
    """
    _check_utf8(body)
    plain = _read_plain(body) if endpoint == "chat" else None
    if plain is not None:
        return plain
    regular = _regular(body)
    if regular is not None:
        return _read(endpoint, body, *regular, _NO_OPTIONS, ())
    members, spans = split_object(body)
    fields = {name: _value(members, name) for name in members if name in _QUOTED and name not in _SPLIT_EXACTLY}
    model = _model(fields)
    options = (*_stream_options(members), spans.get("stream_options"))
    return _read(endpoint, body, fields, model, spans["model"], options, _labels(members))


_decode_plain = msgspec.json.Decoder(PlainChat).decode
_PLAIN_NAMES = tuple(_QUOTED[name] for name in ("model", "messages", "stream", *_LIMITS, "n"))


def _read_plain(body: bytes) -> Reading | None:
    """The commonest body, read in one pass: text messages, and names that matter once each. None for any other."""
    try:
        chat = _decode_plain(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    place = _MODEL.search(body)
    if place is None or not chat.model or not body.isascii() or _may_hide(body):
        return None
    for quoted in _PLAIN_NAMES:
        if body.count(quoted) > 1:
            return None
    service = ""
    if chat.service_tier is not msgspec.UNSET:
        if body.count(_QUOTED["service_tier"]) > 1:
            return None
        service = service_named(chat.service_tier)
    text_bytes = tokens = 0
    for message in chat.messages:
        text_bytes += len(message.role) + len(message.content)
        tokens += MESSAGE_TOKENS
    limit = chat.max_completion_tokens or chat.max_tokens
    answers = 1 if chat.n is None else min(chat.n, _MOST_TOKENS)
    if limit is not None:
        limit = min(max(limit, chat.max_tokens or 1) * answers, _MOST_TOKENS)
    tokens += (text_bytes + 2) // 3
    bound = max(tokens, len(body) + FRAME_TOKENS)
    span = place.span(1)
    reading = Reading(
        chat.model, chat.stream, None, False, limit, tokens, _TEXT_ONLY, (), (), span, None, bound, answers
    )
    return replace(reading, service=service) if service else reading


def _may_hide(body: bytes) -> bool:
    """Whether a name may be spelled with escapes, or a string may hold data. (`find` costs half of `in` here.)"""
    return body.find(b"\\u00") >= 0 or body.find(b";base64,") >= 0


def _regular(body: bytes) -> tuple[Fields, str, Span] | None:
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
        if name in _QUOTED and (name in _SPLIT_EXACTLY or body.count(_QUOTED[name]) != 1):
            return None
    model = fields.get("model")
    place = _MODEL.search(body)
    if place is None or not isinstance(model, str) or not model:
        return None
    return fields, model, place.span(1)


def _read(
    endpoint: Endpoint,
    body: bytes,
    fields: Fields,
    model: str,
    model_span: Span,
    options: tuple[bool, bool | None, bool, Span | None],
    labels: tuple[Label, ...],
) -> Reading:
    content = _content(fields, body)
    tokens = content.tokens + (content.text_bytes + 2) // 3
    answers = _answers(fields, content.prompts)
    return Reading(
        model,
        _flag(fields.get("stream"), "stream") or False,
        options[1],
        options[0],
        0 if endpoint == "embeddings" else _max_output_tokens(fields, answers),
        tokens,
        _TEXT_ONLY if len(content.modalities) == 1 else frozenset(content.modalities),
        tuple(content.unreadable),
        labels,
        model_span,
        options[3],
        max(tokens, _input_bound(fields, body, content)),
        answers,
        options[2],
        tuple(content.addresses),
        service_named(fields.get("service_tier")),
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


def _model(fields: Fields) -> str:
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


def _stream_options(members: Members) -> tuple[bool, bool | None, bool]:
    """Whether there are any, their include_usage, and whether they have continuous_usage_stats: true."""
    raw = bytes(members.get("stream_options", b"null"))
    if raw == b"null":
        return False, None, False
    if not raw.startswith(b"{"):
        raise BadBody("Invalid type for 'stream_options': expected an object.", "stream_options", "invalid_type")
    options, _ = split_object(raw)
    include = _flag(_value(options, "include_usage"), "stream_options.include_usage")
    return True, include, _value(options, "continuous_usage_stats") is True


def _max_output_tokens(fields: Fields, answers: int) -> int | None:
    limit = max([_count(fields[name]) for name in _LIMITS if name in fields], default=-1)
    return None if limit < 0 else min(limit * answers, _MOST_TOKENS)


def _answers(fields: Fields, prompts: int) -> int:
    choices = max([_count(fields[name]) for name in _CHOICES if name in fields], default=1)
    return min(max(1, choices) * max(1, prompts), _MOST_TOKENS)


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
