"""What is an answer, what it used, and how much it says.

`status` is one of completed, incomplete, failed, in_progress, queued, cancelled. Usage is reported at the end alone:
{"input_tokens": 11, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 7, "total_tokens": 18}, where output
has the reasoning in it.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from router.core.estimated_usage import weight_of
from router.core.values import Usage
from router.surfaces.long_json import LONG, first_items
from router.surfaces.openai.responses.failures import is_clients
from router.surfaces.openai.usage import Count, usage_in

_BRACKET = 91
_NOTHING = msgspec.Raw(b"null")
_CHARGED = frozenset(
    (
        *("web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call"),
        "shell_call_output",
    )
)
"""Items of tools that a provider may charge for by call, besides their tokens."""
_FRAME = frozenset(
    (
        *("id", "type", "status", "role", "phase", "call_id", "annotations", "logprobs", "encrypted_content"),
        *("result", "container_id", "server_label"),
    )
)
"""Members of items that the model did not write."""


class _Details(Struct, gc=False):
    cached_tokens: Count = None
    cache_write_tokens: Count = None


_NO_DETAILS = _Details()


class Totals(Struct, gc=False):
    """The part of a report that prices cannot do without."""

    input_tokens: Count = None
    output_tokens: Count = None
    total_tokens: Any = None


class Report(Totals, gc=False):
    """The `usage` object of a response."""

    input_tokens_details: _Details | None = None

    def usage(self, service: object) -> Usage | None:
        """None when no input was reported, or numbers are absurd."""
        details = self.input_tokens_details or _NO_DETAILS
        return usage_in(
            self.input_tokens,
            self.output_tokens,
            self.total_tokens,
            cached=details.cached_tokens or 0,
            written=details.cache_write_tokens or 0,
            service=service,
        )


class _Item(Struct, gc=False):
    type: Any = None
    id: Any = None


class _Error(Struct, gc=False):
    code: Any = None


class Response(Struct, gc=False):
    """What is looked at of a response."""

    status: Any = None
    error: _Error | None = None
    output: tuple[_Item, ...] | None = None
    usage: Report | None = None
    service_tier: Any = None


class _Bare(Struct, gc=False):
    """The same of one with something of an unexpected type, which makes it no less of an answer."""

    status: Any = None
    error: Any = None
    output: Any = None
    usage: Any = None
    service_tier: Any = None


class _Counted(Struct, gc=False):
    input_tokens: Any = None


class _LongOutput(Struct, gc=False):
    output: msgspec.Raw = _NOTHING


class _LongItem(Struct, gc=False):
    """What of an item may be long and was not written by the model."""

    result: msgspec.Raw = _NOTHING
    encrypted_content: msgspec.Raw = _NOTHING


_decode_output = msgspec.json.Decoder(_LongOutput).decode
_decode_counted = msgspec.json.Decoder(_Counted).decode
_decode = msgspec.json.Decoder(Response).decode
_decode_bare = msgspec.json.Decoder(_Bare).decode
_decode_totals = msgspec.json.Decoder(Totals).decode


def response_in(body: bytes) -> Response | None:
    """None for what is no object, or is that of an error."""
    try:
        return _decode(body)
    except msgspec.ValidationError:
        return _unusual(body)
    except (ValueError, RecursionError):
        return None


def is_answer(response: Response) -> bool:
    """One that failed is one where the client is to hear of it."""
    if response.error is not None or response.status == "failed":
        return response.error is not None and is_clients(response.error.code) and response.status == "failed"
    return response.output is not None


def items_in(response: Response) -> tuple[str, ...]:
    """Ids of its items, which later requests may name."""
    return tuple([item.id for item in response.output or () if isinstance(item.id, str) and item.id])


def is_count(body: bytes) -> bool:
    """Whether a body is the answer to who asks for the number of its input's tokens."""
    try:
        return isinstance(_decode_counted(body).input_tokens, int)
    except (ValueError, RecursionError):
        return False


def usage_of(response: Response) -> Usage | None:
    """Where tools ran that may be charged by call, tokens are not all of it: it counts as estimated."""
    report = response.usage
    usage = None if report is None else report.usage(response.service_tier)
    if usage is None or not any(isinstance(item.type, str) and item.type in _CHARGED for item in response.output or ()):
        return usage
    return replace(usage, estimated=True)


def text_bytes_of(body: bytes) -> int:
    """The weight of what the model wrote, see `weight_of`. A body that is no answer may be anything: all of it
    counts. A long one counts with the JSON within its items."""
    try:
        if len(body) > LONG:
            return _weight_of_output(_decode_output(body).output)
        output = _decode_bare(body).output
    except (ValueError, RecursionError):
        return len(body)
    return _text_in(output)


def _weight_of_output(output: msgspec.Raw) -> int:
    whole = weight_of(bytes(output))
    if memoryview(output)[0] != _BRACKET:
        return whole
    for item in first_items(output, _LongItem):
        whole -= weight_of(bytes(item.result)) + weight_of(bytes(item.encrypted_content))
    return whole


def _text_in(value: Any) -> int:
    if isinstance(value, str):
        return weight_of(value.encode(errors="replace"))
    if isinstance(value, list):
        return sum(map(_text_in, value))
    if isinstance(value, dict):
        return sum(_text_in(each) for name, each in value.items() if name not in _FRAME)
    return 0


def _unusual(body: bytes) -> Response | None:
    try:
        bare = _decode_bare(body)
    except (ValueError, RecursionError):
        return None
    error, output = bare.error, bare.output
    try:
        totals = _decode_totals(msgspec.json.encode(bare.usage))
        report = Report(totals.input_tokens, totals.output_tokens, totals.total_tokens)
    except (ValueError, RecursionError):
        report = None
    return Response(
        status=bare.status,
        error=None if error is None else _Error(error.get("code") if isinstance(error, dict) else None),
        output=tuple(map(_item, output)) if isinstance(output, list) else None,
        usage=report,
        service_tier=bare.service_tier,
    )


def _item(value: Any) -> _Item:
    return _Item(value.get("type"), value.get("id")) if isinstance(value, dict) else _Item()
