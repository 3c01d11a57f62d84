"""The kinds of backend: what a policy says of each, and what all others ask of it.

A new kind is a class and its name in `Backend`; if it can be asked how it is, `upstream.probes` says by what.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import ConfigDict, Field, field_validator, model_validator

from router.core import features
from router.core.policy_fields import (
    STANDARD_TIERS,
    Count,
    CountFromZero,
    Duration,
    EndpointName,
    Fraction,
    Host,
    ImageKind,
    Length,
    Modality,
    Multiple,
    Name,
    Rate,
    Secret,
    Section,
    TierName,
    TimeLimit,
    UpstreamName,
    Url,
    Usd,
    with_version,
)
from router.core.power.policy import Power
from router.core.units import UnitRates

_HOURS_PER_YEAR = 365.25 * 24
_PRICES = (("input", "output"), ("second",), ("characters",), ("image",), ("images",), ("searches",))
"""What a price has to say at least: one of these."""
_OTHER_UNITS = frozenset({name for names in _PRICES[1:] for name in names})


def _needs_a_price(schema: dict[str, Any]) -> None:
    del schema["required"]
    schema["anyOf"] = [{"required": list(names)} for names in _PRICES]


class Price(Section):
    """USD per million tokens, per request, and per unit of what is no token."""

    model_config = ConfigDict(json_schema_extra=_needs_a_price)

    input: Rate
    """USD per million input tokens; with `output`, or 0 when left out where there is a price of something else."""
    output: Rate
    """USD per million output tokens; with `input`, or 0 when left out where there is a price of something else."""
    cached_input: Rate | None = None
    """Input read from the provider's cache; the input price when left out."""
    cache_write: Rate | None = None
    """Input written to the provider's cache; the input price when left out."""
    cache_write_1h: Rate | None = None
    """Input that the provider's cache keeps for an hour; the price of `cache_write` when left out."""
    request: Rate = 0.0
    """USD per request, on top of the tokens."""
    audio_input: Rate | None = None
    """Input that is sound; the input price when left out."""
    audio_cached_input: Rate | None = None
    """The same, read from the provider's cache."""
    audio_output: Rate | None = None
    """Output that is sound; the output price when left out."""
    image_input: Rate | None = None
    """Input that is pictures; the input price when left out."""
    image_cached_input: Rate | None = None
    """The same, read from the provider's cache."""
    image_output: Rate | None = None
    """Output that is pictures; the output price when left out."""
    second: Rate = 0.0
    """USD per second of sound that is transcribed."""
    characters: Rate = 0.0
    """USD per million characters that are spoken."""
    image: Rate = 0.0
    """USD per picture that is made."""
    images: dict[ImageKind, Rate] = Field(default={}, max_length=64)
    """USD per picture of a quality, a size or both, such as `{1024x1792: 0.08, "hd 1024x1792": 0.12}`."""
    searches: Rate = 0.0
    """USD per 1,000 searches of a reranker, as its answers count them: a query with up to 100 documents is one."""

    @model_validator(mode="before")
    @classmethod
    def _tokens_may_cost_nothing(cls, given: Any) -> Any:
        """What is sold by the picture, the second, the letter or the search has no price of tokens."""
        if isinstance(given, dict) and not _OTHER_UNITS.isdisjoint(given):
            return {"input": 0.0, "output": 0.0, **given}
        return given

    @property
    def units(self) -> UnitRates | None:
        """None where all costs as text does."""
        rates = UnitRates(
            audio_input=self.audio_input,
            audio_cached=self.audio_cached_input,
            audio_output=self.audio_output,
            image_input=self.image_input,
            image_cached=self.image_cached_input,
            image_output=self.image_output,
            second=self.second,
            characters=self.characters,
            image=self.image,
            image_kinds=self.images,
            searches=self.searches,
        )
        return None if rates == UnitRates() else rates


class Served(Section):
    """What one backend serves under one model name of this policy."""

    model: UpstreamName
    """The name that the upstream knows."""
    endpoints: tuple[EndpointName, ...] | None = Field(default=None, strict=False)
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
    """What one unit of an owned backend costs."""

    usd_per_hour: Usd | None = None
    """Rent of all its GPUs together, paid while it is on; may be left out where purchase_usd is given."""
    billing: TimeLimit = 1.0
    """Step by which its rent is billed: a step that has begun is paid."""
    purchase_usd: Annotated[float, Field(gt=0, le=1_000_000_000, allow_inf_nan=False)] | None = None
    """What it was bought for, spread over `years`, on or off."""
    years: Annotated[float, Field(gt=0, le=50)] = 3.0
    """Over how many years the purchase is spread."""
    watts: Annotated[float, Field(ge=0, le=10_000_000, allow_inf_nan=False)] = 0.0
    """Power that it draws while it is on."""
    pue: Annotated[float, Field(ge=1, le=10)] = 1.0
    """Power of the whole site for each watt of its machines."""
    usd_per_kwh: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Price of that power."""
    ops_usd_per_day: Usd = 0.0
    """Share of the people who run it."""
    usd_per_million_tokens: Usd = 0.0
    """Variable cost of its tokens, such as power that `watts` does not hold."""

    @model_validator(mode="after")
    def _has_a_price(self) -> Self:
        if self.usd_per_hour is None and self.purchase_usd is None:
            raise ValueError("what does an hour cost? give usd_per_hour, such as 1.59, or purchase_usd")
        return self

    @model_validator(mode="after")
    def _power_has_both_terms(self) -> Self:
        if bool(self.watts) != bool(self.usd_per_kwh):
            raise ValueError("watts and usd_per_kwh say something only together: give both or neither")
        return self

    @property
    def hourly_usd(self) -> float:
        """What an hour costs while it is on, without its people: rent, power, and the hour's share of the purchase."""
        return self.saved_usd_per_hour + self.kept_usd_per_hour

    @property
    def saved_usd_per_hour(self) -> float:
        """The part of `hourly_usd` that ends when it is switched off."""
        return (self.usd_per_hour or 0.0) + self.watts / 1000 * self.pue * self.usd_per_kwh

    @property
    def kept_usd_per_hour(self) -> float:
        """The part of `hourly_usd` that goes on when it is off: what was bought is not given back."""
        return (self.purchase_usd or 0.0) / (self.years * _HOURS_PER_YEAR)


class Capacity(Section):
    max_waiting: CountFromZero = 8
    """Full when this many requests wait in a replica's own queue."""
    max_kv_cache: Fraction = 0.95
    """Full when a replica's KV cache is used to this share."""
    max_running: Count | None = None
    """Full when this many requests run on a replica; unlimited when left out. A bound that is never passed, of each
    worker by itself: with N workers at most N times as many run."""
    tokens_per_second: float | None = Field(default=None, gt=0, le=1_000_000_000, allow_inf_nan=False)
    """What the backend can serve when busy (input and output together); bounds the break-even."""
    queue: CountFromZero = 64
    """Requests that may wait for this backend in the gateway, per worker, when they can go nowhere else. They are
    served in the order in which they came, and before those that come later."""
    queue_timeout: Duration = 30.0
    """How long they wait before they get 503."""


class _Backend(Section):
    """Base of every kind of backend: what a kind says of itself, all others ask it.

    A kind also has `provider_of(model)`: who answers for an upstream model, in telemetry's words; for None, which
    stands for one that the policy serves no more, too.
    """

    default_endpoints: ClassVar[frozenset[EndpointName]]
    """Served by its models, unless the policy says otherwise."""
    default_modalities: ClassVar[frozenset[Modality]] = frozenset(get_args(Modality))
    ends_at_context: ClassVar[bool] = False
    """An answer ends where the context does, so that a prompt and the limit of its answer need not fit in together."""
    lists_models: ClassVar[bool] = False
    """It can be asked which models it has, and is not by probes."""
    counts_while_streaming: ClassVar[bool] = False
    """It can tell the running usage with every event of a stream."""
    translated: ClassVar[frozenset[EndpointName]] = frozenset()
    """Endpoints that it need not speak, since the adapter can translate them into `translated_into`."""
    translated_into: ClassVar[EndpointName] = ""
    """The endpoint that it has to speak for that."""
    dialect: ClassVar[str] = ""
    """The adapter's name of what it speaks then."""
    loses: ClassVar[Mapping[EndpointName, frozenset[str]]] = {}
    """By endpoint, what of `core.features` would be lost with it, or refused: by itself, or in translating for it."""
    overlooks: ClassVar[Mapping[EndpointName, frozenset[str]]] = {}
    """By endpoint, what is only offered to the model, and it takes no notice of: a reason to ask another one, but none
    to ask nobody, since nothing of the answer needs it."""
    key_header: ClassVar[str] = "authorization"
    """What its credential is sent in."""
    key_scheme: ClassVar[str] = "Bearer "
    """What stands before it there."""

    zone: Name
    """Where it is: one of `zones`."""
    serves: dict[Name, UpstreamName | Served] = Field(min_length=1)
    """Model names of this policy, or patterns of them, and what the upstream calls them."""
    quality: Fraction | None = None
    """Quality score, 0 to 1, on whatever scale the organisation uses throughout."""
    cost: GpuCost | None = None
    """Fixed cost, for owned backends."""
    power: Power | None = None
    """How its units are switched on and off, for owned backends; when left out, they are taken to be on."""
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
        """Differs from that of any other backend: two that share a name in two policies may be two machines.

        When it is on, and what it costs, are no part of which machine it is.
        """
        told = self.model_dump(mode="json", exclude={"power", "cost"})
        return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    def replicas(self) -> tuple[str, ...]:
        """Base URLs that the gateway itself connects to."""
        return ()

    def addresses(self) -> tuple[str, ...]:
        """Base URLs that the policy gives, whoever connects to them."""
        return self.replicas()

    def foreign_to(self, model: str) -> frozenset[EndpointName]:
        """Endpoints of its own that an upstream model's provider does not speak, whoever translates them there."""
        return frozenset()

    def adapter_url(self, url: str) -> str:
        """One of `replicas` as the adapter needs it."""
        return url

    def priced_as(self, model: str) -> tuple[str, str]:
        """Provider and name by which price lists may know an upstream model; no provider where nobody publishes it."""
        return "", model


class _WithUrls(_Backend):
    url: Url | None = None
    """Base URL, with the version path: http://127.0.0.1:8000/v1; of a vLLM, /v1 may be left out."""
    urls: tuple[Url, ...] = Field(default=(), strict=False)
    """Several replicas instead of one url; the least loaded is used first."""

    @model_validator(mode="after")
    def _one_of_url_and_urls(self) -> Self:
        if (self.url is None) == (not self.urls):
            raise ValueError("give either url or urls")
        return self

    def replicas(self) -> tuple[str, ...]:
        return self.urls if self.url is None else (self.url,)


_NOT_OWN = frozenset(
    {
        *(features.HOSTED_TOOLS, features.PROVIDER_TOOLS, features.TOOL_SERVERS, features.CONTAINERS),
        *(features.STORED_FILES, features.DOCUMENTS, features.CITATIONS, features.SEARCH_RESULTS),
        *(features.ENCRYPTED_REASONING, features.COMPACTION),
    }
)
"""What an own server has no part for. It keeps every prompt by itself, and takes reasoning whoever signed it."""


_NOT_OWN_RESPONSES = _NOT_OWN | {
    *(features.GRAMMARS, features.CONVERSATIONS, features.PROMPT_TEMPLATES, features.STORED_ITEMS),
    features.NEEDED_TOOLS,
}
_OFFERED = frozenset({features.HOSTED_TOOLS})
"""What clients send by default, search of the web above all, and a vLLM goes on without."""


class VllmBackend(_WithUrls):
    default_endpoints = frozenset(
        {"chat", "completions", "responses", "messages", "count_tokens", "tokenize", "detokenize"}
    )
    default_modalities = frozenset({"text"})
    ends_at_context = True
    counts_while_streaming = True
    loses = {"messages": _NOT_OWN, "count_tokens": _NOT_OWN, "responses": _NOT_OWN_RESPONSES - _OFFERED}
    overlooks = {"responses": _OFFERED}

    kind: Literal["vllm"]
    """A vLLM server, probed for health and load: chat, completions, responses, messages and the tokenizer, of text."""
    gpu: Name | None = None
    """The kind of card that it runs on, such as L40S, as `breakeven size` names it: `check` says what does not fit."""
    gpus: Count = 1
    """Cards of that kind over which the model is spread; as launch.tensor_parallel_size says where the gateway starts
    it."""

    def replicas(self) -> tuple[str, ...]:
        return tuple(map(with_version, super().replicas()))

    def provider_of(self, model: str | None) -> str:
        return self.kind


class OpenAIBackend(_WithUrls):
    default_endpoints = frozenset(
        (
            *("chat", "completions", "embeddings", "moderations"),
            *("responses", "responses_compact", "responses_input_tokens"),
            *("transcriptions", "translations", "speech", "images", "image_edits", "image_variations"),
        )
    )
    lists_models = True
    translated = frozenset({"messages", "responses"})
    translated_into = "chat"
    dialect = "openai"

    kind: Literal["openai"]
    """Any API that speaks OpenAI's dialect, never probed: all of OpenAI's endpoints, and all modalities."""
    provider: str = "openai"
    """Provider id in the published price list."""
    resources: Literal["all"] | Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Objects that it keeps for clients, such as files and vector_stores; new ones go to it."""
    resources_spend: bool = False
    """Keys with limits of money or tokens may begin what spends beside its answer: batches, fine-tuning, videos."""

    def priced_as(self, model: str) -> tuple[str, str]:
        return self.provider, model

    def provider_of(self, model: str | None) -> str:
        return self.provider


_NOT_SIGNED = frozenset({features.UNSIGNED_REASONING})


class AnthropicBackend(_WithUrls):
    default_endpoints = frozenset({"messages", "count_tokens"})
    default_modalities = frozenset({"text", "image", "file"})
    loses = {"messages": _NOT_SIGNED, "count_tokens": _NOT_SIGNED}
    translated = frozenset({"chat", "responses"})
    translated_into = "messages"
    dialect = "anthropic"
    key_header = "x-api-key"
    key_scheme = ""

    kind: Literal["anthropic"]
    """Anthropic's own API, never probed: messages, with images and files."""
    idle_timeout: TimeLimit = 300.0
    """Longest pause between two events of a stream; pings are none, and a model that thinks out of sight sends no more
    than these."""

    def adapter_url(self, url: str) -> str:
        return url.removesuffix("/v1")

    def priced_as(self, model: str) -> tuple[str, str]:
        return self.kind, model

    def provider_of(self, model: str | None) -> str:
        return self.kind


_SPEAKERS: Mapping[EndpointName, tuple[str, ...]] = {
    "messages": ("anthropic/", "azure_ai/claude", "bedrock/anthropic.", "vertex_ai/claude"),
    "responses": ("azure/", "openai/", "xai/"),
}
"""By endpoint, how names of models begin whose providers speak it themselves behind the adapter."""


class LitellmBackend(_Backend):
    default_endpoints = frozenset({"chat", "embeddings", "messages", "responses"})

    kind: Literal["litellm"]
    """Any other provider, through the adapter: chat, embeddings, messages and responses, all modalities."""
    api_base: Url | None = None
    """Replaces the provider's own address."""
    hosts: tuple[Host, ...] = Field(default=(), strict=False)
    """Hosts that its requests may go to, where they are not known from provider or api_base: name, or name:port."""
    drop_unsupported: bool = False
    """Leave out what its provider cannot do (a seed, log probabilities, a second answer) instead of refusing it."""

    def addresses(self) -> tuple[str, ...]:
        return () if self.api_base is None else (self.api_base,)

    def foreign_to(self, model: str) -> frozenset[EndpointName]:
        return frozenset(endpoint for endpoint, names in _SPEAKERS.items() if not model.startswith(names))

    def priced_as(self, model: str) -> tuple[str, str]:
        provider, _, name = model.rpartition("/") if "/" not in model else model.partition("/")
        return provider, name

    def provider_of(self, model: str | None) -> str:
        return self.kind if model is None else model.partition("/")[0]


Backend = Annotated[VllmBackend | OpenAIBackend | AnthropicBackend | LitellmBackend, Field(discriminator="kind")]
"""Of one of the kinds: what is named here is what a policy may say."""
