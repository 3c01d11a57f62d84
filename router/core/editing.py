"""The two changes that a body may need on its way to a backend. Every other byte stays as it came."""

from __future__ import annotations

import msgspec

from router.core.bodies import Reading, Span
from router.core.reading import split_object

_USAGE = b'"include_usage":true'
_OPTIONS = b'{"include_usage":true}'


def edit(body: bytes, reading: Reading, *, model: str | None, include_usage: bool) -> bytes:
    """`body`, from which `reading` was made, with another `model` (None keeps it), and asking for usage if told so.

    A value is replaced where it stands; what is missing is put first in its object. Without a change to make, the
    result is `body` itself.
    """
    changes: list[tuple[Span, bytes]] = []
    if model is not None and model != reading.model:
        changes.append((reading.model_span, msgspec.json.encode(model)))
    if include_usage and not reading.include_usage:
        changes.append(_usage_change(body, reading))
    for (start, end), value in sorted(changes, reverse=True) if len(changes) > 1 else changes:
        body = body[:start] + value + body[end:]
    return body


def _usage_change(body: bytes, reading: Reading) -> tuple[Span, bytes]:
    span = reading.stream_options_span
    if span is None:
        return _first_member(body, 0, b'"stream_options":' + _OPTIONS + b",")
    if not reading.has_stream_options:
        return span, _OPTIONS
    start, end = span
    members, spans = split_object(body[start:end])
    if "include_usage" in members:
        from_, to = spans["include_usage"]
        return (start + from_, start + to), b"true"
    return _first_member(body, start, _USAGE + b"," if members else _USAGE)


def _first_member(body: bytes, start: int, member: bytes) -> tuple[Span, bytes]:
    """An insertion behind the brace of the object that begins at `start`."""
    inside = body.index(b"{", start) + 1
    return (inside, inside), member
