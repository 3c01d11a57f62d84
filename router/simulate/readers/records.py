"""What `breakeven export` writes: JSON lines, CSV or Parquet, in any order of columns.

A request is what was settled, with a hold or without one, and what was refused. Attempts belong to a request that is
there by itself; a charge that nobody settled says nothing of what it was; what was asked of kept objects is no request
for a model. Records of before the columns of grounds are requests, too: what those would tell is not known of them.
An answer that came as a whole says nothing of when it began, only when it was there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from msgspec import Struct, field

from router.core.cost.preference import Side
from router.core.decision.replay import read_note
from router.core.policy_fields import Modality
from router.core.values import Grounds
from router.simulate.readers.format import (
    MOST_TOKENS,
    Amount,
    Asked,
    Count,
    Flag,
    Format,
    Measure,
    Number,
    SignedTokens,
    Text,
    Texts,
    Time,
    Tokens,
)
from router.simulate.readers.malformed import Wrong
from router.simulate.readers.times import seconds
from router.simulate.requests import RecordedRequest

_REQUESTS = ("settled", "unheld", "refused")
COUNTED: Mapping[str, int] = {
    "settled": 1, "unheld": 1, "held": 1, "lifted": -1, "attempt": 0, "withdrawn": -1, "final": 1, "refused": 0,
}  # fmt: skip
"""How many requests a line of each kind is, as its column `requests` says."""
_KEPT = "/v1/"
"""What is asked of kept objects has its path for a model."""
_TEXT: frozenset[Modality] = frozenset(("text",))
_SIDES = {"": None, "local": Side.LOCAL, "cloud": Side.CLOUD}


class _Line(Struct):
    time: Time
    kind: Text
    request_id: Text
    model: Text
    endpoint: Text = ""
    key: Text = ""
    team: Text = ""
    backend: Text = ""
    sensitivity: Text = ""
    tags: Texts = ()
    reason: Text = ""
    stream: Flag = False
    # Charges that were taken back count negatively.
    input_tokens: SignedTokens = 0
    cached_tokens: SignedTokens = 0
    output_tokens: SignedTokens = 0
    sent_us: Number = 0
    first_byte_us: Number = 0
    duration_us: Number = 0
    policy: Text = field(name="policy_version", default="")
    estimated_input: Tokens = field(name="estimated_input_tokens", default=0)
    max_output_tokens: Asked | None = None
    # Of all requests in a window.
    seen_input: Number = field(name="seen_input_tokens", default=0)
    seen_cached: Number = field(name="seen_cached_tokens", default=0)
    seen_output: Number = field(name="seen_output_tokens", default=0)
    cloud_price: Measure | None = field(name="cloud_price_micro_usd_per_token", default=None)
    previous: Text = field(name="previous_side", default="")
    states: Texts = ()
    side: Text = ""
    candidates: Texts = ()
    rule: Text = ""
    decided: Text = ""
    waits: Flag = False
    modalities: Texts = ()
    quality_floor: Measure = 0.0
    answers: Number = 1
    fetch: Text = ""
    pinned: Text = ""
    uses: Texts = ()
    key_zones: Texts = ()
    listed: Texts = ()
    blocked: Texts = ()
    # Of these nothing is played, but what they hold tells whether the file is what it seems.
    requests: Count | None = None
    eligible: Flag | None = None
    captive: Flag | None = None
    local: Flag | None = None
    error: Flag | None = None
    estimated: Flag | None = None
    status: Number = 0
    attempts: Number = 0
    cost: Amount = field(name="cost_micro_usd", default=0.0)
    cost_usd: Amount = 0.0
    counterfactual: Amount = field(name="counterfactual_micro_usd", default=0.0)
    counterfactual_usd: Amount = 0.0

    def __post_init__(self) -> None:
        """A client may ask for any number of tokens, and is answered: the file is right all the same."""
        if self.max_output_tokens is not None:
            self.max_output_tokens = min(self.max_output_tokens, MOST_TOKENS)


_GROUNDS = Grounds.__struct_fields__


def _request(line: _Line, number: int) -> RecordedRequest | None:
    if line.kind not in COUNTED:
        raise Wrong("kind", line.kind, f"a kind of record that is known here: one of {', '.join(COUNTED)}")
    if line.requests not in (None, COUNTED[line.kind]):
        raise Wrong("requests", line.requests, f"how many requests a line of kind {line.kind} is: {COUNTED[line.kind]}")
    if line.kind not in _REQUESTS or line.model.startswith(_KEPT):
        return None
    if line.previous not in _SIDES:
        raise Wrong("previous_side", line.previous, "a side: local or cloud")
    try:
        states = dict(map(read_note, line.states))
    except ValueError:
        raise Wrong("states", line.states, "a list of notes such as 'gpu full'") from None
    known = bool(line.policy)
    answered = bool(line.backend) and line.kind != "refused"
    return RecordedRequest(
        at=seconds(line.time, "time"),
        model=line.model,
        endpoint=line.endpoint or "chat",
        input=line.input_tokens,
        output=line.output_tokens,
        cached=line.cached_tokens,
        estimated_input=line.estimated_input,
        limit=line.max_output_tokens,
        modalities=frozenset(cast(tuple[Modality, ...], line.modalities)) or _TEXT,
        level=line.sensitivity,
        tags=line.tags,
        key=line.key,
        team=line.team,
        quality=line.quality_floor,
        stream=line.stream,
        id=line.request_id,
        decided=line.backend if answered else None,
        own=bool(line.eligible or line.captive) or line.eligible is None,
        reason=line.reason,
        rule=line.rule,
        policy=line.policy,
        previous=_SIDES[line.previous],
        first_byte=line.first_byte_us / 1e6 if line.stream and line.first_byte_us else None,
        seconds=line.duration_us / 1e6 if line.duration_us else None,
        sent=line.sent_us / 1e6 if line.sent_us else None,
        states=states if known else None,
        grounds=Grounds(*[getattr(line, name) for name in _GROUNDS]) if known else None,
    )


RECORDS = Format("records", "what `breakeven export` writes", _Line, _request, once="reservation_id")
