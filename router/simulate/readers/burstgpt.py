"""BurstGPT (CSV): Timestamp in seconds from the first midnight, Request tokens, Response tokens; in its second version
Elapsed time, in seconds, too.

Its models are those of then, and no policy's: which one is asked for is left to the policy. A failed request has no
response tokens, and is a request all the same. https://github.com/HPMLL/BurstGPT
"""

from __future__ import annotations

from msgspec import Struct, field

from router.simulate.readers.format import Format, Measure, Tokens
from router.simulate.requests import RecordedRequest


class _Line(Struct):
    at: Measure = field(name="Timestamp")
    input: Tokens = field(name="Request tokens")
    output: Tokens = field(name="Response tokens")
    elapsed: Measure | None = field(name="Elapsed time", default=None)


def _request(line: _Line, number: int) -> RecordedRequest:
    return RecordedRequest(
        line.at, input=line.input, output=line.output, seconds=line.elapsed or None, id=f"line {number}"
    )


BURSTGPT = Format("burstgpt", "BurstGPT", _Line, _request)
