"""The two changes that a body may need on its way to a backend. Every other byte stays as it came."""

from __future__ import annotations

import re

import msgspec

from router.core.reading import Reading, Span
from router.surfaces.edited import Edited, replaced
from router.surfaces.json_object import split_object
from router.surfaces.openai.read_request import NOWHERE

_EMPTY = re.compile(rb"[ \t\r\n]*\{[ \t\r\n]*\}")
_USAGE = b'"include_usage":true'
_CONTINUOUS = b'"continuous_usage_stats":true'


def edit(
    body: bytes, reading: Reading, *, model: str | None, include_usage: bool, continuous_usage: bool = False
) -> Edited:
    """`body`, from which `reading` was made, with another `model` (None keeps it), and asking for usage if told so.

    A value is replaced where it stands; what is missing is put first in its object. Without a change to make, the
    result is `body` itself.
    """
    changes: list[tuple[Span, bytes]] = []
    if model is not None and model != reading.model:
        changes.append(_model_change(body, reading, msgspec.json.encode(model)))
    wanted = []
    if include_usage and not reading.wants_usage:
        wanted.append(("include_usage", _USAGE))
    if continuous_usage:
        wanted.append(("continuous_usage_stats", _CONTINUOUS))
    if wanted:
        changes += _option_changes(body, reading, wanted)
    return replaced(body, changes)


def _model_change(body: bytes, reading: Reading, model: bytes) -> tuple[Span, bytes]:
    if reading.model_span != NOWHERE:
        return reading.model_span, model
    return _first_member(body, 0, b'"model":%b%b' % (model, b"" if _EMPTY.match(body) else b","))


def _option_changes(body: bytes, reading: Reading, wanted: list[tuple[str, bytes]]) -> list[tuple[Span, bytes]]:
    span = reading.options_span
    every = b",".join([member for _, member in wanted])
    if span is None:
        return [_first_member(body, 0, b'"stream_options":{%b},' % every)]
    start, end = span
    if body[start:end] == b"null":
        return [(span, b"{%b}" % every)]
    members, spans = split_object(body[start:end])
    there = [spans[name] for name, _ in wanted if name in members]
    changes: list[tuple[Span, bytes]] = [((start + from_, start + to), b"true") for from_, to in there]
    missing = b",".join([member for name, member in wanted if name not in members])
    if missing:
        changes.append(_first_member(body, start, missing + b"," if members else missing))
    return changes


def _first_member(body: bytes, start: int, member: bytes) -> tuple[Span, bytes]:
    """An insertion behind the brace of the object that begins at `start`."""
    inside = body.index(b"{", start) + 1
    return (inside, inside), member
