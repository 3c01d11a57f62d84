"""A validated policy and its prices -> the tables that decisions use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from msgspec.structs import replace

from router.config.model_table import ModelTable
from router.config.prices import (
    Contexts,
    Prices,
    name_in_price_list,
    price_of,
    published_context_of,
    published_id,
    published_names,
)
from router.config.served_names import served_as
from router.core.backend_kinds import Backend, GpuCost, Served
from router.core.cost.breakeven import blended, shares
from router.core.cost.timeline import Timeline, combined
from router.core.decision.facts import default_labels
from router.core.name_patterns import is_pattern, takes
from router.core.policy import Key, Mix, Model, Policy
from router.core.policy_fields import EndpointName
from router.core.sensitivity.detectors import own_patterns
from router.core.translation import LOST_IN_TRANSLATION
from router.core.values import GpuFigures, KeyGrant, Mixture, ModelPlan, Permits, Plan, Rates, Route, Tariff

_NO_CONTEXTS: Contexts = {}
_SECONDS_PER_DAY = 86_400
_HOURS_PER_DAY = 24


def compile_plan(
    policy: Policy,
    version: str,
    prices: Prices,
    contexts: Contexts = _NO_CONTEXTS,
    now: datetime | None = None,
) -> Plan:
    """The plan of a policy whose references hold. `prices` has every backend and model; raises KeyError if not. What
    patterns take is looked up when it is asked for, at the prices from `now` on."""
    plans = {name: _model(policy, name, model, prices, contexts) for name, model in policy.models.items()}
    aliases = {alias: plans[name] for name, model in policy.models.items() for alias in model.aliases}
    sensitivity = policy.sensitivity
    levels = sensitivity.levels if sensitivity is not None else {}
    shared: dict[Permits, Permits] = {}
    return Plan(
        version=version,
        policy=policy,
        models=_table(policy, {**aliases, **plans}, now or datetime.now(UTC)),
        keys={key.sha256: grant_of(key, shared) for key in policy.keys},
        zones=frozenset(policy.zones),
        levels=tuple(levels),
        level_zones=tuple(frozenset(zones) for zones in levels.values()),
        default_labels=default_labels(sensitivity),
        gpu=_gpu_figures(policy),
        cloud_reference=_cloud_reference(plans.values(), policy.cost.mix),
        published=_published(policy),
        own_patterns=own_patterns(sensitivity.detectors if sensitivity is not None else ()),
    )


def _table(policy: Policy, named: Mapping[str, ModelPlan], now: datetime) -> Mapping[str, ModelPlan]:
    return ModelTable(named, partial(_taken, policy, now)) if any(map(is_pattern, named)) else named


def _model(policy: Policy, name: str, model: Model, prices: Prices, contexts: Contexts) -> ModelPlan:
    routes = []
    for backend in model.backends:
        served = served_as(policy.backends[backend], name)[1]
        price, longest = prices[backend, name], contexts.get((backend, name))
        guessed = is_pattern(name) and served.price is None
        routes.append(_route(policy, backend, served, price, longest, as_asked=is_pattern(name), guessed=guessed))
    return _model_plan(name, model, routes)


def _model_plan(name: str, model: Model, routes: Sequence[Route]) -> ModelPlan:
    clouds = [route for route in routes if not route.owned]
    return ModelPlan(
        name=name,
        routes=tuple(routes),
        quality_floor=model.quality_floor,
        eligible=0 < len(clouds) < len(routes),
        max_output_tokens=model.max_output_tokens,
    )


def _route(
    policy: Policy,
    backend_name: str,
    served: Served,
    prices: Timeline[Tariff],
    longest: int | None,
    *,
    as_asked: bool,
    guessed: bool,
) -> Route:
    backend = policy.backends[backend_name]
    spoken = _endpoints(backend, served)
    translated = backend.translated - spoken if backend.translated_into in spoken else frozenset()
    foreign = translated | backend.foreign_to(served.model)
    return Route(
        backend=backend_name,
        zone=backend.zone,
        owned=policy.zones[backend.zone].owned,
        upstream_model=served.model,
        endpoints=spoken | translated,
        translated=translated,
        modalities=backend.default_modalities if served.modalities is None else frozenset(served.modalities),
        context=served.context,
        quality=backend.quality if served.quality is None else served.quality,
        prices=prices,
        stream_usage=backend.stream_usage,
        longest=longest,
        ends_at_context=backend.ends_at_context,
        counts_while_streaming=backend.counts_while_streaming,
        powered=backend.power is not None,
        wake_for=_wake_for(backend),
        loses={**backend.loses, **{each: LOST_IN_TRANSLATION[each] for each in foreign & LOST_IN_TRANSLATION.keys()}},
        overlooks=backend.overlooks,
        as_asked=as_asked,
        guessed_price=guessed and not policy.zones[backend.zone].owned,
    )


def _taken(policy: Policy, now: datetime, pattern: ModelPlan, name: str) -> ModelPlan:
    """What the model is that a pattern takes: served by those of the pattern's backends whose provider publishes a
    price of it and by own ones, which may list it; where no provider does, by all of them, as the pattern says."""
    model = policy.models[pattern.name]
    routes, known, asked = [], "", []
    for generic in pattern.routes:
        backend, owned = policy.backends[generic.backend], generic.owned
        served = served_as(backend, name)[1]
        asked.append(replace(generic, upstream_model=served.model))
        id = "" if owned else published_id(backend, served)
        prices = generic.prices if owned or served.price else price_of(backend, served, owned, now) if id else None
        if owned or (id and prices is not None):
            known, longest = known or id, published_context_of(backend, served) if id else None
            priced = prices or generic.prices
            routes.append(_route(policy, generic.backend, served, priced, longest, as_asked=True, guessed=False))
    return _model_plan(known or pattern.name, model, routes if known else asked)


def _published(policy: Policy) -> tuple[str, ...]:
    """What patterns take that the price lists of their providers name."""
    found: dict[str, None] = {}
    for pattern, model in policy.models.items():
        if not is_pattern(pattern):
            continue
        for backend in [policy.backends[name] for name in model.backends]:
            served = served_as(backend, pattern)[1]
            provider = backend.priced_as(served.model)[0]
            names = published_names(backend, served) if not policy.zones[backend.zone].owned else {}
            for name in [each for each in names if _is_name(each, provider)]:
                found |= {
                    each: None
                    for each in (name, f"{provider}/{name}")
                    if takes(pattern, each) and name_in_price_list(backend, served_as(backend, each)[1]) in names
                }
    return tuple(found)


def _is_name(published: str, provider: str) -> bool:
    """Price lists have beginnings of names, too, and some providers' names as others write them."""
    return not published.endswith(("-", ".ft-", ":")) and not (provider == "openai" and "/" in published)


def _wake_for(backend: Backend) -> frozenset[str] | None:
    power = backend.power
    return None if power is None or power.wake_for is None else frozenset(power.wake_for)


def _endpoints(backend: Backend, served: Served) -> frozenset[EndpointName]:
    return backend.default_endpoints if served.endpoints is None else frozenset(served.endpoints)


def _blended(rates: Rates, mix: Mix) -> float:
    return blended(rates, shares(Mixture(), mix))


def _cloud_reference(plans: Iterable[ModelPlan], mix: Mix) -> Timeline[Rates | None]:
    clouds = [route for plan in plans if plan.eligible for route in plan.routes if not route.owned]
    routes = [route for route in clouds if not route.guessed_price]

    def find(now: float) -> Rates | None:
        rates = [_smallest(route, now) for route in routes]
        return min(rates, key=lambda each: _blended(each, mix), default=None)

    return combined([route.prices for route in routes], find)


def _smallest(route: Route, now: float) -> Rates:
    """Of the smallest requests."""
    return route.prices.at(now).tiers[0].rates


def grant_of(key: Key, shared: dict[Permits, Permits]) -> KeyGrant:
    """`shared` are those that grants were made with before: what is equal is one object."""
    permits = Permits(
        models=None if key.models is None else frozenset(key.models),
        zones=None if key.zones is None else frozenset(key.zones),
        level=key.sensitivity,
        tags=key.tags,
    )
    return KeyGrant(
        name=key.name,
        team=key.team,
        permits=shared.setdefault(permits, permits),
        budget=key.budget,
    )


def _gpu_figures(policy: Policy) -> GpuFigures:
    owned = [backend for backend in policy.backends.values() if policy.zones[backend.zone].owned]
    costs = [backend.cost for backend in owned if backend.cost is not None]
    speeds = [backend.capacity.tokens_per_second for backend in owned]
    known = [speed for speed in speeds if speed is not None]
    return GpuFigures(
        fixed_usd_per_day=sum(_fixed_per_day(cost) for cost in costs),
        variable_usd_per_million=_variable(owned),
        capacity_tokens_per_day=sum(known) * _SECONDS_PER_DAY if known and len(known) == len(speeds) else None,
    )


def _fixed_per_day(cost: GpuCost) -> float:
    return _HOURS_PER_DAY * cost.hourly_usd + cost.ops_usd_per_day


def _variable(owned: Sequence[Backend]) -> float:
    """The mean over the owned backends, by what they can serve where all say it."""
    costs = [backend.cost.usd_per_million_tokens if backend.cost is not None else 0.0 for backend in owned]
    speeds = [backend.capacity.tokens_per_second or 0.0 for backend in owned]
    weights = speeds if all(speeds) else [1.0] * len(owned)
    total = sum(weights)
    return sum(cost * weight for cost, weight in zip(costs, weights, strict=True)) / total if total else 0.0
