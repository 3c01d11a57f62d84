"""One look at a request body: what the decision needs, and where the members lie that may have to be edited.

Only the top level is split exactly, and members that decide nothing stay undecoded. What is wrong beyond what is
needed here is left for the provider to judge, so that its own message reaches the client.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from router.core.content import Content
from router.core.policy import Endpoint, Modality
from router.core.values import Label

Span = tuple[int, int]
Members = dict[str, msgspec.Raw]

_split = msgspec.json.Decoder(Members).decode
_decode = msgspec.json.Decoder().decode
_MEMBER = rb'[ \t\r\n]*(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"[ \t\r\n]*:[ \t\r\n]*|\})'
_FIRST = re.compile(rb"[ \t\r\n]*\{" + _MEMBER)
_NEXT = re.compile(rb"[ \t\r\n]*(?:,|(?=\}))" + _MEMBER)

_SCHEMAS = ("tools", "functions", "response_format")
_MOST_TOKENS = 1_000_000_000
MALFORMED = "not a string"
"""Stands for a level or tag of the wrong type. Names in a policy have no spaces, so it is never one of them."""


class BadBody(Exception):
    """A request that cannot be decided on: a 400 in the shape of the client's surface.

    `param` is the field or header at fault, if it is one; `code` is OpenAI's.
    """

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


class Reading(Struct, frozen=True):
    """What one body says. Spans are offsets (from, to) in its bytes."""

    model: str
    stream: bool
    include_usage: bool | None
    """`stream_options.include_usage`; None when absent."""
    has_stream_options: bool
    max_output_tokens: int | None
    """The most over all choices and prompts; None when the body sets no limit, 0 for embeddings."""
    input_tokens: int
    """Upper estimate: a third of the text's UTF-8 bytes, token ids exactly, 1500 for an image."""
    modalities: frozenset[Modality]
    unreadable: tuple[str, ...]
    """What detectors cannot read, such as "image" or "token ids"."""
    labels: tuple[Label, ...]
    """From the body's metadata."""
    model_span: Span
    stream_options_span: Span | None


def read(endpoint: Endpoint, body: bytes) -> Reading:
    """The body of a POST to `endpoint`: JSON in UTF-8, not compressed.

    Raises BadBody when it is not that or no object, nests too deep, names a member twice (two parsers may disagree
    on which one counts), or when `model`, `stream` or `stream_options` cannot be understood.
    """
    _check_utf8(body)
    members, spans = split_object(body)
    model = _model(members)
    has_options, include_usage = _stream_options(members)
    content = _content(members, body)
    return Reading(
        model=model,
        stream=_flag(members, "stream", "stream") or False,
        include_usage=include_usage,
        has_stream_options=has_options,
        max_output_tokens=0 if endpoint == "embeddings" else _max_output_tokens(members, content.prompts),
        input_tokens=content.tokens + (content.text_bytes + 2) // 3,
        modalities=frozenset(content.modalities),
        unreadable=tuple(content.unreadable),
        labels=_labels(members),
        model_span=spans["model"],
        stream_options_span=spans.get("stream_options"),
    )


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
        if found is None or name in spans or body[start:end] != value:
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


def _model(members: Members) -> str:
    model = _value(members, "model")
    if isinstance(model, str) and model:
        return model
    if model is None or model == "":
        raise BadBody("You must provide a model.", "model", "missing_required_parameter")
    raise BadBody("Invalid type for 'model': expected a string.", "model", "invalid_type")


def _flag(members: Members, name: str, param: str) -> bool | None:
    value = _value(members, name)
    if value is None or isinstance(value, bool):
        return value
    raise BadBody(f"Invalid type for '{param}': expected a boolean.", param, "invalid_type")


def _stream_options(members: Members) -> tuple[bool, bool | None]:
    """Whether there are any, and their include_usage."""
    raw = bytes(members.get("stream_options", b"null"))
    if raw == b"null":
        return False, None
    if not raw.startswith(b"{"):
        raise BadBody("Invalid type for 'stream_options': expected an object.", "stream_options", "invalid_type")
    options, _ = split_object(raw)
    return True, _flag(options, "include_usage", "stream_options.include_usage")


def _max_output_tokens(members: Members, prompts: int) -> int | None:
    limits = [_count(_value(members, name)) for name in ("max_completion_tokens", "max_tokens")]
    known = [limit for limit in limits if limit is not None]
    if not known:
        return None
    choices = max(1, *(_count(_value(members, name)) or 0 for name in ("n", "best_of")))
    return min(max(known) * choices * max(1, prompts), _MOST_TOKENS)


def _count(value: Any) -> int | None:
    """A number as lenient providers read it: 5, 5.0 and "5" are the same. None for what is no count."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        return int(value)
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value) if value >= 0 else None
    return None


def _content(members: Members, body: bytes) -> Content:
    content = Content(text_bytes=sum(len(bytes(members[name])) for name in _SCHEMAS if name in members))
    content.add_messages(_value(members, "messages"))
    content.add_prompts(_value(members, "prompt"))
    content.add_prompts(_value(members, "input"))
    content.add_value(_value(members, "suffix"))
    content.add_output(_value(members, "modalities"))
    if "prompt_embeds" in members:
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


def split_names(text: str) -> tuple[str, ...]:
    """Names separated by commas, trimmed; empty ones are left out."""
    return tuple(name for part in text.split(",") if (name := part.strip()))
