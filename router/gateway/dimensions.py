"""What records keep of whom a request is for: nothing, or what the policy names. See `core.dimensions`."""

from __future__ import annotations

from collections.abc import Sequence

from router.core.dimensions import kept, personal_finder
from router.surfaces.base import Surface
from router.surfaces.dimensions import dimensions_in


class NoDimensions:
    names: tuple[str, ...] = ()

    def of(self, surface: Surface, body: bytes) -> tuple[str, ...]:
        """Of a body that could be read."""
        return ()


class NamedDimensions(NoDimensions):
    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._finder = personal_finder()

    def of(self, surface: Surface, body: bytes) -> tuple[str, ...]:
        return kept(dimensions_in(body, self.names, surface), self._finder)


def dimensions_named(names: Sequence[str]) -> NoDimensions:
    return NamedDimensions(names) if names else NoDimensions()
