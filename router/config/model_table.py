"""The models of a policy by every name that clients may ask for: those that it names, and those that its patterns take.

What a pattern takes has no end, so it is worked out when it is asked for. It is called by the price list's own name of
it, of which there are few; what the list does not know is called by the pattern: names that clients make up must not
become as many counters, nor stand in logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from router.core.name_patterns import closest, is_pattern
from router.core.values import ModelPlan

_REMEMBERED = 4096
_LONGEST_NAME = 256
"""Characters up to which a name is remembered."""


class ModelTable(Mapping[str, ModelPlan]):
    """Its keys are what the policy names, patterns among them; it has, besides, all that these take."""

    def __init__(self, named: Mapping[str, ModelPlan], make: Callable[[ModelPlan, str], ModelPlan]) -> None:
        """`make` tells of a pattern's plan and a name that the pattern takes what that model is."""
        self._named = named
        self._patterns = [name for name in named if is_pattern(name)]
        self._make = make
        self._made: dict[str, ModelPlan] = {}

    def __getitem__(self, name: str) -> ModelPlan:
        found = self._named.get(name) or self._made.get(name) or self._taken(name)
        if found is None:
            raise KeyError(name)
        return found

    def _taken(self, name: str) -> ModelPlan | None:
        pattern = closest(self._patterns, name) if name else None
        if pattern is None:
            return None
        made = self._make(self._named[pattern], name)
        if len(name) <= _LONGEST_NAME:
            if len(self._made) >= _REMEMBERED:
                self._made.clear()
            self._made[name] = made
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)
