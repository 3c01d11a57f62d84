"""What every route costs: as given in the policy, as published, or the variable cost of an own GPU.

Prices may begin on a date or hold by the hour of the day, in UTC; so a route's price is a timeline, from the day on
which the policy is loaded. Published rates come from the package genai-prices, whose data is imported (24 MB, a fifth
of a second) only when a cloud route has no price of its own. It is that of the installed package: nothing is fetched.
A price that is missing or 0 there is unknown, never free.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from router.config.problems import Finding
from router.config.served_names import served_as
from router.config.unit_prices import dearest_units, is_priced_beside_tokens, published_units, times
from router.core.backend_kinds import Backend, LitellmBackend, Price, Served
from router.core.cost.timeline import DAY, Timeline, always, built, combined
from router.core.name_patterns import closest, is_pattern
from router.core.policy import Policy
from router.core.policy_fields import STANDARD_TIERS
from router.core.values import PriceTier, Rates, Tariff
from router.surfaces.registry import SURFACES

Prices = Mapping[tuple[str, str], Timeline[Tariff]]
"""By backend and the policy's name of the model."""

Contexts = Mapping[tuple[str, str], int]
"""Published context lengths in tokens, where there is one."""

_PROVIDERS: Mapping[str, str] = {
    "azure_ai": "azure",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "cohere_chat": "cohere",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "moonshot": "moonshotai",
    "together_ai": "together",
    "vertex_ai": "google",
    "vertex_ai_beta": "google",
    "voyage": "voyageai",
    "xai": "x-ai",
}
"""litellm's name of a provider to that of genai-prices, where they differ."""


_EXAMPLES: Mapping[str, str] = {
    "second": 'input: 0, output: 0, second: 0.0001}}" (USD per second)',
    "characters": 'input: 0, output: 0, characters: 15}}" (USD per million characters)',
    "image": 'input: 0, output: 0, image: 0.04}}" (USD per picture)',
    "searches": 'searches: 2}}" (USD per 1,000 searches)',
}
"""By what is paid for."""

_FREE: Mapping[str, tuple[str, ...]] = {"openai": ("omni-moderation-", "text-moderation-")}
"""Beginnings of the names of models that a provider charges nothing for.

https://platform.openai.com/docs/guides/moderation
"""

_CACHED_FOR_AN_HOUR: Mapping[str, float] = {"anthropic": 2.0}
"""For input that a provider's cache keeps for an hour, in input prices, where the package does not know it.

https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#pricing
"""


def price_table(policy: Policy, now: datetime) -> tuple[Prices, tuple[Finding, ...]]:
    """The price of every route from `now` on, and a finding for each one that is unknown."""
    table: dict[tuple[str, str], Timeline[Tariff]] = {}
    findings: list[Finding] = []
    for name, model, served, owned in _routes(policy):
        backend = policy.backends[name]
        prices = price_of(backend, served, owned, now)
        if prices is None and is_pattern(model):
            prices = dearest(backend, served, now)
        if prices is None:
            key = served_as(backend, model)[0]
            findings.append(Finding(("backends", name, "serves", key), _unknown(backend, served)))
        else:
            table[name, model] = prices
    return table, tuple(findings)


def context_table(policy: Policy) -> Contexts:
    """The published context length of every route whose price was looked up too, and whose context is not given."""
    table: dict[tuple[str, str], int] = {}
    for name, model, served, owned in _routes(policy):
        provider, published_model = _published_name(policy.backends[name], served)
        if provider and not owned and served.price is None and served.context is None:
            context = published_context(provider, published_model)
            table |= {} if context is None else {(name, model): context}
    return table


def _routes(policy: Policy) -> Iterator[tuple[str, str, Served, bool]]:
    """Backend, model, how it is served, and whether the backend is owned. Models that a pattern of the backend's takes
    are those that the policy names."""
    for name, backend in policy.backends.items():
        zone = policy.zones.get(backend.zone)
        asked = [each for each, model in policy.models.items() if name in model.backends]
        named = [each for each in asked if closest(backend.serves, each) is not None]
        for model in dict.fromkeys((*backend.serves, *named)):
            yield name, model, served_as(backend, model)[1], zone is None or zone.owned


def price_of(backend: Backend, served: Served, owned: bool, now: datetime) -> Timeline[Tariff] | None:
    """What a backend charges for one model, from `now` on; None where nothing tells."""
    prices = _standard(backend, served, owned, now)
    if prices is None or not served.service_tiers:
        return prices
    known = prices
    return combined([known], lambda at: with_services(known.at(at), served.service_tiers))


def _standard(backend: Backend, served: Served, owned: bool, now: datetime) -> Timeline[Tariff] | None:
    if served.price is not None:
        return always(given(served.price))
    if owned:
        return always(variable(backend.cost.usd_per_million_tokens if backend.cost is not None else 0.0))
    provider, model = _published_name(backend, served)
    if not provider:
        return None
    if model.startswith(_FREE.get(provider, ())):
        return always(variable(0.0))
    only = [SURFACES[name] for name in served.endpoints or () if name in SURFACES]
    embeds = (bool(only) and not any(each.writes for each in only)) or "embed" in model.lower()
    return published(provider, model, now, embeds=embeds)


def given(price: Price) -> Tariff:
    """The price of the policy; a cache price that is left out is the input price."""
    rates = Rates(
        input=price.input,
        output=price.output,
        cached_input=price.input if price.cached_input is None else price.cached_input,
        cache_write=price.input if price.cache_write is None else price.cache_write,
        request=price.request,
        cache_write_1h=price.cache_write_1h,
        units=price.units,
    )
    return Tariff((PriceTier(0, rates),))


def variable(usd_per_million_tokens: float) -> Tariff:
    """An own GPU's power and the like: the same for every token."""
    cost = usd_per_million_tokens
    return Tariff((PriceTier(0, Rates(input=cost, output=cost, cached_input=cost, cache_write=cost)),))


def with_services(tariff: Tariff, multiples: Mapping[str, float]) -> Tariff:
    """With prices of service tiers that are multiples of the standard ones, but for what is paid per request."""
    made = {name: tuple(_times(tier, factor) for tier in tariff.tiers) for name, factor in multiples.items()}
    return Tariff(tariff.tiers, {**tariff.services, **made})


def _times(tier: PriceTier, factor: float) -> PriceTier:
    rates = tier.rates
    lasting = rates.cache_write_1h
    return PriceTier(
        tier.from_input_tokens,
        Rates(
            input=factor * rates.input,
            output=factor * rates.output,
            cached_input=factor * rates.cached_input,
            cache_write=factor * rates.cache_write,
            request=rates.request,
            cache_write_1h=None if lasting is None else factor * lasting,
            units=times(rates.units, factor),
        ),
    )


def _published_name(backend: Backend, served: Served) -> tuple[str, str]:
    """Provider and model as genai-prices calls them; no provider when the policy does not tell."""
    provider, model = backend.priced_as(served.model)
    if not isinstance(backend, LitellmBackend):
        return provider, model
    if provider.startswith("bedrock"):
        model = model.rpartition("/")[2]  # litellm allows bedrock/converse/MODEL and bedrock/REGION/MODEL
    return _PROVIDERS.get(provider, provider), model


def _unknown(backend: Backend, served: Served) -> str:
    give = f'give its price: "{{model: {served.model}, price: {{{_example_of(served)}'
    provider, model = _published_name(backend, served)
    if not provider and isinstance(backend, LitellmBackend):
        return (
            f'litellm names models "provider/model", such as anthropic/claude-sonnet-4-5: add the provider, or {give}'
        )
    if not provider:
        return (
            f"nobody publishes the price of a {backend.kind} backend in a zone that is not owned: {give}, "
            'or set "owned: true"'
        )
    hint = ', or correct the name or "provider"' if hasattr(backend, "provider") else ", or correct the name"
    return f'no published price of "{model}" at "{provider}": {give}{hint}'


def _example_of(served: Served) -> str:
    """What such a price looks like, and what it is in."""
    surfaces = [SURFACES[name] for name in served.endpoints or () if name in SURFACES]
    paid_by = next((each.paid_by[0] for each in surfaces if each.paid_by), "")
    return _EXAMPLES.get(paid_by, 'input: 0.15, output: 0.6}}" (USD per million tokens)')


def published(provider: str, model: str, now: datetime, *, embeds: bool = False) -> Timeline[Tariff] | None:
    """The prices from the day of `now` on; None when that of `now` is unknown. Embeddings have no output price.

    Where a later one is unknown, that of `now` stays.
    """
    info = _published(provider, model)
    if info is None:
        return None
    lasting = _CACHED_FOR_AN_HOUR.get(provider)
    present = _tariff(info, now, embeds, lasting)
    if present is None:
        return None

    def find(at: float) -> Tariff:
        return _tariff(info, datetime.fromtimestamp(at, UTC), embeds, lasting) or present

    starts, seconds = _turns(info)
    return built(now.timestamp() // DAY * DAY, starts, seconds, find)


def dearest(backend: Backend, served: Served, now: datetime) -> Timeline[Tariff] | None:
    """What the dearest of its provider's models charges now, in each kind of token and unit: of a model that the price
    list does not know. None where the list does not know the provider."""
    every = [_tiers(info.get_prices(now), True, None) for info in _all_published(backend, served)]
    found = [tier.rates for tiers in every for tier in tiers or ()]
    if not found:
        return None
    rates = Rates(
        input=max(each.input for each in found),
        output=max(each.output for each in found),
        cached_input=max(each.cached_input for each in found),
        cache_write=max(each.cache_write for each in found),
        request=max(each.request for each in found),
        units=dearest_units([each.units for each in found if each.units is not None]),
    )
    return always(Tariff((PriceTier(0, rates),)))


def published_id(backend: Backend, served: Served) -> str:
    """The price list's own name of a model; empty where it does not know it."""
    provider, model = _published_name(backend, served)
    info = _published(provider, model) if provider else None
    return "" if info is None else str(info.id)


def published_names(backend: Backend, served: Served) -> dict[str, None]:
    """Names by which a provider's models may be asked for, of all that the price list knows of it, in its order."""
    listed = [
        (info, name) for info in _all_published(backend, served) for name in (str(info.id), *_spelled(info.match))
    ]
    return {name: None for info, name in listed if info.is_match(name)}


def name_in_price_list(backend: Backend, served: Served) -> str:
    """By which it is looked for among those of its provider; empty where the policy does not tell which that is."""
    provider, model = _published_name(backend, served)
    return model if provider else ""


def _spelled(clause: Any) -> list[str]:
    """The names that a clause of the price list spells out; it may take others too."""
    if hasattr(clause, "equals"):
        return [str(clause.equals)]
    return [name for each in getattr(clause, "or_", ()) for name in _spelled(each)]


def _all_published(backend: Backend, served: Served) -> list[Any]:
    from genai_prices import data_snapshot

    provider, _ = _published_name(backend, served)
    return [info for each in data_snapshot.get_snapshot().providers if each.id == provider for info in each.models]


def _turns(info: Any) -> tuple[set[float], set[int]]:
    """When some price of a model may begin or end: midnights since the epoch, and seconds of every day, in UTC."""
    starts: set[float] = set()
    seconds: set[int] = set()
    conditional = info.prices if isinstance(info.prices, list) else ()
    for constraint in [each.constraint for each in (*conditional, *(info.price_variants or ()))]:
        if hasattr(constraint, "start_date"):
            starts.add(datetime.combine(constraint.start_date, time(), UTC).timestamp())
        elif constraint is not None:
            seconds |= {_second(constraint.start_time), _second(constraint.end_time)}
    return starts, seconds


def _second(of_day: time) -> int:
    """Of the UTC day; a time without a zone is UTC."""
    at = datetime.combine(date(1970, 1, 2), of_day, of_day.tzinfo or UTC)
    return int(at.timestamp()) % DAY


def published_rates(backend: Backend, served: Served) -> Rates | None:
    """What its provider publishes now for the smallest requests, whatever the policy gives; None where nobody does."""
    provider, model = _published_name(backend, served)
    prices = published(provider, model, datetime.now(UTC)) if provider else None
    return None if prices is None else prices.at(0).tiers[0].rates


def published_context_of(backend: Backend, served: Served) -> int | None:
    """The same of a model of a backend."""
    provider, model = _published_name(backend, served)
    return published_context(provider, model) if provider and served.context is None else None


def published_context(provider: str, model: str) -> int | None:
    """Context length in tokens; None when unknown."""
    info = _published(provider, model)
    return None if info is None else info.context_window or None


def _published(provider: str, model: str) -> Any:
    """The package's entry of a model; None when it has none."""
    from genai_prices import data_snapshot  # the data is large, and not every policy needs it

    try:
        return data_snapshot.get_snapshot().find_provider_model(model, None, provider, None)[1]
    except LookupError:
        return None


def _sizes(prices: Any) -> list[int]:
    """Input sizes from which some rate changes; genai-prices' own start is excluded from its tier."""
    fields = (
        prices.input_mtok,
        prices.output_mtok,
        prices.cache_read_mtok,
        prices.cache_write_mtok,
        prices.cache_write_1h_mtok,
    )
    return sorted({0, *(tier.start + 1 for field in fields for tier in getattr(field, "tiers", ()))})


def _tariff(info: Any, now: datetime, embeds: bool, lasting: float | None) -> Tariff | None:
    standard = _tiers(info.get_prices(now), embeds, lasting)
    if standard is None:
        return None
    services = {name: _tiers(info.get_prices(now, when), embeds, lasting) for name, when in _services(info, now)}
    return Tariff(standard, {name: tiers for name, tiers in services.items() if tiers is not None})


def _services(info: Any, now: datetime) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Service tiers that have a price of their own now, and how the package asks for it."""
    for variant in info.price_variants or ():
        when = variant.when
        alone = when if len(when) == 1 else {}
        name = "batch" if when == {"processing": "batch"} else alone.get("service_tier") or alone.get("speed", "")
        if name and name not in STANDARD_TIERS and (variant.constraint is None or variant.constraint.active(now)):
            yield name, when


def _tiers(prices: Any, embeds: bool, lasting: float | None) -> tuple[PriceTier, ...] | None:
    tiers = [_tier(prices, start, embeds, lasting) for start in _sizes(prices)]
    known = tuple(tier for tier in tiers if tier is not None)
    return known if len(known) == len(tiers) else None


def _tier(prices: Any, start: int, embeds: bool, lasting: float | None) -> PriceTier | None:
    read, write = _rate(prices.input_mtok, start), _rate(prices.output_mtok, start)
    units = published_units(prices, lambda price: _rate(price, start))
    if (not read or not (write or embeds)) and not is_priced_beside_tokens(units):
        return None
    rates = Rates(
        input=read,
        output=write,
        cached_input=_rate(prices.cache_read_mtok, start) or read,
        cache_write=_rate(prices.cache_write_mtok, start) or read,
        request=_rate(prices.requests_kcount, start) / 1000,
        cache_write_1h=_rate(prices.cache_write_1h_mtok, start) or (None if lasting is None else lasting * read),
        units=units,
    )
    return PriceTier(start, rates)


def _rate(price: Any, input_tokens: int) -> float:
    """USD per unit at a size of input; 0 when unknown."""
    if price is None:
        return 0.0
    applicable = getattr(price, "base", price)
    for tier in getattr(price, "tiers", ()):
        if input_tokens > tier.start:
            applicable = tier.price
    return float(applicable)
