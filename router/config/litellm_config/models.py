"""What clients ask for: models with their backends, aliases, and what was done about fallbacks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from router.config.litellm_config.backends import MadeBackend
from router.config.litellm_config.model_names import RENAMED, as_name, free, plain
from router.config.litellm_config.notes import Note
from router.config.litellm_config.providers import OUTSIDE, OWN
from router.config.litellm_config.reader import Reader
from router.config.litellm_config.settings import Alias
from router.config.problems import FieldPath
from router.core.cost.pricing import rates_for
from router.core.name_patterns import STAR
from router.core.values import PriceTier

_CHEAPER = (
    "was not carried over: among clouds the cheaper one goes first here, so it would not only answer when the other"
    " fails. If that is right, add {backends} to the model's backends, and {model} to what they serve"
)
_SPILLS = "goes to the cloud when own backends are down, and here also when they are full"
_SECOND = (
    "is asked when the first fails, since it is no cheaper: of clouds the cheaper one goes first, and of equally dear"
    " ones the one that is named first"
)
_COMPARED = ("input", "output", "cached_input", "cache_write", "request")
_NOT_IN_NAMES = re.compile(r"[^\w.-]")
_LONGER = (
    "was not carried over: a request goes only to backends whose context it fits, so give one with a longer context to"
    " the model's backends; of those that fit the cheaper one goes first"
)
_REFUSED = "was not carried over: what a provider refuses to answer is the client's answer, and nobody else is asked"
_OF_NOBODY = (
    "was not carried over: no model of model_list is called so. If it is one that a pattern takes, give it an entry of"
    " its own under `models:`, with the backends that may serve it"
)
_OF_ALIAS = "was not carried over: an alias has no fallbacks of its own here, but those of its model, which is"
_MISSING = (
    "was left out: no model of model_list is called so. If it is one that a pattern takes, give the model that falls"
    " back its backend, too"
)
_FOR_ALL = "was not carried over: say for each model which backends may serve it"


Served = tuple[str, str]
"""A backend, and a model that it serves."""
Tiers = tuple[PriceTier, ...]
"""What that costs, by the size of requests."""


class MadeModel(Struct, frozen=True):
    name: str
    backends: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


def models(made: Sequence[MadeBackend]) -> dict[str, MadeModel]:
    names = dict.fromkeys(name for backend in made for name in backend.serves)
    return {name: MadeModel(name, tuple(each.name for each in made if name in each.serves)) for name in names}


def with_aliases(
    found: Mapping[str, MadeModel], aliases: Iterable[Alias], names: Mapping[str, str]
) -> tuple[dict[str, MadeModel], dict[str, str]]:
    """The models with them, and the model of each as the config names it. `names` is what models are called here, by
    what they are called there."""
    made, whose = dict(found), dict[str, str]()
    for each in aliases:
        alias, name = plain(each.name), names.get(each.model, "")
        why = _no_alias(alias, name, made)
        if why:
            _tell(made, name, Note(each.path, f"was left out: {why.format(model=each.model)}", todo=True))
            continue
        whose[each.name] = name
        if alias != each.name:
            _tell(made, name, Note(each.path, f"{RENAMED} {alias}", todo=True))
        if alias not in made[name].aliases:
            made[name] = replace(made[name], aliases=(*made[name].aliases, alias))
    return made, whose


def _no_alias(alias: str, name: str, made: Mapping[str, MadeModel]) -> str:
    """Why it cannot be one of the model; empty where it can."""
    if name not in made:
        return "it stands for {model}, and no model of model_list is called so"
    if STAR in alias or STAR in name:
        return "it stands for {model}, and an alias here is one name, of one model"
    if not alias:
        return "it is no name"
    if alias in made:
        return "a model has this name here, and is what clients get who ask for it. There, they got {model}"
    if any(alias in each.aliases for each in made.values() if each.name != name):
        return "another model has this alias already"
    return ""


def _tell(made: dict[str, MadeModel], name: str, told: Note) -> None:
    """At the model; at the first one where there is none of this name."""
    holder = name if name in made else next(iter(made))
    made[holder] = replace(made[holder], notes=(*made[holder].notes, told))


def with_fallbacks(
    reader: Reader,
    made: Sequence[MadeBackend],
    found: Mapping[str, MadeModel],
    prices: Mapping[Served, Tiers],
    names: Mapping[str, str],
    aliases: Mapping[str, str],
) -> tuple[list[MadeBackend], dict[str, MadeModel]]:
    """A fallback is carried over where the other is asked second here, too: a cloud after own backends, or after a
    cloud that is no dearer, by `prices`. Of all others it is said what to do. `names` and `aliases` are the models'
    names here, by what the config calls them."""
    backends, every = {each.name: each for each in made}, dict(found)
    called = {**aliases, **names}
    for place, given, others in _fallbacks(reader):
        name = names.get(given, "")
        if name not in every:
            _tell(every, name, _of_nobody(place, given, aliases))
            continue
        known = [found[called[each]] for each in others if called.get(each) in found and called[each] != name]
        missing = [each or "what is no name" for each in others if called.get(each) not in found]
        told = _carried(backends, found[name], known, prices) if place[1] == "fallbacks" else ""
        if told:
            every[name] = _followed(backends, every[name], known, Note(place, told))
        elif known or not missing or place[1] != "fallbacks":
            _tell(every, name, _told(place, name, known))
        if missing and place[1] == "fallbacks":
            _tell(every, name, Note(place, f"{', '.join(missing)} {_MISSING}", todo=True))
    return list(backends.values()), every


def _of_nobody(place: FieldPath, given: str, aliases: Mapping[str, str]) -> Note:
    if given == STAR:
        return Note(place, _FOR_ALL, todo=True)
    if given in aliases:
        return Note(place, f"{_OF_ALIAS} {aliases[given]}", todo=True)
    return Note(place, _OF_NOBODY, todo=True)


def _fallbacks(reader: Reader) -> Iterable[tuple[FieldPath, str, list[str]]]:
    """Place, model, and what it falls back to, as they are called there; empty for what is no name."""
    for section in ("router_settings", "litellm_settings"):
        for kind in ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks"):
            for index in range(len(reader.listing((section, kind)))):
                for name in reader.mapping((section, kind, index)):
                    place = (section, kind, index, name)
                    yield place, as_name(name), [as_name(other) for other in reader.listing(place)]


def default_fallbacks(reader: Reader) -> tuple[Note, ...]:
    places = [(section, "default_fallbacks") for section in ("router_settings", "litellm_settings")]
    return tuple(Note(place, _FOR_ALL, todo=True) for place in places if reader.listing(place))


def _carried(
    backends: Mapping[str, MadeBackend], model: MadeModel, others: Sequence[MadeModel], prices: Mapping[Served, Tiers]
) -> str:
    """How the others come second; empty where they might not."""
    ours = {backends[name].zone for name in model.backends}
    theirs = {backends[name].zone for other in others for name in other.backends}
    if theirs != {OUTSIDE} or any(STAR in other.name for other in others):
        return ""
    if ours == {OWN}:
        return _SPILLS
    # Each in its turn, so that of several fallbacks the first named is the first asked.
    turns = [[(name, each.name) for name in each.backends] for each in (model, *others)]
    in_turn = all(
        _no_cheaper(prices.get(before), prices.get(after))
        for number, turn in enumerate(turns)
        for before in turn
        for later in turns[number + 1 :]
        for after in later
    )
    return _SECOND if ours == {OUTSIDE} and in_turn else ""


def _no_cheaper(before: Tiers | None, after: Tiers | None) -> bool:
    """For requests of every size; not where a price is not known."""
    if before is None or after is None:
        return False
    sizes = {tier.from_input_tokens for tier in (*before, *after)}
    return all(
        getattr(rates_for(after, size), name) >= getattr(rates_for(before, size), name)
        for size in sizes
        for name in _COMPARED
    )


def _followed(backends: dict[str, MadeBackend], model: MadeModel, others: Sequence[MadeModel], told: Note) -> MadeModel:
    """The others' backends serve the model, too, as what they call the others."""
    added = [_also(backends, backends[name], model.name, other.name) for other in others for name in other.backends]
    return replace(model, backends=(*model.backends, *added), notes=(*model.notes, told))


def _also(backends: dict[str, MadeBackend], backend: MadeBackend, model: str, other: str) -> str:
    """The name of the backend that serves the model as the other: one of its own, where that serves it as itself."""
    entry = backend.serves[other]
    if model not in backend.serves:
        backends[backend.name] = replace(backend, serves={**backend.serves, model: entry})
        return backend.name
    name = free(f"{backend.name}-{_NOT_IN_NAMES.sub('-', other)}", backends)
    backends[name] = replace(backend, name=name, serves={model: entry}, notes=())
    return name


def _told(place: FieldPath, name: str, others: Sequence[MadeModel]) -> Note:
    if place[1] == "content_policy_fallbacks":
        return Note(place, _REFUSED)
    if place[1] == "context_window_fallbacks":
        return Note(place, _LONGER, todo=True)
    backends = " and ".join(dict.fromkeys(each for other in others for each in other.backends)) or "a backend"
    return Note(place, _CHEAPER.format(backends=backends, model=name), todo=True)
