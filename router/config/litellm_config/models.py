"""What clients ask for: models with their backends, aliases, and what was done about fallbacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from router.config.litellm_config.backends import MadeBackend
from router.config.litellm_config.notes import Note
from router.config.litellm_config.providers import OUTSIDE, OWN
from router.config.litellm_config.reader import Reader
from router.config.problems import FieldPath
from router.core.name_patterns import STAR

_CHEAPER = (
    "was not carried over: among clouds the cheaper one goes first here, so it would not only answer when the other"
    " fails. If that is right, add {backends} to the model's backends, and {model} to what they serve"
)
_LONGER = (
    "was not carried over: a request goes only to backends whose context it fits, so give one with a longer context to"
    " the model's backends; of those that fit the cheaper one goes first"
)
_REFUSED = "was not carried over: what a provider refuses to answer is the client's answer, and nobody else is asked"
_FOR_ALL = "was not carried over: say for each model which backends may serve it"


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
    reader: Reader, made: Sequence[MadeBackend], found: Mapping[str, MadeModel]
) -> tuple[list[MadeBackend], dict[str, MadeModel]]:
    """A fallback from own backends to a cloud is carried over; of others it is said what to do."""
    backends, every = {each.name: each for each in made}, dict(found)
    for place, name, others in _fallbacks(reader):
        if name not in every:
            continue
        kind = place[1]
        known = [other for other in others if other in found]
        if kind == "fallbacks" and known and _may_spill(backends, found[name], [found[other] for other in known]):
            every[name] = _spilling(backends, every[name], [found[other] for other in known], place)
        else:
            every[name] = replace(
                every[name], notes=(*every[name].notes, _told(place, name, [found[o] for o in known]))
            )
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


def _may_spill(backends: Mapping[str, MadeBackend], model: MadeModel, others: Sequence[MadeModel]) -> bool:
    ours = {backends[name].zone for name in model.backends}
    theirs = {backends[name].zone for other in others for name in other.backends}
    return ours == {OWN} and theirs == {OUTSIDE}


def _spilling(
    backends: dict[str, MadeBackend], model: MadeModel, others: Sequence[MadeModel], place: FieldPath
) -> MadeModel:
    """The others' backends serve the model, too, as what they call the others."""
    added = []
    for other in others:
        for name in other.backends:
            backend = backends[name]
            if model.name not in backend.serves:
                backends[name] = replace(backend, serves={**backend.serves, model.name: backend.serves[other.name]})
                added.append(name)
    told = Note(place, "goes to the cloud when own backends are down, and here also when they are full")
    names = dict.fromkeys((*model.backends, *added))
    return replace(model, backends=tuple(names), notes=(*model.notes, told))


def _told(place: FieldPath, name: str, others: Sequence[MadeModel]) -> Note:
    if place[1] == "content_policy_fallbacks":
        return Note(place, _REFUSED)
    if place[1] == "context_window_fallbacks":
        return Note(place, _LONGER, todo=True)
    backends = " and ".join(dict.fromkeys(each for other in others for each in other.backends)) or "a backend"
    return Note(place, _CHEAPER.format(backends=backends, model=name), todo=True)
