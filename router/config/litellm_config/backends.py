"""Deployments that differ in nothing but their model become one backend; equal servers become its replicas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from router.config.litellm_config.deployments import Deployment, Pairs
from router.config.litellm_config.notes import Note
from router.config.litellm_config.providers import OWN

Entry = tuple[str, Pairs]
"""What the upstream calls a model, and what else is said of it."""


class MadeBackend(Struct, frozen=True):
    name: str
    zone: str
    kind: str
    urls: tuple[str, ...]
    api_base: str
    api_key: str
    settings: Pairs
    serves: Mapping[str, Entry]
    notes: tuple[Note, ...]


def backends(found: Iterable[Deployment]) -> list[MadeBackend]:
    """In the order of their first deployments. A model that several deployments have is served by several backends."""
    made: list[MadeBackend] = []
    for each in found:
        place = next((index for index, backend in enumerate(made) if _takes(backend, each)), None)
        if place is None:
            made.append(_new(each))
        else:
            made[place] = _with(made[place], each)
    return _named(_replicas(made))


def _takes(backend: MadeBackend, each: Deployment) -> bool:
    here = each.reached
    wanted = here.kind, here.zone, (here.url,) if here.url else (), here.api_base, each.api_key, each.settings
    same = wanted == (*(backend.kind, backend.zone, backend.urls, backend.api_base, backend.api_key, backend.settings),)
    return same and each.name not in backend.serves and _providers(backend) in ("", here.model.partition("/")[0])


def _providers(backend: MadeBackend) -> str:
    """Whose models a backend of the adapter has: one provider's, whose hosts it reaches; empty for the other kinds."""
    if backend.kind != "litellm":
        return ""
    return next(iter(backend.serves.values()))[0].partition("/")[0]


def _new(each: Deployment) -> MadeBackend:
    here = each.reached
    name = "gpu" if here.kind == "vllm" else each.provider if here.zone != OWN or here.kind == "litellm" else "own"
    return MadeBackend(
        name=re.sub(r"[^\w.-]", "-", "ollama" if each.provider.startswith("ollama") else name),
        zone=here.zone,
        kind=here.kind,
        urls=(here.url,) if here.url else (),
        api_base=here.api_base,
        api_key=each.api_key,
        settings=each.settings,
        serves={each.name: (here.model, each.served)},
        notes=each.notes,
    )


def _with(backend: MadeBackend, each: Deployment) -> MadeBackend:
    serves = {**backend.serves, each.name: (each.reached.model, each.served)}
    return replace(backend, serves=serves, notes=(*backend.notes, *each.notes))


def _replicas(made: Sequence[MadeBackend]) -> list[MadeBackend]:
    """Servers that differ in nothing but their address are replicas of one backend."""
    joined: list[MadeBackend] = []
    for backend in made:
        same = next((index for index, other in enumerate(joined) if _is_replica(other, backend)), None)
        if same is None:
            joined.append(backend)
        else:
            other = joined[same]
            joined[same] = replace(other, urls=(*other.urls, *backend.urls), notes=(*other.notes, *backend.notes))
    return joined


def _is_replica(one: MadeBackend, other: MadeBackend) -> bool:
    def but_address(backend: MadeBackend) -> tuple[object, ...]:
        return backend.kind, backend.zone, backend.api_base, backend.api_key, backend.settings, backend.serves

    return bool(one.urls and other.urls) and but_address(one) == but_address(other)


def _named(made: Sequence[MadeBackend]) -> list[MadeBackend]:
    """Names are told apart by numbers."""
    names: dict[str, int] = {}
    for backend in made:
        names[backend.name] = names.get(backend.name, 0) + 1
    count: dict[str, int] = {}
    named = []
    for backend in made:
        count[backend.name] = count.get(backend.name, 0) + 1
        several = names[backend.name] > 1
        named.append(replace(backend, name=f"{backend.name}-{count[backend.name]}" if several else backend.name))
    return named
