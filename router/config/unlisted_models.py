"""What a policy says that backends serve, and they do not list: found out by a request otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from router.config.problems import Finding, suggest
from router.core.backend_kinds import Served
from router.core.name_patterns import is_pattern
from router.core.policy import Policy

Listings = Mapping[str, frozenset[str]]
"""What backends list, by the backend's name; those that did not tell are not in it."""


def unlisted(policy: Policy, listings: Listings) -> dict[str, tuple[str, ...]]:
    """Names under `serves` that their backend does not list, by backend; backends that list all are left out."""
    found: dict[str, list[str]] = {}
    for name, _, upstream in _served(policy):
        if name in listings and upstream not in listings[name]:
            found.setdefault(name, []).append(upstream)
    return {name: tuple(dict.fromkeys(names)) for name, names in found.items()}


def findings(policy: Policy, listings: Listings) -> tuple[Finding, ...]:
    """The same, with where it stands and what may be meant."""
    return tuple(
        Finding(("backends", name, "serves", model), f'its /models lacks "{upstream}"{_hint(upstream, listings[name])}')
        for name, model, upstream in _served(policy)
        if name in listings and upstream not in listings[name]
    )


def _hint(upstream: str, listed: frozenset[str]) -> str:
    """A provider lists hundreds: only what is like it helps."""
    meant = suggest(upstream, sorted(listed))
    return meant if "?" in meant else f" among {len(listed)} models: ask the provider for its name, or for access"


def _served(policy: Policy) -> Iterator[tuple[str, str, str]]:
    """Backend, this policy's name of a model, and the upstream's; patterns name nothing."""
    for name, backend in policy.backends.items():
        for model, entry in backend.serves.items():
            upstream = entry.model if isinstance(entry, Served) else entry
            if not is_pattern(upstream):
                yield name, model, upstream
