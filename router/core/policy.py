"""The policy file, version 1, as frozen types.

These models are the single description of the file: `config.load` decodes YAML into them, `breakeven
schema` prints their JSON Schema, and `config.compile` turns them into the tables that decisions use.
References between sections (a backend naming a zone, say) are checked by `config.cross_references`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, create_model, model_validator

from router.core.alerts.policy import Alerts
from router.core.backend_kinds import Backend
from router.core.cost.strategies import STRATEGIES
from router.core.limits.measures import MEASURES
from router.core.policy_fields import (
    Bytes,
    Count,
    CountLimit,
    Duration,
    EndpointName,
    Fraction,
    Hosts,
    Hours,
    Length,
    MediaHost,
    Name,
    Names,
    Numeric,
    RecordDimension,
    SecretName,
    Section,
    TimeLimit,
    TimezoneName,
    Url,
    UsdLimit,
    Volume,
)
from router.core.sensitivity.finders import FINDERS

Window = Literal["today", "trailing_24h", "yesterday"]

# What is registered is what a policy may name: the schema and its messages list it.
if TYPE_CHECKING:
    StrategyName = str
    DetectorName = str
else:
    StrategyName = Literal[*STRATEGIES]
    DetectorName = Literal[*FINDERS]


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


class Model(Section):
    backends: Names = Field(min_length=1)
    """Backends that may serve it, in order of preference where nothing else decides."""
    aliases: Names = ()
    """Other names that clients may use for it."""
    quality_floor: Fraction = 0.0
    """Least quality a backend must have."""
    max_output_tokens: Length | None = None
    """Most output tokens of an answer when the client sets no limit; a budget holds that much."""


Example = Annotated[str, Field(min_length=1, max_length=2_000)]
Entity = Annotated[str, Field(max_length=64, pattern=r"^[A-Z][A-Z0-9_]*$")]


class Detector(Section):
    find: tuple[DetectorName, ...] = Field(default=(), min_length=1, strict=False)
    """What is looked for."""
    pattern: Annotated[str, Field(min_length=1)] | None = None
    """Or a pattern of your own: a regular expression, without look-around and references."""
    name: Name | None = None
    """What the pattern finds; shown in explanations and records."""
    entities: Annotated[tuple[Entity, ...], Field(strict=False, max_length=64)] = ()
    """Or names of people, places and the like, by Presidio's names of the kinds: see `sensitivity.presidio`."""
    matches: Annotated[tuple[Example, ...], Field(strict=False, max_length=32)] = ()
    """Texts in which the pattern must be found: else the policy is refused."""
    ignores: Annotated[tuple[Example, ...], Field(strict=False, max_length=32)] = ()
    """Texts in which it must not be found."""
    raise_to: Name | None = None
    """The request's level becomes at least this one."""
    tag: Name | None = None
    """The request gets this tag."""

    @model_validator(mode="after")
    def _seeks_something(self) -> Self:
        if self.entities and (self.find or self.pattern is not None):
            raise ValueError("a detector has either find, a pattern or entities: make two of it")
        if self.pattern is None:
            if not self.find and not self.entities:
                raise ValueError('a detector needs "find", such as "find: [credit_card]", or a "pattern" of your own')
            if self.name is not None or self.matches or self.ignores:
                raise ValueError("name, matches and ignores belong to a detector with a pattern")
        elif self.find:
            raise ValueError("a detector has either find or a pattern: make two of it")
        elif self.name is None:
            raise ValueError('a pattern needs a "name", such as "name: project"; records and explanations show it')
        return self

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.raise_to is None and self.tag is None:
            raise ValueError("a detector needs raise_to, tag or both")
        return self


class Presidio(Section):
    """The process that looks for the `entities` of detectors."""

    model: Annotated[str, Field(min_length=1, max_length=500)]
    """The spaCy pipeline that finds names: an installed package, or the path of a folder."""
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] = "en"
    """Of the texts, and of the pipeline."""
    min_score: Fraction = 0.5
    """How sure a finding has to be, to count."""
    timeout: TimeLimit = 2.0
    """Longest wait for what it finds in one request; then the request counts as if all had been found."""


class Sensitivity(Section):
    levels: dict[Name, Names] = Field(min_length=1)
    """Levels from the least to the most restricted, each with the zones that may see it."""
    default: Name | None = None
    """Level of a request that nothing labels; the most restricted one when left out."""
    tags: dict[Name, Names] = Field(default={})
    """Tags with the zones that may see them; a request's zones are the intersection of all."""
    detectors: tuple[Detector, ...] = Field(default=(), strict=False)
    """What is looked for in every string of a request."""
    presidio: Presidio | None = None
    """By what, and how, the entities of detectors are sought."""
    unreadable: Name | None = None
    """Level of a request that detectors cannot read throughout (images, token ids); the most restricted if left out."""
    sealed: Name | None = None
    """Level of what a provider sealed itself and alone can open, such as signed or encrypted reasoning; that of
    `unreadable` when left out."""


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
    endpoint: EndpointName | None = None
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
    """Attempts per request, over all backends. One that a rate limit refused counts half, so that no request makes more
    than twice as many calls."""
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
    retain_responses_days: Annotated[int, Field(gt=0, le=36_600)] = 30
    """Days that it is known, from its last use on, which backend keeps a stored answer; then its id is unknown."""
    retain_objects_days: Annotated[int, Field(gt=0, le=36_600)] = 400
    """The same for files, conversations and all else that backends keep."""
    holds: Literal["learned", "worst_case"] = "learned"
    """What a budget holds for a running request: what 99 in 100 answers of its model take, or the most it can take."""
    dimensions: tuple[RecordDimension, ...] = Field(default=(), max_length=4, strict=False)
    """What request records keep of what requests say of whom they are for, to find them and to add up spend by it:
    `user` (OpenAI's `user` or `safety_identifier`, Anthropic's `metadata.user_id`) and entries such as
    `metadata.project`. It may be personal data: nothing is kept by default."""


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
    """Bytes of requests that one worker keeps at the same time; more are answered with 503. What it keeps of
    answers may take half as many: those that take most are broken off where there is no room."""
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


class Playground(Section):
    access: Literal["nobody", "member", "viewer", "editor", "admin"] = "editor"
    """The least role of the control plane that may try requests on its page, with the rights of a key and at its cost;
    `nobody` switches it off. Members may with the keys of their own teams."""
    requests_per_minute: Count = 20
    """That one person may try."""


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
    version: Annotated[Literal[1], Numeric]
    """Version of this format."""
    zones: dict[Name, Zone] = Field(min_length=1)
    """Places where requests may be answered."""
    backends: dict[Name, Backend] = Field(min_length=1)
    """What answers requests."""
    models: dict[Name, Model] = Field(min_length=1)
    """Names that clients ask for; one with a `*` stands for all names like it."""
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
    alerts: Alerts | None = None
    """What is told to whom when something is wrong; nothing when left out."""
    playground: Playground = Playground()
    """Who may try requests on the control plane's page."""
    budget: Budget | None = None
    """What all keys may use together."""
    teams: dict[Name, Team] = Field(default={})
    """Budgets of teams; a team that has none need not be listed."""
    keys: tuple[Key, ...] = Field(default=(), strict=False)
    """Who may use the gateway; without keys it serves loopback only."""
