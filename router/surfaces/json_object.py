"""A request's body as one JSON object: its members, each where it stands, and those that all dialects have.

What is wrong beyond what is needed is left for the provider to judge, so that its own message reaches the client.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from router.core.reading import BadBody, Span, each_once, split_names
from router.core.sensitivity.gate import MALFORMED
from router.core.values import Label

Members = dict[str, msgspec.Raw]

MOST_TOKENS = 1_000_000_000
"""More than any count that is believed."""

_split = msgspec.json.Decoder(Members).decode
_decode = msgspec.json.Decoder().decode
_MEMBER = rb'[ \t\r\n]*(?:"([^"\\]*+(?:\\.[^"\\]*+)*)"[ \t\r\n]*:[ \t\r\n]*|\})'
_FIRST = re.compile(rb"[ \t\r\n]*\{" + _MEMBER)
_NEXT = re.compile(rb"[ \t\r\n]*(?:,|(?=\}))" + _MEMBER)


def check_utf8(body: bytes) -> None:
    """Raises BadBody for a body that is not UTF-8."""
    try:
        body.isascii() or body.decode()
    except UnicodeDecodeError as error:
        raise BadBody(f"The request body is not UTF-8 (byte {error.start}).", code="invalid_json") from None


def members_of(body: bytes) -> Members:
    """A JSON object's members, undecoded; of two with one name the last. Raises BadBody for what is no object."""
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


def split_object(body: bytes) -> tuple[Members, dict[str, Span]]:
    """A JSON object's members, each undecoded and with its value's span, in the order of the text.

    The decoder keeps the last of two members with one name. Walking the text beside its result shows that: each
    value must stand where the walk has arrived. Raises BadBody for a name that occurs twice, and for bad JSON.
    """
    members = members_of(body)
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


def member(members: Members, name: str) -> Any:
    """A member, decoded; None where there is none. Raises BadBody for what is too deep or too large."""
    if name not in members:
        return None
    try:
        return _decode(members[name])
    except (msgspec.DecodeError, RecursionError):
        raise BadBody(f"The field '{name}' has a number out of range or is nested too deeply.", name) from None


def model_of(fields: Mapping[str, Any], default: str = "") -> str:
    """The name in `model`, or `default` where there is none. Raises BadBody where that is empty."""
    if default and "model" not in fields:
        return default
    model = fields.get("model")
    if isinstance(model, str) and model:
        return model
    if model is None or model == "":
        raise BadBody("You must provide a model.", "model", "missing_required_parameter")
    raise BadBody("Invalid type for 'model': expected a string.", "model", "invalid_type")


def flag(value: Any, param: str) -> bool | None:
    """A boolean that may be left out. Raises BadBody for anything else; `param` is its name."""
    if value is None or isinstance(value, bool):
        return value
    raise BadBody(f"Invalid type for '{param}': expected a boolean.", param, "invalid_type")


def count(value: Any) -> int:
    """A number as lenient providers read it: 5, 5.0 and "5" are the same. -1 for what is no count."""
    if type(value) is int:
        return max(value, -1)
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return max(int(value), -1)
    return -1


def labels_in(members: Members) -> tuple[Label, ...]:
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
            value = member(metadata, name)
            labels.append(Label(level=value if isinstance(value, str) else MALFORMED, source="metadata"))
        elif field == "tags":
            labels.append(Label(tags=_tags(member(metadata, name)), source="metadata"))
    return each_once(labels)


def text_bytes(value: Any) -> int:
    """UTF-8 bytes of all names and strings in a decoded value; numbers, true and null count as 8."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    size = 0
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            size += len(item) if item.isascii() else len(item.encode())
        elif isinstance(item, dict):
            stack.extend(item)
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        else:
            size += 8
    return size


def _name(quoted: bytes) -> str:
    return _decode(b'"%b"' % quoted) if b"\\" in quoted else quoted.decode()


def _tags(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return split_names(value)
    items = value if isinstance(value, list) else [value]
    return tuple(item if isinstance(item, str) else MALFORMED for item in items)
