"""Azure's traces of LLM inference (CSV): TIMESTAMP, ContextTokens, GeneratedTokens.

https://github.com/Azure/AzurePublicDataset
"""

from __future__ import annotations

from msgspec import Struct

from router.simulate.readers.format import Format, Time, Tokens
from router.simulate.readers.times import seconds
from router.simulate.requests import RecordedRequest


class _Line(Struct):
    TIMESTAMP: Time
    ContextTokens: Tokens
    GeneratedTokens: Tokens


def _request(line: _Line, number: int) -> RecordedRequest:
    at = seconds(line.TIMESTAMP, "TIMESTAMP")
    return RecordedRequest(at, input=line.ContextTokens, output=line.GeneratedTokens, id=f"line {number}")


AZURE = Format("azure", "Azure's traces of LLM inference", _Line, _request)
