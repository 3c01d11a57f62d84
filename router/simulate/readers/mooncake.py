"""Mooncake's traces (JSON lines): timestamp in milliseconds since the first request, input_length, output_length.

What its block hashes say of shared prefixes is not read: how much of them a cache still has depends on the cache.
https://github.com/kvcache-ai/Mooncake, FAST25-release/traces
"""

from __future__ import annotations

from msgspec import Struct

from router.simulate.readers.format import Format, Measure, Tokens
from router.simulate.requests import RecordedRequest


class _Line(Struct):
    timestamp: Measure
    input_length: Tokens
    output_length: Tokens


def _request(line: _Line, number: int) -> RecordedRequest:
    at = line.timestamp / 1000
    return RecordedRequest(at, input=line.input_length, output=line.output_length, id=f"line {number}")


MOONCAKE = Format("mooncake", "Mooncake's traces", _Line, _request)
