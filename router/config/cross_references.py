"""What the sections of a policy say about each other.

Works on plain data rather than on a `Policy`, so that it can tell what it finds even where other parts of the
file have the wrong shape: whatever does not look as expected is passed over here, because `config.decode` reports it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from itertools import pairwise
from typing import Any, TypeGuard

from msgspec import Struct

from router.config.problems import FieldPath, Finding, listing, suggest
from router.core.cost.strategies import STRATEGIES
from router.core.decision.kept import ALL
from router.core.name_patterns import STAR, closest, takes
from router.surfaces.registry import KEPT, SURFACES

_ONE_STAR = 'a pattern has one "*", such as "gpt-*"'


def find_broken(data: Any) -> tuple[Finding, ...]:
    """Every reference to a thing that does not exist, and every contradiction between sections."""
    known = _known(data)
    return tuple(finding for check in _CHECKS for finding in check(known))


class _Known(Struct, frozen=True):
    zones: dict[str, Any]
    backends: dict[str, dict[str, Any]]
    models: dict[str, dict[str, Any]]
    sensitivity: dict[str, Any] | None
    levels: dict[str, Any]
    tags: dict[str, Any]
    rules: list[dict[str, Any]]
    keys: list[dict[str, Any]]
    teams: dict[str, dict[str, Any]]
    budget: dict[str, Any]
    cost: dict[str, Any]
    stored_keys: bool
    """Whether keys may be elsewhere too, so that not all names and teams are known."""

    def owned(self, zone: Any) -> bool | None:
        """None when the file does not tell."""
        section = self.zones.get(zone) if isinstance(zone, str) else None
        owned = section.get("owned", False) if isinstance(section, dict) else None
        return owned if isinstance(owned, bool) else None


def _known(data: Any) -> _Known:
    top = _mapping(data)
    sensitivity = top.get("sensitivity")
    inner = _mapping(sensitivity)
    return _Known(
        zones=_mapping(top.get("zones")),
        backends=_mappings(top.get("backends")),
        models=_mappings(top.get("models")),
        sensitivity=None if sensitivity is None else inner,
        levels=_mapping(inner.get("levels")),
        tags=_mapping(inner.get("tags")),
        rules=[_mapping(rule) for rule in _list(top.get("rules"))],
        keys=[_mapping(key) for key in _list(top.get("keys"))],
        teams=_mappings(top.get("teams")),
        budget=_mapping(top.get("budget")),
        cost=_mapping(top.get("cost")),
        stored_keys=_mapping(top.get("server")).get("stored_keys") is True,
    )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> dict[str, dict[str, Any]]:
    return {name: _mapping(item) for name, item in _mapping(value).items()}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


_NEVER_EMPTY = frozenset({"zone", "backend", "model"})


def _unknown(what: str, name: Any, known: Collection[str], path: FieldPath, hint: str = "") -> Iterator[Finding]:
    # A section that is missing or empty is reported once, not for every name in it.
    reported = not known and what in _NEVER_EMPTY
    if isinstance(name, str) and name not in known and not reported:
        message = f'there is no {what} "{name}"{suggest(name, known)} {what}s: {listing(known)}{hint}'
        yield Finding(path, message)


def _each_unknown(what: str, names: Any, known: Collection[str], path: FieldPath) -> Iterator[Finding]:
    for index, name in enumerate(_list(names)):
        yield from _unknown(what, name, known, (*path, index))


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str)


def _zones(known: _Known) -> Iterator[Finding]:
    for name, backend in known.backends.items():
        yield from _unknown("zone", backend.get("zone"), known.zones, ("backends", name, "zone"))
    for section, labels in (("levels", known.levels), ("tags", known.tags)):
        for name, zones in labels.items():
            yield from _each_unknown("zone", zones, known.zones, ("sensitivity", section, name))
    for section, items in (("rules", known.rules), ("keys", known.keys)):
        for index, item in enumerate(items):
            yield from _each_unknown("zone", item.get("zones"), known.zones, (section, index, "zones"))


def _models(known: _Known) -> Iterator[Finding]:
    for name, model in known.models.items():
        if name.count(STAR) > 1:
            yield Finding(("models", name), _ONE_STAR, on_key=True)
        if STAR in name and model.get("aliases"):
            yield Finding(("models", name, "aliases"), "a pattern stands for many models: an alias must be of one")
        seen: set[str] = set()
        for index, backend in enumerate(_list(model.get("backends"))):
            path: FieldPath = ("models", name, "backends", index)
            yield from _unknown("backend", backend, known.backends, path)
            yield from _not_served(known, name, backend, path)
            if isinstance(backend, str) and backend in seen:
                yield Finding(path, f'"{backend}" is listed twice: keep one')
            seen.add(str(backend))


def _not_served(known: _Known, model: str, backend: Any, path: FieldPath) -> Iterator[Finding]:
    if not isinstance(backend, str) or backend not in known.backends:
        return
    serves = known.backends[backend].get("serves")
    if isinstance(serves, dict) and closest(filter(_is_text, serves), model) is None:
        key = f'\'"{model}": "{model}"\'' if STAR in model else f'"{model}: <the name that the upstream knows>"'
        yield Finding(
            path,
            f'backend "{backend}" does not serve "{model}": '
            f"add {key} to backends.{backend}.serves, or take it off this list",
        )


def _served_names(known: _Known) -> Iterator[Finding]:
    for name, backend in known.backends.items():
        for served, entry in _mapping(backend.get("serves")).items():
            path: FieldPath = ("backends", name, "serves", served)
            if isinstance(served, str) and served.count(STAR) > 1:
                yield Finding(path, _ONE_STAR, on_key=True)
                continue
            taken = isinstance(served, str) and any(takes(served, each) or takes(each, served) for each in known.models)
            for finding in () if taken else _unknown("model", served, known.models, path):
                yield Finding(finding.path, finding.message, on_key=True)
            upstream = _mapping(entry).get("model", entry)
            if isinstance(served, str) and isinstance(upstream, str) and STAR in upstream and STAR not in served:
                yield Finding(path, f'"{upstream}" has a "*" that "{served}" gives nothing for: give the whole name')


def _endpoints(known: _Known) -> Iterator[Finding]:
    for name, backend in known.backends.items():
        for model, served in _mapping(backend.get("serves")).items():
            path: FieldPath = ("backends", name, "serves", model, "endpoints")
            yield from _each_unknown("endpoint", _mapping(served).get("endpoints"), SURFACES, path)
    for index, rule in enumerate(known.rules):
        yield from _unknown(
            "endpoint", _mapping(rule.get("when")).get("endpoint"), SURFACES, ("rules", index, "when", "endpoint")
        )


def _resources(known: _Known) -> Iterator[Finding]:
    """Every kind of kept object has one place for new ones."""
    keepers: dict[str, str] = {}
    for name, backend in known.backends.items():
        given = backend.get("resources")
        named = KEPT.names if given == ALL else _list(given)
        yield from _each_unknown("resource", named, KEPT.names, ("backends", name, "resources"))
        for each in filter(_is_text, named):
            if each in keepers:
                words = f"{each} are kept by {keepers[each]} already: new ones can go to one backend only"
                yield Finding(("backends", name, "resources"), words)
                break
            keepers[each] = name


def _aliases(known: _Known) -> Iterator[Finding]:
    owners: dict[str, str] = {}
    for name, model in known.models.items():
        for index, alias in enumerate(_list(model.get("aliases"))):
            path: FieldPath = ("models", name, "aliases", index)
            if not isinstance(alias, str):
                continue
            if STAR in alias:
                yield Finding(path, f'"{alias}" is a pattern: patterns stand under `models`, not among aliases')
            elif alias in known.models:
                yield Finding(path, f'"{alias}" is the name of a model: an alias must be another name')
            elif alias in owners:
                yield Finding(path, f'"{alias}" is already an alias of "{owners[alias]}": take it off one of them')
            owners.setdefault(alias, name)


def _sensitivity(known: _Known) -> Iterator[Finding]:
    section = known.sensitivity or {}
    for field in ("default", "unreadable", "sealed"):
        yield from _unknown("level", section.get(field), known.levels, ("sensitivity", field))
    for index, detector in enumerate(map(_mapping, _list(section.get("detectors")))):
        path: FieldPath = ("sensitivity", "detectors", index)
        yield from _unknown("level", detector.get("raise_to"), known.levels, (*path, "raise_to"))
        yield from _unknown("tag", detector.get("tag"), known.tags, (*path, "tag"))


def _narrowing(known: _Known) -> Iterator[Finding]:
    for lesser, name in pairwise(known.levels):
        permitted = _list(known.levels[lesser])
        for index, zone in enumerate(_list(known.levels[name])):
            if zone not in permitted:
                yield Finding(
                    ("sensitivity", "levels", name, index),
                    f'level "{name}" permits zone "{zone}", which the less restricted level "{lesser}" does not: '
                    "levels go from the least to the most restricted, so each may only keep or drop zones "
                    "of the one above it; change the order or the zones",
                )


def _key_contents(known: _Known) -> Iterator[Finding]:
    for index, key in enumerate(known.keys):
        path: FieldPath = ("keys", index)
        yield from _label("level", key.get("sensitivity"), known, (*path, "sensitivity"))
        for number, tag in enumerate(_list(key.get("tags"))):
            yield from _label("tag", tag, known, (*path, "tags", number))
        for number, model in enumerate(_list(key.get("models"))):
            yield from _model_name(model, known, (*path, "models", number))


def _label(what: str, name: Any, known: _Known, path: FieldPath) -> Iterator[Finding]:
    """A level or tag outside the section that defines them."""
    names = known.levels if what == "level" else known.tags
    hint = "" if known.sensitivity is not None else "; the policy has no sensitivity section"
    yield from _unknown(what, name, names, path, hint)


def _model_name(name: Any, known: _Known, path: FieldPath) -> Iterator[Finding]:
    owner = next((owner for owner, model in known.models.items() if name in _list(model.get("aliases"))), None)
    if owner is not None and name not in known.models:
        yield Finding(path, f'"{name}" is an alias: give the model\'s own name, "{owner}"')
    elif not isinstance(name, str) or not any(takes(each, name) or takes(name, each) for each in known.models):
        yield from _unknown("model", name, known.models, path)


def _budgets(known: _Known) -> Iterator[Finding]:
    """Limits of models that do not exist would limit nothing."""
    budgets: list[tuple[FieldPath, Any]] = [(("budget",), known.budget)]
    budgets += [(("teams", name, "budget"), team.get("budget")) for name, team in known.teams.items()]
    budgets += [(("keys", index, "budget"), key.get("budget")) for index, key in enumerate(known.keys)]
    for path, budget in budgets:
        for model in _mapping(_mapping(budget).get("models")):
            for finding in _model_name(model, known, (*path, "models", model)):
                yield Finding(finding.path, finding.message, on_key=True)


def _duplicate_keys(known: _Known) -> Iterator[Finding]:
    for field, words in (("name", "has this name already"), ("sha256", "is this very key already")):
        first: dict[str, int] = {}
        for index, key in enumerate(known.keys):
            value = key.get(field)
            if isinstance(value, str) and value in first:
                yield Finding(("keys", index, field), f"keys[{first[value]}] {words}: each must be different")
            first.setdefault(str(value), index)


def _rules(known: _Known) -> Iterator[Finding]:
    teams = {key.get("team", "default") for key in known.keys if isinstance(key.get("team", "default"), str)}
    teams |= known.teams.keys()
    names = {key["name"] for key in known.keys if isinstance(key.get("name"), str)}
    for index, rule in enumerate(known.rules):
        when, path = _mapping(rule.get("when")), ("rules", index, "when")
        yield from _label("tag", when.get("tag"), known, (*path, "tag"))
        yield from _label("level", when.get("level"), known, (*path, "level"))
        yield from _model_name(when.get("model"), known, (*path, "model"))
        if known.stored_keys:
            continue
        yield from _unknown("team", when.get("team"), sorted(teams or {"default"}), (*path, "team"))
        yield from _unknown("key", when.get("key"), sorted(names), (*path, "key"))


def _costs(known: _Known) -> Iterator[Finding]:
    wanted = _gpu_cost_wanted_by(known)
    for name, backend in known.backends.items():
        zone, cost = backend.get("zone"), backend.get("cost")
        owned = known.owned(zone)
        if cost is not None and owned is False:
            yield Finding(
                ("backends", name, "cost"),
                f'"cost" is what an owned backend costs, but zone "{zone}" is not owned: '
                f'give "price" under serves, or set "owned: true" on the zone',
                on_key=True,
            )
        if cost is None and wanted and owned:
            yield Finding(
                ("backends", name, "cost"),
                f'missing key "cost": {wanted} needs to know what this backend costs; '
                'add it, such as "cost: {usd_per_hour: 1.59}"',
            )


def _powered(known: _Known) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Names of the backends that have a power section, with both."""
    for name, backend in known.backends.items():
        if isinstance(backend.get("power"), dict):
            yield name, backend, backend["power"]


def _power(known: _Known) -> Iterator[Finding]:
    for name, backend, power in _powered(known):
        path: FieldPath = ("backends", name, "power")
        yield from _not_switchable(known, name, backend, power)
        yield from _each_unknown("level", power.get("wake_for"), known.levels, (*path, "wake_for"))
        units = power.get("units", 1)
        if power.get("driver") != "kubernetes" and isinstance(units, int) and units > 1:
            yield Finding(
                (*path, "units"), f'the driver "{power.get("driver")}" has one unit: only kubernetes can have more'
            )


def _not_switchable(known: _Known, name: str, backend: dict[str, Any], power: dict[str, Any]) -> Iterator[Finding]:
    zone, kind, driver = backend.get("zone"), backend.get("kind"), power.get("driver")
    path: FieldPath = ("backends", name, "power")
    if known.owned(zone) is False:
        yield Finding(
            path,
            f'"power" switches what is the organisation\'s own, but zone "{zone}" is not owned: '
            'take it off, or set "owned: true" on the zone',
            on_key=True,
        )
    elif driver in ("process", "sleep") and kind in ("openai", "anthropic", "litellm"):
        yield Finding((*path, "driver"), f'the driver "{driver}" switches a vLLM, but the backend is of kind "{kind}"')
    elif kind == "litellm":
        yield Finding(path, '"power" needs an address that is asked whether the unit answers: kind "litellm" has none')
    if driver in ("process", "sleep") and backend.get("urls") is not None:
        yield Finding(("backends", name, "urls"), f'the driver "{driver}" has one unit: give its address as url')
    # Sleeping saves no rent, so there is nothing to weigh it against.
    if backend.get("cost") is None and power.get("mode", "auto") == "auto" and driver != "sleep":
        yield Finding(
            (*path, "mode"),
            f'mode "auto" weighs what an hour costs, but backends.{name} has no "cost": '
            'add it, such as "cost: {usd_per_hour: 1.59}"',
        )


def _launched(known: _Known) -> Iterator[Finding]:
    """A vLLM that the gateway starts listens where its url says, on this machine, and alone."""
    at: dict[str, str] = {}
    for name, backend, power in _powered(known):
        url = backend.get("url")
        if power.get("driver") != "process" or not isinstance(url, str):
            continue
        path: FieldPath = ("backends", name, "url")
        if not _LOOPBACK.fullmatch(url):
            yield Finding(
                path,
                'the driver "process" starts a vLLM on this machine alone: '
                "its url is such as http://127.0.0.1:8000/v1, with a port",
            )
        elif url in at:
            yield Finding(path, f"backends.{at[url]} is started at this address already: give each its own port")
        at.setdefault(url, name)


_LOOPBACK = re.compile(r"http://(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\]):\d{1,5}/v1/?")


def _sharing_one_thing(known: _Known) -> Iterator[Finding]:
    """What two drivers would each switch as if it was theirs alone."""
    scaled: dict[tuple[str, ...], str] = {}
    for name, _, power in _powered(known):
        if power.get("driver") != "kubernetes":
            continue
        workload = tuple(
            str(power.get(field, "Deployment" if field == "workload" else ""))
            for field in ("kubeconfig", "context", "namespace", "workload", "name")
        )
        if workload in scaled:
            message = f"backends.{scaled[workload]} scales this already: two would undo what the other does"
            yield Finding(("backends", name, "power", "name"), message)
        scaled.setdefault(workload, name)
    sleepers = [(name, power) for name, _, power in _powered(known) if power.get("driver") == "sleep"]
    for name, power in sleepers:
        if len(sleepers) > 1 and power.get("card") is None:
            yield Finding(
                ("backends", name, "power", "card"),
                'missing key "card": of those that share a card one is awake at a time, so that each of several has '
                'to say which it is on; add it, such as "card: gpu-0"',
            )
    always = dict[str, str]()
    for name, power in sleepers:
        if power.get("mode") == "always" and isinstance(card := power.get("card"), str):
            if card in always:
                message = f"backends.{always[card]} is always awake on the card {card}: one is awake there at a time"
                yield Finding(("backends", name, "power", "mode"), message)
            always.setdefault(card, name)


def _gpu_cost_wanted_by(known: _Known) -> str:
    """The field that asks for a strategy which needs to know what GPUs cost, or nothing."""
    needing = [name for name, strategy in STRATEGIES.items() if strategy.needs_gpu_cost]
    if known.cost.get("strategy") in needing:
        return f"cost.strategy: {known.cost['strategy']}"
    for index, rule in enumerate(known.rules):
        strategy = _mapping(rule.get("cost")).get("strategy")
        if strategy in needing:
            return f"rules[{index}].cost.strategy: {strategy}"
    return ""


_CHECKS: tuple[Callable[[_Known], Iterator[Finding]], ...] = (
    _zones,
    _models,
    _served_names,
    _endpoints,
    _resources,
    _aliases,
    _sensitivity,
    _narrowing,
    _key_contents,
    _budgets,
    _duplicate_keys,
    _rules,
    _costs,
    _power,
    _launched,
    _sharing_one_thing,
)
