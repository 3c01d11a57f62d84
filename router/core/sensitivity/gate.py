"""What a request's labels permit: its level, its tags, and the zones that it may reach.

A request has the highest of its levels and all of its tags, and may reach the zones that the level, every tag and
the key have in common: one more label can only take zones away. A level or tag that the policy does not know
(mis-cased, say, or of the wrong type) is never guessed at: it counts as the most restricted level.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from router.core.policy import Sensitivity
from router.core.unknown_names import shown, unknown
from router.core.values import Label, Permits, Plan

UNREADABLE = "unreadable "
"""Begins the source of a label for content that detectors cannot read, before the kind of content."""
SEALED = "sealed "
"""The same for content that its provider alone can open."""
UNANSWERED = "unanswered "
"""The same for what was to look at the content and did not say what it found."""
MALFORMED = "not a string"
"""Stands for a level or tag of the wrong type. Names in a policy have no spaces, so it is never one of them."""


class Classification(Struct, frozen=True):
    level: str
    """Empty when the policy has no sensitivity section."""
    tags: tuple[str, ...]
    """Each once, in the order in which they were met, without unknown ones; digests where there is no such section."""
    zones: frozenset[str]
    """Zones that the request may reach; may be empty."""
    because: tuple[str, ...]
    """What narrowed the zones, and what was not understood: one sentence each, without a full stop."""


_MOST_TOLD = 8
"""Names that the policy does not have, in one answer."""
_MOST_HINTS = 3
"""Names that are compared with those of the policy: it takes far longer than all else here, and whoever mends one slip
is told of the next."""


class _Found(Struct):
    """The strictest so far, on the way through the labels."""

    rank: int = -1
    source: str = ""
    tags: dict[str, str] = {}
    """Source by tag."""
    unknown: list[tuple[str, str, str]] = []
    """Each name that the policy does not have, its source, and what it should have been. Most requests with one go on,
    so it is put into words where somebody is told."""


def classify(plan: Plan, labels: tuple[Label, ...], permits: Permits) -> Classification:
    """The level, tags and permitted zones of a request with these labels that was sent with a key that permits this.

    The policy's default level counts when no label and not the key gives a level.
    """
    labels = with_key(labels, permits)
    every = plan.zones
    section = plan.policy.sensitivity
    if section is None:
        tags = tuple(dict.fromkeys(unknown(tag.strip()) for label in labels for tag in label.tags))
        base = Classification("", tags, every, tuple(_ignored(labels)))
    else:
        base = _by_labels(plan, section, labels, every)
    if permits.zones is None or every <= permits.zones:
        return base
    because = (*base.because, f"its key may reach {_listed(permits.zones)}")
    return Classification(base.level, base.tags, base.zones & permits.zones, because)


def with_key(labels: tuple[Label, ...], permits: Permits) -> tuple[Label, ...]:
    """The labels with what the key says of all its requests."""
    if permits.level is None and not permits.tags:
        return labels
    own = Label(permits.level, permits.tags, "key")
    return labels if own in labels else (*labels, own)


def is_most_restricted(plan: Plan, labels: Iterable[Label]) -> bool:
    """Whether these labels already give the highest level, so that no other could raise it."""
    section = plan.policy.sensitivity
    return section is not None and _strictest(plan, section.tags, labels).rank == len(plan.levels) - 1


def _by_labels(plan: Plan, section: Sensitivity, labels: tuple[Label, ...], every: frozenset[str]) -> Classification:
    found = _strictest(plan, section.tags, labels)
    rank, source = found.rank, found.source
    if rank < 0:
        rank, source = _default_rank(plan, section), "default"
    level, zones = plan.levels[rank], every & plan.level_zones[rank]
    because = _not_understood(found, {"tag": tuple(section.tags), "level": (*plan.levels, MALFORMED)})
    if zones != every:
        because.append(f"the level '{level}' ({source}) permits {_listed(zones)}")
    for tag, origin in found.tags.items():
        permitted = section.tags[tag]
        if not every.issubset(permitted):
            because.append(f"the tag '{tag}' ({origin}) permits {_listed(permitted)}")
            zones = zones.intersection(permitted)
    return Classification(level, tuple(found.tags), zones, tuple(because))


def _not_understood(found: _Found, known: Mapping[str, tuple[str, ...]]) -> list[str]:
    told = [
        f"{shown(name, known[what] if at < _MOST_HINTS else ())} ({source}) is not a {what} of the policy"
        for at, (name, source, what) in enumerate(found.unknown[:_MOST_TOLD])
    ]
    rest = len(found.unknown) - len(told)
    return [*told, f"and {rest} more names are none of the policy's"] if rest else told


def _default_rank(plan: Plan, section: Sensitivity) -> int:
    return len(plan.levels) - 1 if section.default is None else plan.levels.index(section.default)


def _strictest(plan: Plan, known_tags: Mapping[str, object], labels: Iterable[Label]) -> _Found:
    found = _Found()
    for label in labels:
        if label.level is not None:
            _add_level(found, plan, label.level.strip(), label.source)
        for tag in [tag.strip() for tag in label.tags]:
            if tag in known_tags:
                found.tags.setdefault(tag, label.source)
            else:
                found.unknown.append((tag, label.source, "tag"))
                _raise(found, len(plan.levels) - 1, f"for an unknown tag, {label.source}")
    return found


def _add_level(found: _Found, plan: Plan, level: str, source: str) -> None:
    if level in plan.levels:
        _raise(found, plan.levels.index(level), source)
    else:
        found.unknown.append((level, source, "level"))
        _raise(found, len(plan.levels) - 1, f"for an unknown level, {source}")


def _raise(found: _Found, rank: int, source: str) -> None:
    if rank > found.rank:
        found.rank, found.source = rank, source


def _ignored(labels: tuple[Label, ...]) -> list[str]:
    """Labels that nothing stands behind: said, so that nobody takes them for protection."""
    sources = dict.fromkeys(label.source for label in labels)
    if not sources:
        return []
    return [f"the policy has no sensitivity section, so labels do not narrow anything ({', '.join(sources)})"]


def _listed(zones: Iterable[str]) -> str:
    return "only " + ", ".join(sorted(zones)) if zones else "no zone"
