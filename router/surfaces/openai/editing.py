"""The two changes that a body may need on its way to a backend. Every other byte stays as it came."""

from __future__ import annotations

import msgspec

from router.core.policy import Endpoint
from router.core.reading import Reading, Span
from router.core.values import Route
from router.surfaces.openai.reading import split_object

_USAGE = b'"include_usage":true'
_CONTINUOUS = b'"continuous_usage_stats":true'


def wants_continuous(endpoint: Endpoint, reading: Reading, route: Route) -> bool:
    """Whether to ask for the running usage on every event, which the client did not ask for and must not see.

    vLLM has it, so that a stream that is cut is charged what was produced. It counts by choice: answers to several
    prompts do not say which prompt is theirs, so of these only the end's total is asked for.
    """
    if not (reading.stream and route.stream_usage and route.kind == "vllm") or shows_running(reading):
        return False
    return endpoint == "chat" or reading.answers == 1


def hides_usage(reading: Reading, route: Route) -> bool:
    """Whether more of a stream's events than the last may carry usage that the client does not want to see: what we ask
    vLLM for, and what it asked for itself and switched off, by wanting no usage at all."""
    return not shows_running(reading) and (route.kind == "vllm" or reading.continuous_usage)


def shows_running(reading: Reading) -> bool:
    """Whether the client wants the running usage. vLLM gives it only to those who want usage."""
    return reading.continuous_usage and reading.include_usage is True


def edit(
    body: bytes, reading: Reading, *, model: str | None, include_usage: bool, continuous_usage: bool = False
) -> bytes:
    """`body`, from which `reading` was made, with another `model` (None keeps it), and asking for usage if told so.

    A value is replaced where it stands; what is missing is put first in its object. Without a change to make, the
    result is `body` itself.
    """
    changes: list[tuple[Span, bytes]] = []
    if model is not None and model != reading.model:
        changes.append((reading.model_span, msgspec.json.encode(model)))
    wanted = []
    if include_usage and not reading.include_usage:
        wanted.append(("include_usage", _USAGE))
    if continuous_usage:
        wanted.append(("continuous_usage_stats", _CONTINUOUS))
    if wanted:
        changes += _option_changes(body, reading, wanted)
    for (start, end), value in sorted(changes, reverse=True) if len(changes) > 1 else changes:
        body = body[:start] + value + body[end:]
    return body


def _option_changes(body: bytes, reading: Reading, wanted: list[tuple[str, bytes]]) -> list[tuple[Span, bytes]]:
    span = reading.stream_options_span
    every = b",".join([member for _, member in wanted])
    if span is None:
        return [_first_member(body, 0, b'"stream_options":{%b},' % every)]
    if not reading.has_stream_options:
        return [(span, b"{%b}" % every)]
    start, end = span
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
