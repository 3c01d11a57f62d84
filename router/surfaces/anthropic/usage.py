"""Tokens that an upstream reported, read out of its answer.

The shape is Anthropic's `usage` object, in which `input_tokens` leaves out what was read from the cache or written to
it; `core.values.Usage` has all of it as input. A stream reports twice, in `message_start` and in `message_delta`, where
counts are those of the whole answer so far and may leave out what has not changed.

    vLLM        the same; its `message_start` may not know yet what came from the cache
    iterations  what took place behind an answer: summing up a context, or asking an advisor, is not in the totals

Nothing here raises: a body that is not understood has no usage, and the caller estimates it.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from router.core.values import Usage
from router.surfaces.openai.usage import ABSURD, Count, service_named

_WORLDWIDE = frozenset({"", "global", "not_available"})


class _Written(Struct, gc=False):
    ephemeral_1h_input_tokens: Count = None


class _ServerTools(Struct, gc=False):
    web_search_requests: Count = None


class Totals(Struct, gc=False):
    """The part of a report that prices cannot do without."""

    input_tokens: Count = None
    output_tokens: Count = None
    cache_read_input_tokens: Count = None
    cache_creation_input_tokens: Count = None

    def usage(self) -> Usage | None:
        """None when nothing was reported, or numbers are absurd: no request takes nothing."""
        return _usage((self.input_tokens, self.cache_read_input_tokens, self.cache_creation_input_tokens), 0, self)


class Iteration(Totals, gc=False):
    type: str = ""
    cache_creation: _Written | None = None


class Report(Totals, gc=False):
    """The `usage` object of an answer or of a stream's event."""

    cache_creation: _Written | None = None
    server_tool_use: _ServerTools | None = None
    iterations: tuple[Iteration, ...] | None = None
    service_tier: Any = None
    speed: Any = None
    inference_geo: Any = None

    def usage(self) -> Usage | None:
        whole = _plus_hidden(self)
        if whole is None:
            return None
        service = _service(self)
        searched = self.server_tool_use is not None and bool(self.server_tool_use.web_search_requests)
        if not service and not searched:
            return whole
        return msgspec.structs.replace(whole, service=service, estimated=whole.estimated or searched)


class _Answer(Struct, gc=False):
    usage: Report | None = None


class _AnswerTotals(Struct, gc=False):
    usage: Totals | None = None


_decode = msgspec.json.Decoder(_Answer).decode
_decode_totals = msgspec.json.Decoder(_AnswerTotals).decode


def usage_of(body: bytes) -> Usage | None:
    """Usage in the JSON body of an answer; None when there is none to be found. Where something has an unexpected
    type, that of the totals: these are the money."""
    try:
        report: Totals | None = _decode(body).usage
    except (msgspec.ValidationError, RecursionError):
        report = _totals_of(body)
    except ValueError:
        return None
    return None if report is None else report.usage()


def _totals_of(body: bytes) -> Totals | None:
    try:
        return _decode_totals(body).usage
    except (ValueError, RecursionError):
        return None


def later(found: Report, before: Report | None) -> Report:
    """Of two reports of one stream, the later one with what only the earlier one says."""
    if before is None:
        return found
    names = found.__struct_fields__
    return Report(**{name: _either(getattr(found, name), getattr(before, name)) for name in names})


def _either(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value


def _service(report: Report) -> str:
    """What has a price of its own: the speed, the place or the tier."""
    speed = service_named(report.speed)
    if speed not in ("", "standard"):
        return speed
    place = service_named(report.inference_geo)
    return service_named(report.service_tier) if place in _WORLDWIDE else f"geo-{place}"


def _plus_hidden(report: Report) -> Usage | None:
    """With what is not in the totals. What another model took has another price, which is not known: an estimate."""
    found = _usage(
        (report.input_tokens, report.cache_read_input_tokens, report.cache_creation_input_tokens),
        _lasting(report.cache_creation),
        report,
    )
    for each in report.iterations or ():
        if found is None or each.type in ("message", ""):
            continue
        counts = (each.input_tokens, each.cache_read_input_tokens, each.cache_creation_input_tokens)
        more = _usage(counts, _lasting(each.cache_creation), each)
        if more is not None:
            found = _sum(found, more, estimated=each.type != "compaction")
    return found


def _sum(one: Usage, more: Usage, *, estimated: bool) -> Usage:
    return Usage(
        input=one.input + more.input,
        cached=one.cached + more.cached,
        cache_write=one.cache_write + more.cache_write,
        output=one.output + more.output,
        estimated=one.estimated or estimated,
        cache_write_1h=one.cache_write_1h + more.cache_write_1h,
    )


def _lasting(written: _Written | None) -> float:
    return 0 if written is None else written.ephemeral_1h_input_tokens or 0


def _usage(counts: tuple[Count, Count, Count], lasting: float, totals: Totals) -> Usage | None:
    """`counts` are the input as it was read anew, from the cache, and to be kept in it. A report with a negative count
    is no report, nor one without any input: no request takes nothing."""
    fresh, read, written = (int(each or 0) for each in counts)
    output = int(totals.output_tokens or 0)
    if not (fresh or read or written) or min(fresh, read, written, output) < 0:
        return None
    whole = fresh + read + written
    if max(whole, output) > ABSURD:
        return None
    return Usage(whole, read, written, output, cache_write_1h=int(min(max(lasting, 0), written)))
