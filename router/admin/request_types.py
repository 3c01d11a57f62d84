"""What requests to the API ask: query strings and bodies, decoded and checked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from router.config.stored_bounds import MOST_CHARACTERS, MOST_NAMES
from router.surfaces.registry import Endpoint

By = Annotated[str, Meta(pattern=r"^(backend|zone|model|team|key|tag|endpoint|user|metadata\.[A-Za-z0-9_-]{1,64})$")]
"""The last ones are counted from the request records."""
Moment = Annotated[datetime, Meta(tz=True)]
Word = Annotated[str, Meta(min_length=1, max_length=200)]
DAY_PATTERN = r"^(19[7-9]\d|[2-8]\d{3}|9[0-8]\d\d|99[0-8]\d|999[0-8])-\d\d-\d\d$"
DAY_IN_WORDS = "a day from 1970-01-01 to 9998-12-31, such as 2026-11-20"
Day = Annotated[str, Meta(pattern=DAY_PATTERN, max_length=10)]
"""Time zones have no others."""

# What a body holds is bounded, so that looking through it is cheap: every text, list and mapping of it.
Text = Annotated[str, Meta(max_length=MOST_CHARACTERS)]
LongText = Annotated[str, Meta(max_length=4_000_000)]
"""Read in a process of its own."""
Texts = Annotated[list[Text], Meta(max_length=MOST_NAMES)]
Headers = Annotated[dict[Text, Annotated[str, Meta(max_length=8_000)]], Meta(max_length=MOST_NAMES)]
Amount = None | bool | int | float | Text | Texts
Amounts = Annotated[dict[Text, Amount], Meta(max_length=MOST_NAMES)]
SidedAmounts = Annotated[dict[Text, Amount | Amounts], Meta(max_length=MOST_NAMES)]
BudgetSetting = Amount | Annotated[dict[Text, Amount | SidedAmounts], Meta(max_length=MOST_NAMES)]
GivenBudget = Annotated[dict[Text, BudgetSetting], Meta(max_length=MOST_NAMES)]
"""As under `budget` in a policy, which says more of what may stand where."""
RequestBody = Annotated[dict[str, Any], Meta(max_length=MOST_NAMES)]
"""Of a request to try, as long as it may be; read in a process of its own, or by the gateway."""


class GlanceQuery(Struct, frozen=True, forbid_unknown_fields=True):
    backend: str | None = None
    zone: str | None = None
    model: str | None = None
    team: tuple[str, ...] = ()
    """Several are one of them: `team=search&team=legal`."""
    key: str | None = None


class SpendQuery(GlanceQuery, frozen=True, forbid_unknown_fields=True):
    range: Literal["today", "7d", "30d", "90d", "month"] = "today"
    """Days up to today; `month` is the calendar month so far. Not looked at with `from`."""
    first: Day | None = field(default=None, name="from")
    last: Day | None = field(default=None, name="to")
    """Included; today when left out."""
    by: By = "backend"
    format: Literal["json", "csv"] = "json"


class RequestsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    before: str | None = None
    """From the answer before."""
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    backend: str | None = None
    zone: str | None = None
    model: str | None = None
    team: tuple[str, ...] = ()
    """Several are one of them: `team=search&team=legal`."""
    key: str | None = None
    level: str | None = None
    endpoint: str | None = None
    """As policies name it."""
    reason: str | None = None
    kind: Literal["settled", "unheld", "held", "lifted", "attempt", "withdrawn", "final", "refused"] | None = None
    failed: bool = False
    """Only those that failed or were refused."""
    id: Word | None = None
    """A request's id, or the ledger's own, or how it begins."""
    tag: Word | None = None
    user: Word | None = None
    """As records keep it, where the policy says that they do."""
    metadata: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}=.+$", max_length=200)] | None = None
    """The same of an entry of metadata, such as `project=apollo`."""
    status: Annotated[int, Meta(ge=100, le=599)] | None = None
    """The HTTP status that the client was given."""
    since: Moment | None = field(default=None, name="from")
    until: Moment | None = field(default=None, name="to")
    """Arrivals from the one and before the other: ISO 8601, with a time zone."""

    @property
    def searches(self) -> bool:
        """Whether it may have to look at many records to find one."""
        return self != RequestsQuery(before=self.before, limit=self.limit)


class PowerOrder(Struct, frozen=True, forbid_unknown_fields=True):
    backend: Text
    order: Literal["on", "off", "auto"]
    """`auto` leaves it to the policy again."""


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    token: Annotated[str, Meta(max_length=8_000)]


class SignInQuery(Struct, frozen=True, forbid_unknown_fields=True):
    next: str = ""
    """The page that was wanted."""


class Draft(Struct, frozen=True, forbid_unknown_fields=True):
    text: LongText
    """A whole policy, YAML."""


class MergeDraft(Struct, frozen=True, forbid_unknown_fields=True):
    base: LongText
    """The text that the draft was begun from."""
    text: LongText
    """The draft."""


class ApplyDraft(Struct, frozen=True, forbid_unknown_fields=True):
    text: LongText
    note: Annotated[str, Meta(max_length=500)] = ""
    """Why, for the history."""


class RollBack(Struct, frozen=True, forbid_unknown_fields=True):
    version: Text
    note: Annotated[str, Meta(max_length=500)] = ""
    losing: Texts = []
    """Fields that protect now and are missing in that version, where that is meant."""


class TriedMix(Struct, frozen=True, forbid_unknown_fields=True):
    """Shares of all tokens; what they leave to 1 is uncached input."""

    cached: Annotated[float, Meta(ge=0, le=1)] = 0.0
    output: Annotated[float, Meta(ge=0, le=1)] = 0.0


class ExplainDraft(Struct, frozen=True, forbid_unknown_fields=True):
    """A request to try, and what to assume; as the options of `breakeven explain`."""

    text: LongText | None = None
    """The policy in force when left out."""
    body: RequestBody | None = None
    """The request's body; made from `prompt` when left out."""
    prompt: LongText = "Hello"
    model: Text | None = None
    """For `prompt`; the policy's first when left out."""
    endpoint: Endpoint = "chat"
    headers: Headers = {}
    key: Text | None = None
    down: Texts = []
    full: Texts = []
    off: Texts = []
    tokens: Annotated[int, Meta(ge=0)] = 0
    """In the policy's window."""
    mix: TriedMix | None = None
    """Of these tokens; the policy's when left out."""
    previous: Literal["local", "cloud"] = "cloud"
    hour: Annotated[int, Meta(ge=0, le=23)] = 12
    ledger_lost: bool = False


class Attempt(Struct, frozen=True, forbid_unknown_fields=True):
    """A request to try with a key's rights."""

    key: Text
    """Its name."""
    model: Text = ""
    """For `prompt`."""
    prompt: Annotated[str, Meta(max_length=100_000)] = ""
    body: RequestBody | None = None
    """In the place of `prompt`: a whole body for the endpoint."""
    endpoint: Literal["chat", "completions", "responses", "messages"] = "chat"
    max_tokens: Annotated[int, Meta(ge=1, le=100_000)] = 500
    """For `prompt`: the longest answer."""
    side: Literal["", "own", "cloud"] = ""
    """Where alone it may be answered; empty for wherever the policy sends it."""
    sensitivity: Annotated[str, Meta(max_length=128)] = ""
    """A label of the client's, as the header `x-breakeven-sensitivity`."""


class WhatIfQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out is as it is now."""

    usd_per_hour: Annotated[float, Meta(ge=0, le=10_000)] | None = None
    """Rent of one unit."""
    volume: Annotated[float, Meta(ge=0, le=1000)] = 1.0
    """A factor on the traffic."""
    units: Annotated[int, Meta(ge=0, le=100)] | None = None
