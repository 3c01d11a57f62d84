"""What the fleet is told of each backend."""

from __future__ import annotations

from msgspec import Struct

from router.core.policy import Backend, Health
from router.upstream.target import Target


class BackendSpec(Struct, frozen=True):
    """What the fleet needs of one backend. Two equal specs share connections and breakers across a reload."""

    name: str
    backend: Backend
    targets: tuple[Target, ...]
    health: Health

    @property
    def upstream_models(self) -> frozenset[str]:
        served = self.backend.serves.values()
        return frozenset(each if isinstance(each, str) else each.model for each in served)
