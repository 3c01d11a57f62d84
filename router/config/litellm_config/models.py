"""What clients ask for: models with their backends, aliases, and what was done about fallbacks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from router.config.litellm_config.backends import MadeBackend
from router.config.litellm_config.notes import Note
from router.config.litellm_config.providers import OUTSIDE, OWN
from router.config.litellm_config.reader import Reader
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


def with_aliases(found: Mapping[str, MadeModel], aliases: Mapping[str, Iterable[str]]) -> dict[str, MadeModel]:
    place = ("router_settings", "model_group_alias")
    made = dict(found)
    for name, given in aliases.items():
        for alias in given:
            if name not in made or alias in made or STAR in alias or STAR in name:
                told = Note(
                    (*place, alias),
                    f"was left out: it stands for {name}, and aliases here are of one model that is there",
                )
                holder = name if name in made else next(iter(made))
                made[holder] = replace(made[holder], notes=(*made[holder].notes, told))
            elif alias not in made[name].aliases:
                made[name] = replace(made[name], aliases=(*made[name].aliases, alias))
    return made


def with_fallbacks(
    reader: Reader, made: Sequence[MadeBackend], found: Mapping[str, MadeModel], prices: Mapping[Served, Tiers]
) -> tuple[list[MadeBackend], dict[str, MadeModel]]:
    """A fallback is carried over where the other is asked second here, too: a cloud after own backends, or after a
    cloud that is no dearer, by `prices`. Of all others it is said what to do."""
    backends, every = {each.name: each for each in made}, dict(found)
    for place, name, others in _fallbacks(reader):
        if name not in every:
            continue
        known = [found[other] for other in others if other in found and other != name]
        told = _carried(backends, found[name], known, prices) if place[1] == "fallbacks" else ""
        if told:
            every[name] = _followed(backends, every[name], known, Note(place, told))
        else:
            every[name] = replace(every[name], notes=(*every[name].notes, _told(place, name, known)))
    return list(backends.values()), every


def _fallbacks(reader: Reader) -> Iterable[tuple[FieldPath, str, list[str]]]:
    """Place, model, and what it falls back to."""
    for section in ("router_settings", "litellm_settings"):
        for kind in ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks"):
            for index in range(len(reader.listing((section, kind)))):
                for name in reader.mapping((section, kind, index)):
                    place = (section, kind, index, name)
                    yield place, name, [str(other) for other in reader.listing(place) if isinstance(other, str)]


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
    name = _free(backends, f"{backend.name}-{_NOT_IN_NAMES.sub('-', other)}")
    backends[name] = replace(backend, name=name, serves={model: entry}, notes=())
    return name


def _free(backends: Mapping[str, MadeBackend], wanted: str) -> str:
    names = (wanted, *(f"{wanted}-{number}" for number in range(2, len(backends) + 3)))
    return next(name for name in names if name not in backends)


def _told(place: FieldPath, name: str, others: Sequence[MadeModel]) -> Note:
    if place[1] == "content_policy_fallbacks":
        return Note(place, _REFUSED)
    if place[1] == "context_window_fallbacks":
        return Note(place, _LONGER, todo=True)
    backends = " and ".join(dict.fromkeys(each for other in others for each in other.backends)) or "a backend"
    return Note(place, _CHEAPER.format(backends=backends, model=name), todo=True)
