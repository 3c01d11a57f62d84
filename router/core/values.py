"""The frozen values that layers hand to each other.

    Facts      what is known of one request            (gateway -> decide)
    Plan       a policy, compiled, with prices          (config -> decide, gateway, ledger)
    Snapshot   what backends and the ledger look like   (upstream, ledger -> decide)
    Decision   where the request may go, in order, and why  (decide -> forward, explain)
    Grounds    what it was decided on, as records keep it   (gateway -> ledger, simulate)
    Usage      tokens that an upstream reported          (surfaces -> ledger)
    Settlement what really happened to a hold           (gateway -> ledger); holds are in `core.limits.counters`

Those that every request makes anew are left out of garbage collection (`gc=False`): they hold values only, so they
cannot be part of a cycle.
Money is in integer nano-USD, but prices are not, see `money`; tokens are integers;
times are seconds since the epoch unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from router.core.cost.preference import Side
from router.core.cost.timeline import Timeline
from router.core.policy import Budget, Policy
from router.core.policy_fields import EndpointName, Modality
from router.core.sensitivity.media import NOTHING, Fetch
from router.core.sensitivity.own.patterns import NO_PATTERNS, OwnPatterns
from router.core.units import NO_UNITS, UnitRates, Units


class Rates(Struct, frozen=True):
    """Micro-USD per token (which is USD per million tokens), and per request."""

    input: float
    output: float
    cached_input: float
    cache_write: float
    request: float = 0.0
    cache_write_1h: float | None = None
    """Of what is written to be kept for an hour; as `cache_write` when there is none."""
    units: UnitRates | None = None
    """Of what is no text; None where all costs as text does, or nothing is known."""

    @property
    def longest_cache_write(self) -> float:
        return self.cache_write if self.cache_write_1h is None else self.cache_write_1h


class PriceTier(Struct, frozen=True):
    """Rates that hold for requests whose whole input has at least `from_input_tokens` tokens."""

    from_input_tokens: int
    rates: Rates


class Tariff(Struct, frozen=True):
    """What a route costs at one time."""

    tiers: tuple[PriceTier, ...]
    """By size of input, ascending, the first from 0; the variable cost for owned backends."""
    services: Mapping[str, tuple[PriceTier, ...]] = {}
    """The same by service tier, such as "flex", for those whose price is known; `tiers` are the standard's."""


class Usage(Struct, frozen=True, gc=False):
    """Tokens of one answer. `input` is all input, with `cached` and `cache_write` being parts of it."""

    input: int = 0
    cached: int = 0
    cache_write: int = 0
    output: int = 0
    estimated: bool = False
    """True when the upstream did not report it and it was counted here."""
    cache_write_1h: int = 0
    """The part of `cache_write` that is kept for an hour."""
    service: str = ""
    """The service tier that it was served in, such as "flex"; empty when nothing tells."""
    units: Units = NO_UNITS
    """What of it is no text, and what is no token."""

    @property
    def total(self) -> int:
        return self.input + self.output


class Route(Struct, frozen=True):
    """One backend as it serves one model."""

    backend: str
    zone: str
    owned: bool
    upstream_model: str
    endpoints: frozenset[EndpointName]
    modalities: frozenset[Modality]
    context: int | None
    quality: float | None
    prices: Timeline[Tariff]
    stream_usage: bool
    longest: int | None = None
    """The published context length, where `context` is not given: it bounds an answer, and refuses nothing."""
    ends_at_context: bool = False
    """An answer ends where the context does, so that a prompt and the limit of its answer need not fit in together."""
    counts_while_streaming: bool = False
    """It can tell the running usage with every event of a stream."""
    powered: bool = False
    """Its units are switched on and off by us: `power` is given."""
    wake_for: frozenset[str] | None = None
    """Levels whose requests switch it on when they can go nowhere else; None for all."""
    translated: frozenset[EndpointName] = frozenset()
    """Of `endpoints`, those that it does not speak: requests to them go through the adapter."""
    loses: Mapping[EndpointName, frozenset[str]] = {}
    """By endpoint, what would be lost of what a request may use, see `features`."""
    overlooks: Mapping[EndpointName, frozenset[str]] = {}
    """By endpoint, what it goes on without: it is asked only where nobody else has it."""
    as_asked: bool = False
    """A pattern takes the model: the client named what the backend is asked for, and not the policy."""
    guessed_price: bool = False
    """Nobody publishes a price of the model: `prices` are the dearest of its provider, and what is booked is an
    estimate."""


class ModelPlan(Struct, frozen=True):
    name: str
    routes: tuple[Route, ...]
    quality_floor: float
    eligible: bool
    """True when both an owned and a cloud backend serve it: most of its requests count towards the break-even."""
    max_output_tokens: int | None = None
    """Most output tokens of an answer when the client sets no limit."""


class Permits(Struct, frozen=True, cache_hash=True):
    """What a key permits, whoever has it: thousands of keys share one of these."""

    models: frozenset[str] | None = None
    """None for all."""
    zones: frozenset[str] | None = None
    """None for all."""
    level: str | None = None
    """Least level of its requests."""
    tags: tuple[str, ...] = ()
    """That all its requests carry."""


class KeyGrant(Struct, frozen=True, gc=False):
    """What one key allows, and to whom."""

    name: str
    team: str
    permits: Permits
    budget: Budget | None = None
    via: str = ""
    """How it was shown, if not by whoever has the key: "playground"."""


class GpuFigures(Struct, frozen=True):
    """The owned side's cost and capacity, summed over the owned backends."""

    fixed_usd_per_day: float
    variable_usd_per_million: float
    capacity_tokens_per_day: float | None


class Label(Struct, frozen=True, gc=False):
    """What a request says, or what was found in it."""

    level: str | None = None
    tags: tuple[str, ...] = ()
    source: str = ""
    """Where it comes from, for people: "header", "metadata", "key", "detector credit_card", "unreadable image"."""


class Plan(Struct, frozen=True):
    """A validated policy, compiled for lookups, with the prices from when it was loaded on."""

    version: str
    """First 12 hex digits of the SHA-256 of the file."""
    policy: Policy
    models: Mapping[str, ModelPlan]
    """By name and by every alias."""
    keys: Mapping[str, KeyGrant]
    """By SHA-256 (hex) of the key."""
    zones: frozenset[str]
    levels: tuple[str, ...]
    """From the least to the most restricted."""
    level_zones: tuple[frozenset[str], ...]
    """Zones of each level, in the order of `levels`."""
    default_labels: tuple[Label, ...]
    """Of a request that nothing labels; empty without a sensitivity section."""
    gpu: GpuFigures
    cloud_reference: Timeline[Rates | None]
    """Rates that the break-even compares with: of the cheapest cloud route of the eligible models."""
    published: tuple[str, ...] = ()
    """Names that patterns take, as far as price lists spell them out; there are more."""
    own_patterns: OwnPatterns = NO_PATTERNS
    """Those of the policy's detectors."""


class Facts(Struct, frozen=True, gc=False):
    endpoint: EndpointName
    model: str
    key: KeyGrant
    labels: tuple[Label, ...]
    input_tokens: int
    """Upper estimate, without a tokenizer."""
    max_output_tokens: int | None
    modalities: frozenset[Modality]
    quality_floor: float = 0.0
    """Asked for by the client."""
    answers: int = 1
    """Asked for, to all prompts; `max_output_tokens` is of all together."""
    fetch: Fetch = NOTHING
    """What the backend would fetch for it."""
    pinned: str = ""
    """The backend that keeps what it continues or names, which no other one has; empty for one that names nothing."""
    uses: tuple[str, ...] = ()
    """What not every backend keeps, see `features`."""

    @property
    def longest_answer(self) -> int:
        """Tokens that each may have; 0 when it says no limit."""
        return (self.max_output_tokens or 0) // self.answers


class BackendState(Struct, frozen=True, gc=False):
    """One backend now, over its replicas."""

    healthy: bool = True
    why: str = ""
    """For people, when not healthy: "circuit open for 12 s after 5 failures (connection refused)"."""
    full: bool = False
    load: str = ""
    """For people, when full: "8 waiting, KV cache 97 %"."""
    retry_after: float = 1.0
    """Seconds until asking again makes sense, when not healthy or full."""
    context: int | None = None
    """Context length that the backend reports."""
    off: str = ""
    """Why it takes no request since it is not switched on, for people; `retry_after` is the rest of its start then."""
    coming: bool = False
    """It is off, and is being switched on."""
    wakes: bool = True
    """It is off, and a request that can go nowhere else may switch it on."""
    rests: bool = False
    """It is off, and is not switched on for a while, since that failed."""
    models: frozenset[str] | None = None
    """What it lists, where the policy has it serve what it lists; None while that is not known."""


class Mixture(Struct, frozen=True, gc=False):
    """Eligible tokens seen in the window."""

    input: int = 0
    """Uncached input."""
    cached: int = 0
    output: int = 0

    @property
    def total(self) -> int:
        return self.input + self.cached + self.output


class Snapshot(Struct, frozen=True, gc=False):
    backends: Mapping[str, BackendState]
    """Backends that are missing count as healthy and free."""
    seen: Mixture = Mixture()
    """Eligible tokens in the policy's window."""
    previous: Side = Side.CLOUD
    """Side preferred by the last decision, for the hysteresis."""
    hour: int = 0
    """Hour of the day in the policy's time zone."""
    at: float = 0.0
    """Whose prices count, in seconds since the epoch; 0 for those with which the day of its load begins."""
    cloud_price: float | None = None
    """Micro-USD per token that the cloud charges for the traffic of the last day, each request at its own cheapest
    permitted route; None while that is not known."""
    untranslated: str = ""
    """Why nothing can be translated here ("no adapter is installed"); empty when it can."""
    cloud_blocked: str = ""
    """Why cloud backends may not be used now ("the ledger cannot be reached"); empty when they may."""


class Step(StrEnum):
    """The filters, in their order. Only the last one orders; the others only remove."""

    SCOPE = "key scope"
    EGRESS = "egress gate"
    MEDIA = "media"
    CAPABILITY = "capability"
    POWER = "power"
    HEALTH = "health"
    CAPACITY = "capacity"
    COST = "cost order"


class Candidate(Struct, frozen=True, gc=False):
    route: Route
    reason: str
    """Short code for the response header, such as `threshold-below`."""
    explanation: str
    """One sentence for people."""


class Removal(Struct, frozen=True, gc=False):
    backend: str
    step: Step
    explanation: str


class Refusal(Struct, frozen=True, gc=False):
    status: int
    code: str
    message: str
    retry_after: float | None = None
    note: str = ""
    """What is written down instead of the message, where that repeats what the client said."""


class Alternatives(Struct, frozen=True, gc=False):
    """Where one request may go and can be served, whatever is healthy, free or switched on now."""

    own: tuple[Route, ...] = ()
    cloud: tuple[Route, ...] = ()
    eligible: bool = False
    """Both sides could serve it: it counts towards the break-even."""
    captive: bool = False
    """It may not leave, though there is a cloud that it could have gone to."""


_NO_ALTERNATIVES = Alternatives()


class Decision(Struct, frozen=True, gc=False):
    """Where a request may go.

    Exactly one of `candidates`, `waiting` and `refusal` is filled: go there in this order; wait for one of
    these to have room; or give up. `permitted` is what the egress gate allowed, whatever came after it.
    """

    model: str
    """The policy's name of the model, aliases resolved; of an unknown one a digest, see `unknown_names`."""
    level: str
    """Empty when the policy has no sensitivity section."""
    tags: tuple[str, ...]
    permitted: frozenset[str]
    candidates: tuple[Candidate, ...] = ()
    waiting: tuple[Candidate, ...] = ()
    refusal: Refusal | None = None
    removed: tuple[Removal, ...] = ()
    labels: tuple[Label, ...] = ()
    """Every label that was considered, for the explanation."""
    side: Side = Side.CLOUD
    """Side preferred by cost, to be handed back as `Snapshot.previous`."""
    rule: str = ""
    """Name of the rule that applied."""
    until_on: bool = False
    """`waiting` is for backends that are off, not for room."""
    wakes: str = ""
    """The backend that is to be on for it, one of `waiting`, or one that rests; empty where it may switch none on."""
    alternatives: Alternatives = _NO_ALTERNATIVES
    """What its tokens are worth, see `core.cost.alternatives`; of a refusal nothing."""
    order: tuple[str, ...] = ()
    """Backends of `candidates` or of `waiting`, as they were decided on: limits take none away here."""
    listed: tuple[str, ...] = ()
    """Backends that list the model, where a pattern of the policy's takes it."""


class Grounds(Struct, frozen=True, gc=False):
    """What one request was decided on, and how: all that is needed to decide it once more, see `core.decision.grounds`.

    Names and figures of the policy, never a word of the request. A request's model, level, tags and key are elsewhere
    in its record.
    """

    policy: str = ""
    """Version of the policy; empty where nothing is known of the grounds."""
    estimated_input: int = 0
    """Tokens."""
    max_output_tokens: int | None = None
    """Asked for, of all answers together."""
    seen_input: int = 0
    """Uncached eligible tokens in the policy's window."""
    seen_cached: int = 0
    seen_output: int = 0
    cloud_price: float | None = None
    """Micro-USD per token."""
    previous: str = ""
    """Side preferred by the decision before."""
    states: tuple[str, ...] = ()
    """Of backends that were not just healthy and free."""
    side: str = ""
    """That cost preferred."""
    candidates: tuple[str, ...] = ()
    """Backends in order, to be tried or to be waited for; none for a refusal."""
    rule: str = ""
    """Names of the rules that applied."""
    decided: str = ""
    """The decision's reason, or its refusal's code, where the record's own reason is another one."""
    waits: bool = False
    """`candidates` are to be waited for."""
    modalities: tuple[str, ...] = ()
    """Sorted; none where it is text alone."""
    quality_floor: float = 0.0
    answers: int = 1
    fetch: str = ""
    pinned: str = ""
    uses: tuple[str, ...] = ()
    key_zones: tuple[str, ...] = ()
    """That its key may reach, sorted; none for all."""
    listed: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    """What nothing could be sent for: "cloud", "translation"."""


NO_GROUNDS = Grounds()


class Cell(Struct, frozen=True, gc=False):
    """The dimensions that the ledger counts by."""

    backend: str
    zone: str
    model: str
    team: str
    key: str


class RequestOutcome(Struct, frozen=True, gc=False):
    """How one request went, for its record; never anything that it said. Times are microseconds since its arrival."""

    request: str = ""
    """The `x-request-id` that the client was given."""
    level: str = ""
    tags: tuple[str, ...] = ()
    reason: str = ""
    """Short code, as in the response header."""
    status: int = 0
    """HTTP status that the client was given; 0 when it left before."""
    stream: bool = False
    attempts: int = 0
    """Attempts at backends, the last one included."""
    sent: int = 0
    """When the last attempt was sent: what the gateway itself took, with waiting for room and failed attempts."""
    first_byte: int = 0
    """When the answer's first byte could go to the client; 0 when there was none."""
    duration: int = 0
    """When the answer ended."""
    detail: str = ""
    """Why it failed or was refused, for people."""
    endpoint: str = ""
    """What it came to: a surface, or a kind of kept objects, by its name."""
    grounds: Grounds = NO_GROUNDS
    """What it was decided on."""
    dimensions: tuple[str, ...] = ()
    """What it said of whom or what it is for, such as "user=u-17": what the policy names of it, see
    `core.dimensions`."""
    via: str = ""
    """"playground" for a request that was tried on the control plane's page."""


_NO_COURSE = RequestOutcome()


class Settlement(Struct, frozen=True, gc=False):
    """What really happened to one hold."""

    id: str
    cell: Cell
    at: float
    """The hold's `at`: a request counts on the day it arrived."""
    usage: Usage
    cost: int
    """Nano-USD; 0 for tokens of an owned backend without variable cost."""
    counterfactual: int
    """Nano-USD that the other side would have charged; 0 where it may not or cannot go there."""
    error: bool
    eligible: bool
    course: RequestOutcome = _NO_COURSE
    local: bool = False
    """Whether an own backend answered, or would have."""
    requests: int = 1
    """0 for an attempt that failed and may have been billed: its request is settled by itself."""
    counted: tuple[int, ...] = ()
    """The hold's `counted`. Records do not have it."""
    captive: bool = False
    """It could not leave."""


class Row(Struct, frozen=True):
    """Totals of one cell over some time, as the ledger reports them."""

    cell: Cell
    requests: int = 0
    errors: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    cost: int = 0
    counterfactual: int = 0
    estimated: int = 0
    """Requests whose tokens were estimated."""
    unsettled: int = 0
    """Requests charged as held because nobody settled them."""
    unheld: int = 0
    """Requests that went on without a hold, because the ledger was lost."""
    eligible_tokens: int = 0
    """Of requests that both sides could have served."""
    cloud_value: int = 0
    """Nano-USD that the cloud charged or would have charged for these."""
    captive: int = 0
    """Requests that could not leave."""
    captive_tokens: int = 0
    captive_cost: int = 0
    """The part of `cost` that is theirs."""

    @property
    def own_tokens(self) -> int:
        """That own backends could have served: those of both sides, and those that could not leave."""
        return self.eligible_tokens + self.captive_tokens
