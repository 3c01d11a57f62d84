"""The policy file, version 1, as frozen types.

These models are the single description of the file: `config.load` decodes YAML into them, `breakeven
schema` prints their JSON Schema, and `config.compile` turns them into the tables that decisions use.
References between sections (a backend naming a zone, say) are checked by `config.cross_references`.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    create_model,
    field_validator,
    model_validator,
)

from router.core.cost.strategies import STRATEGIES
from router.core.limits.measures import MEASURES
from router.core.money import GREATEST_USD
from router.core.sensitivity.finders import FINDERS

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_YEAR_SECONDS = 8784 * 3600.0
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_LAST_PORT = 65_535
_AUTHORITY = re.compile(r"https?://(?:\[(?P<inner>[^\]]*)\]|[\w.-]+)(?::(?P<port>\d{1,5}))?(?:/|$)")
_HOURS = re.compile(r"([01]\d|2[0-3])-([01]\d|2[0-4])")


def parse_duration(value: Any) -> float:
    """Seconds from "250ms", "2s", "15m" or "1h".

    Raises ValueError for anything else: a bare number does not say its unit; and for more than a year.
    """
    if isinstance(value, timedelta):
        return value.total_seconds()
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a duration is a number and a unit, such as 250ms, 2s, 15m or 1h")
    seconds = float(match[1]) * _UNIT_SECONDS[match[2]]
    if seconds > _YEAR_SECONDS:
        raise ValueError("a duration is at most 8784h, which is a year")
    return seconds


def _check_some_time(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("no time at all would end everything before it begins: must be above 0s, such as 2s")
    return seconds


def _check_port(url: str) -> str:
    found = _AUTHORITY.match(url)
    if found is None or not 0 < int(found["port"] or 80) <= _LAST_PORT or not _is_address(found["inner"]):
        raise ValueError("must be an address such as http://127.0.0.1:8000/v1, with a port from 1 to 65535 if any")
    return url


def _is_address(text: str | None) -> bool:
    """Whether what stands in brackets, if anything does, is an IPv6 address."""
    try:
        return text is None or ip_address(text).version == 6
    except ValueError:
        return False


def _check_hours(value: str) -> str:
    if not _HOURS.fullmatch(value):
        raise ValueError('hours are two-digit hours "from-to" such as "00-06" or "22-04" (the end is excluded)')
    return value


def _check_timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone is an IANA name such as UTC or Europe/Berlin") from None
    return value


def _check_secret(value: str) -> str:
    """Secrets are references; the value is left out of the message on purpose: it may be a secret."""
    kind, _, target = value.partition(":")
    if kind not in ("env", "file") or not target:
        raise ValueError("a secret is given as env:NAME or file:PATH, never in the policy itself")
    return value


Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\s|\x00-\x1f\x7f]+$")]
UpstreamName = Annotated[str, Field(min_length=1)]
Names = Annotated[tuple[Name, ...], Field(strict=False)]
Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s|m|h)$", "examples": ["2s"]}),
]
TimeLimit = Annotated[Duration, AfterValidator(_check_some_time)]
"""A duration within which something has to happen."""
Secret = Annotated[str, AfterValidator(_check_secret)]

# Every number has an upper bound, far beyond sense: the longest request at the dearest price stays below GREATEST_USD.
Fraction = Annotated[float, Field(ge=0, le=1)]
Usd = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Rate = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]
"""USD per million tokens, or per request."""
UsdLimit = Annotated[float, Field(ge=0, le=GREATEST_USD, allow_inf_nan=False)]
CountLimit = Annotated[int, Field(ge=0, le=1_000_000_000_000_000)]
Volume = Annotated[int, Field(gt=0, le=1_000_000_000_000_000)]
"""Tokens of a day."""
Length = Annotated[int, Field(gt=0, le=100_000_000)]
"""Tokens of one request."""
Count = Annotated[int, Field(gt=0, le=1_000_000)]
Room = Annotated[int, Field(ge=0, le=1_000_000)]
Bytes = Annotated[int, Field(gt=0, le=1_000_000_000_000)]
Hours = Annotated[str, AfterValidator(_check_hours)]
TimezoneName = Annotated[str, AfterValidator(_check_timezone)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"), AfterValidator(_check_port)]
Host = Annotated[
    str, Field(pattern=r"^((\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$")
]
Hosts = Annotated[tuple[Host, ...], Field(strict=False, min_length=1)]
SecretName = Annotated[str, Field(min_length=1)]

MediaHost = Annotated[str, Field(pattern=r"^(\*\.)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:\d{1,5})?$", max_length=255)]

TierName = Annotated[str, Field(pattern=r"^[a-z0-9_.-]+$", max_length=32)]
Multiple = Annotated[float, Field(ge=0, le=4, allow_inf_nan=False)]
STANDARD_TIERS = frozenset({"auto", "default", "standard", "on_demand"})
"""What providers call the service tier that their price list speaks of. `auto` leaves the choice to the provider."""

Endpoint = str
"""The name of a surface, such as "chat". Which ones there are is known above core; `config` checks them."""
Modality = Literal["text", "image", "audio", "file", "video"]
Window = Literal["today", "trailing_24h", "yesterday"]

# What is registered is what a policy may name: the schema and its messages list it.
if TYPE_CHECKING:
    StrategyName = str
    DetectorName = str
else:
    StrategyName = Literal[*STRATEGIES]
    DetectorName = Literal[*FINDERS]


class Section(BaseModel):
    """Base of every section: unknown keys are refused and values cannot change."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class Zone(Section):
    owned: bool = False
    """True for zones that are the organisation's own; all others are the cloud."""
    proxy: Url | None = None
    """HTTP proxy through which this zone's backends are reached, by CONNECT. Without it no proxy is used, whatever the
    environment says; an owned zone has none."""

    @model_validator(mode="after")
    def _no_proxy_at_home(self) -> Self:
        if self.owned and self.proxy is not None:
            raise ValueError("an owned zone has no proxy: what may not leave would pass through it")
        return self


class Price(Section):
    """USD per million tokens, and per request."""

    input: Rate
    """USD per million input tokens."""
    output: Rate
    """USD per million output tokens."""
    cached_input: Rate | None = None
    """Input read from the provider's cache; the input price when left out."""
    cache_write: Rate | None = None
    """Input written to the provider's cache; the input price when left out."""
    cache_write_1h: Rate | None = None
    """Input that the provider's cache keeps for an hour; the price of `cache_write` when left out."""
    request: Rate = 0.0
    """USD per request, on top of the tokens."""


class Served(Section):
    """What one backend serves under one model name of this policy."""

    model: UpstreamName
    """The name that the upstream knows."""
    endpoints: tuple[Endpoint, ...] | None = Field(default=None, strict=False)
    """Endpoints that work; those of the backend's kind when left out."""
    context: Length | None = None
    """Context length in tokens; a vllm backend is asked for it when left out."""
    modalities: tuple[Modality, ...] | None = Field(default=None, strict=False)
    """What it takes; as the backend's kind does when left out."""
    quality: Fraction | None = None
    """Overrides the backend's quality."""
    price: Price | None = None
    """Overrides the published price."""
    service_tiers: dict[TierName, Multiple] = Field(default={}, max_length=16)
    """What tokens cost in other service tiers, as multiples of the price: `{flex: 0.5, priority: 2}`. Overrides the
    published prices of these tiers; of those that neither names, the standard price is booked, as an estimate."""

    @field_validator("service_tiers")
    @classmethod
    def _standard_is_the_price(cls, tiers: dict[str, float]) -> dict[str, float]:
        for name in STANDARD_TIERS & tiers.keys():
            raise ValueError(f'"{name}" is the tier that the price is of: leave it out, or change the price')
        return tiers


class GpuCost(Section):
    """What an owned backend costs."""

    usd_per_hour: Usd
    """Rent of all its GPUs together, paid while it is on."""
    ops_usd_per_day: Usd = 0.0
    """Share of the people who run it."""
    usd_per_million_tokens: Usd = 0.0
    """Variable cost, such as power."""


class Capacity(Section):
    max_waiting: Room = 8
    """Full when this many requests wait in a replica's own queue."""
    max_kv_cache: Fraction = 0.95
    """Full when a replica's KV cache is used to this share."""
    max_running: Count | None = None
    """Full when this many requests run on a replica; unlimited when left out. A bound that is never passed, of each
    worker by itself: with N workers at most N times as many run."""
    tokens_per_second: float | None = Field(default=None, gt=0, le=1_000_000_000, allow_inf_nan=False)
    """What the backend can serve when busy (input and output together); bounds the break-even."""
    queue: Room = 64
    """Requests that may wait for this backend in the gateway, per worker, when they can go nowhere else. They are
    served in the order in which they came, and before those that come later."""
    queue_timeout: Duration = 30.0
    """How long they wait before they get 503."""


class _Backend(Section):
    """Base of every kind of backend: what a kind says of itself, all others ask it.

    A kind also has `provider_of(model)`: who answers for an upstream model, in telemetry's words; for None, which
    stands for one that the policy serves no more, too.
    """

    default_endpoints: ClassVar[frozenset[Endpoint] | None] = None
    """Served by its models, unless the policy says otherwise; None for all that there are."""
    default_modalities: ClassVar[frozenset[Modality]] = frozenset(get_args(Modality))
    ends_at_context: ClassVar[bool] = False
    """An answer ends where the context does, so that a prompt and the limit of its answer need not fit in together."""
    counts_while_streaming: ClassVar[bool] = False
    """It can tell the running usage with every event of a stream."""

    zone: Name
    """Where it is: one of `zones`."""
    serves: dict[Name, UpstreamName | Served] = Field(min_length=1)
    """Model names of this policy, and what the upstream calls them."""
    quality: Fraction | None = None
    """Quality score, 0 to 1, on whatever scale the organisation uses throughout."""
    cost: GpuCost | None = None
    """Fixed cost, for owned backends."""
    api_key: Secret | None = None
    """Credential that is sent to it: env:NAME or file:PATH."""
    capacity: Capacity = Capacity()
    """When it counts as full."""
    connect_timeout: TimeLimit = 2.0
    """Until the connection (and TLS) stands."""
    first_byte_timeout: TimeLimit = 20.0
    """Until a stream's first event, or the next backend's turn; for other answers, without a sign of life."""
    answer_timeout: TimeLimit = 600.0
    """Until an answer that is no stream, or the next backend's turn, while there are signs of life."""
    idle_timeout: TimeLimit = 120.0
    """Longest pause between two events of a stream; comments and single bytes are none."""
    stream_timeout: TimeLimit = 3600.0
    """Longest stream, from its request to its end."""
    stream_usage: bool = True
    """Ask for token usage in streams; set false for providers that refuse a request that does."""

    def fingerprint(self) -> str:
        """Differs from that of any other backend: two that share a name in two policies may be two machines."""
        return sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()[:16]

    def replicas(self) -> tuple[str, ...]:
        """Base URLs that the gateway itself connects to."""
        return ()

    def addresses(self) -> tuple[str, ...]:
        """Base URLs that the policy gives, whoever connects to them."""
        return self.replicas()

    def priced_as(self, model: str) -> tuple[str, str]:
        """Provider and name by which price lists may know an upstream model; no provider where nobody publishes it."""
        return "", model


class _WithUrls(_Backend):
    url: Url | None = None
    """Base URL, with the version path: http://127.0.0.1:8000/v1"""
    urls: tuple[Url, ...] = Field(default=(), strict=False)
    """Several replicas instead of one url; the least loaded is used first."""

    @model_validator(mode="after")
    def _one_of_url_and_urls(self) -> Self:
        if (self.url is None) == (not self.urls):
            raise ValueError("give either url or urls")
        return self

    def replicas(self) -> tuple[str, ...]:
        return self.urls if self.url is None else (self.url,)


class VllmBackend(_WithUrls):
    default_endpoints = frozenset({"chat", "completions"})
    default_modalities = frozenset({"text"})
    ends_at_context = True
    counts_while_streaming = True

    kind: Literal["vllm"]
    """A vLLM server, probed for health and load: chat and completions, of text."""

    def provider_of(self, model: str | None) -> str:
        return self.kind


class OpenAIBackend(_WithUrls):
    kind: Literal["openai"]
    """Any API that speaks OpenAI's dialect, never probed: all endpoints and modalities."""
    provider: str = "openai"
    """Provider id in the published price list."""

    def priced_as(self, model: str) -> tuple[str, str]:
        return self.provider, model

    def provider_of(self, model: str | None) -> str:
        return self.provider


class LitellmBackend(_Backend):
    default_endpoints = frozenset({"chat", "embeddings"})

    kind: Literal["litellm"]
    """Any other provider, through the adapter: chat and embeddings, all modalities."""
    api_base: Url | None = None
    """Replaces the provider's own address."""
    hosts: tuple[Host, ...] = Field(default=(), strict=False)
    """Hosts that its requests may go to, where they are not known from provider or api_base: name, or name:port."""

    def addresses(self) -> tuple[str, ...]:
        return () if self.api_base is None else (self.api_base,)

    def priced_as(self, model: str) -> tuple[str, str]:
        provider, _, name = model.rpartition("/") if "/" not in model else model.partition("/")
        return provider, name

    def provider_of(self, model: str | None) -> str:
        return self.kind if model is None else model.partition("/")[0]


Backend = Annotated[VllmBackend | OpenAIBackend | LitellmBackend, Field(discriminator="kind")]
"""Of one of the kinds: what is named here is what a policy may say."""


class Model(Section):
    backends: Names = Field(min_length=1)
    """Backends that may serve it, in order of preference where nothing else decides."""
    aliases: Names = ()
    """Other names that clients may use for it."""
    quality_floor: Fraction = 0.0
    """Least quality a backend must have."""
    max_output_tokens: Length | None = None
    """Most output tokens of an answer when the client sets no limit; a budget holds that much."""


class Detector(Section):
    find: tuple[DetectorName, ...] = Field(min_length=1, strict=False)
    """What is looked for."""
    raise_to: Name | None = None
    """The request's level becomes at least this one."""
    tag: Name | None = None
    """The request gets this tag."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.raise_to is None and self.tag is None:
            raise ValueError("a detector needs raise_to, tag or both")
        return self


class Sensitivity(Section):
    levels: dict[Name, Names] = Field(min_length=1)
    """Levels from the least to the most restricted, each with the zones that may see it."""
    default: Name | None = None
    """Level of a request that nothing labels; the most restricted one when left out."""
    tags: dict[Name, Names] = Field(default={})
    """Tags with the zones that may see them; a request's zones are the intersection of all."""
    detectors: tuple[Detector, ...] = Field(default=(), strict=False)
    """What is looked for in every string of a request."""
    unreadable: Name | None = None
    """Level of a request that detectors cannot read throughout (images, token ids); the most restricted if left out."""


class CostOverride(Section):
    strategy: StrategyName | None = None
    """Replaces the policy's strategy."""
    threshold_tokens_per_day: Volume | None = None
    """Replaces the policy's threshold."""


class When(Section):
    """All given conditions must hold."""

    tag: Name | None = None
    """The request has this tag."""
    level: Name | None = None
    """The request has this level; zones are narrowed for more restricted ones too."""
    model: Name | None = None
    """The request is for this model."""
    team: Name | None = None
    """The key belongs to this team."""
    key: Name | None = None
    """The request carries this key."""
    endpoint: Endpoint | None = None
    """The request came to this endpoint."""
    hours: Hours | None = None
    """Hours of the day in the policy's time zone."""


class Rule(Section):
    name: str = Field(min_length=1)
    """Shown in explanations."""
    when: When
    """Conditions; all of them must hold."""
    cost: CostOverride | None = None
    """Another cost strategy."""
    quality_floor: Fraction | None = None
    """Raises the least quality a backend must have."""
    zones: Names | None = None
    """Narrows the permitted zones; it can never widen them."""


class Mix(Section):
    """Shares of a request's tokens, assumed until enough were seen."""

    input: Fraction = 0.75
    """Uncached input."""
    cached: Fraction = 0.0
    """Input from the provider's cache."""
    output: Fraction = 0.25
    """Output."""

    @model_validator(mode="after")
    def _sums_to_one(self) -> Self:
        if abs(self.input + self.cached + self.output - 1) > 1e-6:
            raise ValueError("input, cached and output must add up to 1")
        return self


class Cost(Section):
    strategy: StrategyName = "threshold"
    """How the order of backends is chosen."""
    threshold_tokens_per_day: Volume = 500_000
    """Below this volume the cloud is preferred, from it on the own GPUs."""
    window: Window = "trailing_24h"
    """Over which time the volume is counted."""
    hysteresis: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """After a switch to local, the volume must fall this share below the threshold to switch back."""
    timezone: TimezoneName = "UTC"
    """Where days begin and end."""
    mix: Mix = Mix()
    """Token mix assumed before there is traffic."""


class Health(Section):
    probe_interval: TimeLimit = 2.0
    """Pause between two probes of a vllm replica."""
    probe_timeout: TimeLimit = 2.0
    """Longest wait for a probe's answer."""
    failures_to_open: Count = 5
    """Consecutive failures that open a backend's circuit."""
    cooldown: Duration = 15.0
    """How long an open circuit rests before one trial request."""
    successes_to_close: Count = 1
    """Trial requests that must succeed to close it again."""


class Retry(Section):
    attempts: int = Field(default=3, ge=1, le=10)
    """Attempts per request, over all backends."""
    budget: Fraction = 0.2
    """Retries as a share of requests."""
    deadline: TimeLimit = 600.0
    """From the request's arrival to the first byte for the client, over all attempts; nothing prolongs it."""
    backoff: Duration = 0.05
    """First wait before the same backend is tried again; it doubles, with jitter."""
    max_backoff: Duration = 2.0
    """Longest wait before the same backend is tried again."""
    max_rest: Duration = 20.0
    """Longest that a request waits in all for backends that refuse it for a rate limit, where no other may take it."""


class Ledger(Section):
    on_loss: Literal["refuse", "allow"] = "refuse"
    """Whether cloud backends may be used while the ledger cannot be reached."""
    timeout: TimeLimit = 1.0
    """Longest wait for the ledger before it counts as lost."""
    lease: TimeLimit = 900.0
    """A reservation not settled for this long is charged as held."""
    retain_days: Annotated[int, Field(gt=0, le=36_600)] = 400
    """Days that totals are kept."""
    retain_requests: Annotated[int, Field(ge=0, le=1_000_000_000)] = 200_000
    """Request records that are kept; the oldest go."""
    holds: Literal["learned", "worst_case"] = "learned"
    """What a budget holds for a running request: what 99 in 100 answers of its model take, or the most it can take."""


class Media(Section):
    """Hosts that requests may name for images, recordings and files, as `host`, `host:port` or `*.domain`."""

    allow_hosts: Annotated[tuple[MediaHost, ...], Field(strict=False)] | None = None
    """The only ones; every public host, by https, when left out. An inner one (10.0.0.5) counts as one's own."""
    own_hosts: tuple[MediaHost, ...] = Field(default=(), strict=False)
    """Hosts of one's own network: any request may name them, by http too."""


class Server(Section):
    cors_origins: tuple[str, ...] = Field(default=(), strict=False)
    """Origins whose pages may call the gateway; "*" for all. Off when empty."""
    max_body_bytes: Bytes = 50_000_000
    """Largest request, inflated."""
    max_held_bytes: Bytes = 1_000_000_000
    """Bytes of requests that one worker keeps at the same time; more are answered with 503."""
    max_answer_bytes: Bytes = 32_000_000
    """Largest answer that is no stream; a larger one is answered with 502, unless another backend has a smaller one."""
    max_connections: Count = 10_000
    """Connections of one worker; what it may open as files counts too."""
    max_connections_per_address: Count = 5_000
    """Connections of one worker from one address, or from one /64 in IPv6."""
    header_timeout: TimeLimit = 20.0
    """Time for a request's head, from its first byte to its last."""
    body_timeout: TimeLimit = 300.0
    """Time for a request's body, from its first byte to its last."""
    stored_keys: bool = False
    """Keys may also live in the ledger (`breakeven key new --store`); nobody gets in without a key then."""


if TYPE_CHECKING:
    _Amounts = Section
else:
    _Amounts = create_model(
        "_Amounts",
        __base__=Section,
        **{
            setting.name: (
                (UsdLimit if measure.basis == "money" else CountLimit) | None,
                Field(default=None, description=setting.meaning),
            )
            for measure in MEASURES
            for setting in measure.settings
        },
    )


class Amounts(_Amounts):
    """What may be used at most. What is left out is not limited; 0 allows nothing."""


class SidedAmounts(Amounts):
    """Amounts for both sides together, and for each side alone."""

    local: Amounts | None = None
    """Limits of what own backends serve."""
    cloud: Amounts | None = None
    """Limits of what all other backends serve."""


class Budget(SidedAmounts):
    models: dict[Name, SidedAmounts] = Field(default={})
    """Limits of single models, on top of the others."""
    soft: Fraction = 0.8
    """Share of a limit from which answers carry a warning."""
    on_budget_exhausted: Literal["refuse", "local_only"] = "refuse"
    """Whether a request that the cloud's limits do not admit is refused or may still go to own backends."""


class Team(Section):
    budget: Budget | None = None
    """What all keys of the team may use together."""


class Key(Section):
    name: Name
    """Shown in the ledger and in logs."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the key, in hex; `breakeven key new` prints it."""
    team: Name = "default"
    """Whom its usage is counted for."""
    models: Names | None = None
    """Models it may use; all when left out."""
    zones: Names | None = None
    """Zones its requests may reach; all when left out."""
    sensitivity: Name | None = None
    """Least level of its requests."""
    tags: Names = ()
    """Tags that all its requests carry."""
    budget: Budget | None = None
    """What it may use."""


class Policy(Section):
    version: Literal[1]
    """Version of this format."""
    zones: dict[Name, Zone] = Field(min_length=1)
    """Places where requests may be answered."""
    backends: dict[Name, Backend] = Field(min_length=1)
    """What answers requests."""
    models: dict[Name, Model] = Field(min_length=1)
    """Names that clients ask for."""
    secrets: dict[SecretName, Hosts] = Field(default={})
    """Hosts that a secret may be sent to, by its variable or path; a known provider's own when left out."""
    sensitivity: Sensitivity | None = None
    """When left out every zone may see every request."""
    rules: tuple[Rule, ...] = Field(default=(), strict=False)
    """The first rule that holds sets strategy and quality floor; every rule that holds narrows the zones."""
    cost: Cost = Cost()
    """How the cheaper side is found."""
    health: Health = Health()
    """When a backend counts as failed."""
    retry: Retry = Retry()
    """What happens after a failure."""
    ledger: Ledger = Ledger()
    """How usage is recorded."""
    media: Media = Media()
    """What backends may be told to fetch."""
    server: Server = Server()
    """Limits and CORS of the endpoint."""
    budget: Budget | None = None
    """What all keys may use together."""
    teams: dict[Name, Team] = Field(default={})
    """Budgets of teams; a team that has none need not be listed."""
    keys: tuple[Key, ...] = Field(default=(), strict=False)
    """Who may use the gateway; without keys it serves loopback only."""
