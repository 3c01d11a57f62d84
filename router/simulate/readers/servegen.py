"""What ServeGen generates from production's distributions (CSV): seconds from the beginning, input and output tokens.

Two forms: `timestamp` as ServeGen writes it, with `request_id`, and `t_s` with the client whose request it is, as
`breakeven demo` has it; each client is a team. https://github.com/alibaba/ServeGen
"""

from __future__ import annotations

from msgspec import Struct

from router.simulate.readers.format import Format, Measure, Number, Text, Tokens
from router.simulate.requests import RecordedRequest


class _Line(Struct):
    request_id: Text
    timestamp: Measure
    input_tokens: Tokens
    output_tokens: Tokens


def _request(line: _Line, number: int) -> RecordedRequest:
    return RecordedRequest(line.timestamp, input=line.input_tokens, output=line.output_tokens, id=line.request_id)


class _OfClient(Struct):
    t_s: Measure
    client_id: Number
    input_tokens: Tokens
    output_tokens: Tokens


def _of_client(line: _OfClient, number: int) -> RecordedRequest:
    return RecordedRequest(
        line.t_s,
        input=line.input_tokens,
        output=line.output_tokens,
        team=f"client-{line.client_id}",
        id=f"line {number}",
    )


SERVEGEN = Format("servegen", "what ServeGen generates", _Line, _request)
SERVEGEN_CLIENTS = Format("servegen-clients", "the same with a client for each request", _OfClient, _of_client)
