"""What a valid policy permits, and is probably not what its author meant.

Each check yields findings; what is said of names is in `alike_names`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from math import log10
from urllib.parse import urlsplit

from router.config.alert_targets import advice as advice_on_targets
from router.config.alike_names import alike
from router.config.load import text_of
from router.config.prices import published_rates
from router.config.problems import FieldPath, Finding, Problem, suggest
from router.config.sizing.advice import what_does_not_fit
from router.config.unit_prices import is_priced_beside_tokens
from router.config.yaml_document import parse
from router.core.backend_kinds import AnthropicBackend, OpenAIBackend, Price, Served
from router.core.cost.breakeven import break_even, shares
from router.core.cost.strategies import STRATEGIES
from router.core.cost.worth import dollars, tokens
from router.core.name_patterns import STAR, filled
from router.core.policy import Policy
from router.core.values import Mixture, Plan, Rates
from router.surfaces.registry import SURFACES

FAR_OFF = 100.0
"""Times that a threshold may be off the break-even, and a price off the published one."""
PLAUSIBLE_PRICES = (0.001, 2000.0)
"""USD per million tokens. The smallest embedding models cost ten times as much as the first, the largest chat models a
third of the second."""
PLAUSIBLE_RENT = (0.01, 1000.0)
"""USD per hour. A small card costs ten times as much as the first, a few hundred large ones as much as the second."""
PLAUSIBLE_COSTS = {
    "purchase_usd": ((100.0, "in thousands of USD", 1e3), (100e6, "in cents", 1e-2)),
    "watts": ((10.0, "in kW", 1e3), (2e6, "in mW", 1e-3)),
    "usd_per_kwh": ((0.005, "per Wh", 1e3), (3.0, "in cents", 1e-2)),
    "ops_usd_per_day": ((0.1, "in thousands of USD", 1e3), (20_000.0, "per year", 1 / 365)),
}
"""Of what else a unit costs: the least and the most, each with the unit in which what lies beyond was probably given,
and what makes the right one of it."""
_PROVIDER_ENDS = "/:"
_ENDPOINTS = ("/chat/completions", "/completions", "/responses", "/embeddings", "/messages")
_WITHOUT_VERSION = ("api.deepseek.com", "api.perplexity.ai")
"""Hosts whose base URL has no path."""
DEAREST_REQUEST = 10.0
"""USD."""
_PER = {
    "second": "per second of sound",
    "characters": "per million characters",
    "image": "per picture",
    "searches": "per 1,000 searches",
}
_UNITS = {"token": 1e6, "thousand tokens": 1e3}
"""That prices are often told in, and how many of them a million tokens are."""
_ORDINARY = 1.0
"""USD per million tokens; nearly all prices are within this factor of it:"""
_ALL_BUT_THE_RAREST = 200.0


def warnings_of(content: bytes, name: str, plan: Plan) -> tuple[Problem, ...]:
    """What `advice` has to say of the plan that was made of a file's content, with lines; `name` is for messages."""
    document = parse(text_of(content, name), name)
    return tuple(sorted(map(document.problem, advice(plan))))


def advice(plan: Plan) -> tuple[Finding, ...]:
    return tuple(finding for check in _CHECKS for finding in check(plan))


def _no_time_for_another(plan: Plan) -> Iterator[Finding]:
    """Backends that may use up the time of those that would take over."""
    policy = plan.policy
    retry = policy.retry
    shared = {name for model in policy.models.values() if len(model.backends) > 1 for name in model.backends}
    if shared and retry.attempts == 1:
        yield Finding(("retry", "attempts"), "with 1 attempt no second backend is ever tried")
    for name in sorted(shared):
        backend = policy.backends[name]
        longest = backend.connect_timeout + backend.first_byte_timeout
        if longest >= retry.deadline:
            yield Finding(
                ("backends", name),
                f"connect_timeout and first_byte_timeout ({longest:g} s) leave nothing of"
                f" retry.deadline ({retry.deadline:g} s) for a second backend: shorten them, or raise the deadline",
            )


def _no_time_for_a_start(plan: Plan) -> Iterator[Finding]:
    """Units whose start nobody can wait for."""
    policy = plan.policy
    for name, backend in policy.backends.items():
        if backend.power is not None and backend.power.start_time >= policy.retry.deadline:
            yield Finding(
                ("backends", name, "power", "start_time"),
                f"a request that waits for a start ends at retry.deadline ({policy.retry.deadline:g} s), before the"
                " unit answers, and has to be sent again: raise the deadline, or set what a start really takes",
            )


# --- whom a limit is for


def _teams_of_keys(plan: Plan) -> Iterator[Finding]:
    """Where teams are listed, a key's team that is not among them is limited by none of them."""
    policy = plan.policy
    for index, key in enumerate(policy.keys):
        if policy.teams and "team" in key.model_fields_set and key.team not in policy.teams:
            yield Finding(
                ("keys", index, "team"),
                f'teams has no "{key.team}", so that no team\'s budget limits this key'
                f"{suggest(key.team, policy.teams)} if it is to have none, write `teams: {{{key.team}: {{}}}}`",
            )


def _teams_without_keys(plan: Plan) -> Iterator[Finding]:
    policy = plan.policy
    used = {key.team for key in policy.keys}
    if policy.server.stored_keys:  # not all keys are known
        return
    for name in policy.teams:
        if name not in used:
            yield Finding(
                ("teams", name),
                f"no key has this team, so that its budget limits nobody{suggest(name, used)} name it in a key's team",
                on_key=True,
            )


def _rules_of_nobody(plan: Plan) -> Iterator[Finding]:
    """Where keys are stored elsewhere, too, names of rules are not held against those of the policy."""
    policy = plan.policy
    if not policy.server.stored_keys:
        return
    teams = {key.team for key in policy.keys} | policy.teams.keys()
    names = {key.name for key in policy.keys}
    for index, rule in enumerate(policy.rules):
        for what, name, known in (("team", rule.when.team, teams), ("key", rule.when.key, names)):
            near = None if name is None or name in known else next((each for each in known if alike(name, each)), None)
            if near is not None:
                yield Finding(
                    ("rules", index, "when", what),
                    f'the policy knows no {what} "{name}"; did you mean "{near}"? If it is that of a stored key, '
                    "another name would be safer",
                )


def _alike_teams(plan: Plan) -> Iterator[Finding]:
    """Two teams where one was meant are limited, and counted, apart."""
    policy = plan.policy
    places: dict[str, FieldPath] = {name: ("teams", name) for name in policy.teams}
    for index, key in enumerate(policy.keys):
        places.setdefault(key.team, ("keys", index, "team"))
    for first, second in combinations(places, 2):
        # Of names that are missing in one of the two places, that has been said.
        said = policy.teams and (first in policy.teams) is not (second in policy.teams)
        if not said and alike(first, second):
            yield Finding(
                places[second],
                f'the teams "{first}" and "{second}" look like one: if they are, give both the same name, since each '
                "has limits and totals of its own",
                on_key=second in policy.teams,
            )


# --- what backends are asked


def _lost_beginnings(plan: Plan) -> Iterator[Finding]:
    """A pattern whose names are sent on without what they begin with: for `hosted/*` that is meant."""
    for name, backend in plan.policy.backends.items():
        for pattern, entry in backend.serves.items():
            upstream = entry.model if isinstance(entry, Served) else entry
            head = pattern.partition(STAR)[0]
            if upstream == STAR and head and head[-1] not in _PROVIDER_ENDS:
                asked = pattern.replace(STAR, "5", 1)
                yield Finding(
                    ("backends", name, "serves", pattern),
                    f'asks for `{filled(upstream, pattern, asked)}` when `{asked}` is asked: write "{pattern}"'
                    " if the backend knows the whole name",
                )


def _odd_addresses(plan: Plan) -> Iterator[Finding]:
    """Of APIs that have a version in their paths, before which endpoints' own begin."""
    for name, backend in plan.policy.backends.items():
        if not isinstance(backend, OpenAIBackend | AnthropicBackend):
            continue
        for url in backend.replicas():
            parts = urlsplit(url)
            path = parts.path.rstrip("/")
            end = next((each for each in _ENDPOINTS if path.endswith(each)), "")
            if end or (not path and parts.hostname not in _WITHOUT_VERSION):
                meant = f"{parts.scheme}://{parts.netloc}{path.removesuffix(end) or '/v1'}"
                why = f"ends in {end}, which each request adds" if end else "has no path"
                yield Finding(("backends", name, "url"), f"{url} {why}: did you mean {meant}?")


# --- prices


def _prices(plan: Plan) -> Iterator[Finding]:
    for name, backend in plan.policy.backends.items():
        for model, entry in backend.serves.items():
            if isinstance(entry, Served) and entry.price is not None:
                path: FieldPath = ("backends", name, "serves", model, "price")
                yield from _implausible(entry.price, path, _published(plan.policy, name, entry))


def _published(policy: Policy, name: str, served: Served) -> tuple[float, float] | None:
    backend = policy.backends[name]
    rates = None if policy.zones[backend.zone].owned else published_rates(backend, served)
    return None if rates is None else (rates.input, rates.output)


def _paid_by_unit(plan: Plan) -> Iterator[Finding]:
    """Prices by the token alone of what is paid by the second, the character or the picture."""
    policy = plan.policy
    for name, backend in policy.backends.items():
        for model, entry in backend.serves.items():
            if isinstance(entry, Served) and entry.price is not None and not policy.zones[backend.zone].owned:
                for lacks in _lacking(entry, entry.price, published_rates(backend, entry)):
                    yield Finding(("backends", name, "serves", model, "price"), lacks)


def _lacking(served: Served, price: Price, published: Rates | None) -> Iterator[str]:
    """Of the endpoints that are named, unless the price list has the model by its tokens; or what that list has."""
    by_unit = published is not None and is_priced_beside_tokens(published.units)
    if published is None or by_unit:
        for endpoint in served.endpoints or ():
            paid_by = SURFACES[endpoint].paid_by
            if paid_by and not any(getattr(price, each) for each in paid_by):
                yield (
                    f"requests to {endpoint} are booked by their tokens alone, which may be none: if they are paid"
                    f" {_PER[paid_by[0]]}, give `{paid_by[0]}`, else `{paid_by[-1]}`"
                )
    if by_unit and published is not None and published.units is not None and served.endpoints is None:
        for field in ("second", "characters"):
            usual = getattr(published.units, field)
            if usual and not getattr(price, field):
                yield f"the published price is {usual:.6g} USD {_PER[field]}: give `{field}`, or nothing is booked"


def _implausible(price: Price, path: FieldPath, published: tuple[float, float] | None) -> Iterator[Finding]:
    least, most = PLAUSIBLE_PRICES
    known = dict(zip(("input", "output"), published or (0.0, 0.0), strict=True))
    for field in ("input", "output", "cached_input", "cache_write", "cache_write_1h"):
        given = getattr(price, field)
        if not given:
            continue
        if not least <= given <= most:
            yield Finding((*path, field), f"{given:.9g} USD per million tokens is hardly a price{_meant(given)}")
        elif (usual := known.get(field, 0.0)) and not 1 / FAR_OFF < given / usual < FAR_OFF:
            yield Finding(
                (*path, field),
                f"{given:.9g} USD per million tokens, where {usual:.9g} is published{_meant(given, usual)}",
            )
    if price.request > DEAREST_REQUEST:
        yield Finding((*path, "request"), f"{dollars(price.request)} for each request is hardly a price: it is in USD")


def _meant(given: float, usual: float | None = None) -> str:
    """What it would be in the unit that it was probably given in: that which comes nearest to what is usual."""

    def distance(unit: str) -> float:
        return abs(log10(given * _UNITS[unit] / (usual or _ORDINARY)))

    nearest = min(_UNITS, key=distance)
    if distance(nearest) > (log10(_ALL_BUT_THE_RAREST) if usual is None else 1):
        return ": prices are in USD per million tokens"
    return f": if it is per {nearest}, write {given * _UNITS[nearest]:.6g}"


def _rents(plan: Plan) -> Iterator[Finding]:
    least, most = PLAUSIBLE_RENT
    for name, backend in plan.policy.backends.items():
        cost, path = backend.cost, ("backends", name, "cost")
        if cost is None:
            continue
        rent = cost.usd_per_hour
        if rent and not least <= rent <= most:
            per = (
                f"if it is per second, write {rent * 3600:.6g}"
                if rent < least
                else f"if it is per month, write {rent / 730:.6g}"
            )
            yield Finding((*path, "usd_per_hour"), f"{rent:.9g} USD per hour is hardly a rent: {per}")
        variable = cost.usd_per_million_tokens
        if variable and not PLAUSIBLE_PRICES[0] <= variable <= PLAUSIBLE_PRICES[1]:
            told = f"{variable:.9g} USD per million tokens is hardly what power costs{_meant(variable)}"
            yield Finding((*path, "usd_per_million_tokens"), told)


def _costs_of_units(plan: Plan) -> Iterator[Finding]:
    for name, backend in plan.policy.backends.items():
        for field, (least, most) in PLAUSIBLE_COSTS.items():
            given = getattr(backend.cost, field, None)
            if given and not least[0] <= given <= most[0]:
                _, unit, times = least if given < least[0] else most
                told = f"{given:.9g} is hardly what a unit costs or draws: if it is {unit}, write {given * times:.6g}"
                yield Finding(("backends", name, "cost", field), told)


# --- the volume


def _thresholds(plan: Plan) -> Iterator[Finding]:
    """Those that say something else than the prices do, by far."""
    cost = plan.policy.cost
    cloud = plan.cloud_reference.at(0)
    own = [each for each in plan.policy.backends.values() if plan.policy.zones[each.zone].owned]
    if any(backend.power is not None for backend in own):
        if all(backend.power is not None for backend in own) and "threshold_tokens_per_day" in cost.model_fields_set:
            told = "not looked at where all own GPUs are switched (`power`), since prices decide when they are on"
            yield Finding(("cost", "threshold_tokens_per_day"), told)
        return
    if cloud is None:
        return
    needed = break_even(plan.gpu, cloud, shares(Mixture(), cost.mix)).tokens_per_day
    if not needed:
        return
    found: list[tuple[FieldPath, int]] = []
    if STRATEGIES[cost.strategy].takes_threshold:
        found.append((("cost", "threshold_tokens_per_day"), cost.threshold_tokens_per_day))
    for index, rule in enumerate(plan.policy.rules):
        if rule.cost is not None and rule.cost.threshold_tokens_per_day is not None:
            path: FieldPath = ("rules", index, "cost", "threshold_tokens_per_day")
            found.append((path, rule.cost.threshold_tokens_per_day))
    for path, threshold in found:
        off = max(threshold / needed, needed / threshold)
        if off >= FAR_OFF:
            where = "above" if threshold > needed else "below"
            yield Finding(
                path,
                f"{threshold:,} tokens a day is {off:,.0f} times {where} the break-even of {tokens(needed)} that the"
                " prices make: see whether one of them is wrong, or let `strategy: breakeven` compute it",
            )


_CHECKS: tuple[Callable[[Plan], Iterator[Finding]], ...] = (
    _no_time_for_another,
    _no_time_for_a_start,
    _teams_of_keys,
    _teams_without_keys,
    _rules_of_nobody,
    _alike_teams,
    _lost_beginnings,
    _odd_addresses,
    _prices,
    _paid_by_unit,
    _rents,
    _costs_of_units,
    _thresholds,
    what_does_not_fit,
    lambda plan: advice_on_targets(plan.policy),
)
