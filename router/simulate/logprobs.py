"""Log probabilities, all alike: no model was run."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from router.simulate.asked import Json

_LOGPROB = -0.1


def chat_logprobs(pieces: Sequence[str]) -> list[Json]:
    return [{"token": p, "logprob": _LOGPROB, "bytes": list(p.encode()), "top_logprobs": []} for p in pieces]


def completion_logprobs(pieces: Sequence[str]) -> Json:
    offsets = [0, *accumulate(map(len, pieces))][: len(pieces)]
    return {
        "text_offset": offsets,
        "token_logprobs": [_LOGPROB] * len(pieces),
        "tokens": list(pieces),
        "top_logprobs": [{piece: _LOGPROB} for piece in pieces],
    }
