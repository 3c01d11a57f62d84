"""What a policy says no more, without which more may leave, be spent or be asked.

A text of which a part is missing looks like that, and so does a merge gone wrong. Whoever means it writes the section
with nothing in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from router.config.problems import Finding
from router.core.policy import Policy
from router.core.policy_fields import Section

_OF_THE_POLICY: Mapping[str, tuple[str, str]] = {
    "rules": ("no rule narrows where requests may go", "rules: []"),
    "budget": ("nothing limits what all keys spend together", "budget: {}"),
    "teams": ("nothing limits what teams spend", "teams: {}"),
    "keys": ("no key of the policy is asked for", "keys: []"),
}
"""What follows without a section, and how it is written with nothing in it."""
_OF_SENSITIVITY: Mapping[str, tuple[str, str]] = {
    "tags": ("no tag narrows where requests may go", "tags: {}"),
    "detectors": ("nothing is looked for in requests", "detectors: []"),
}
_FIELDS: tuple[tuple[str, str, object, str], ...] = (
    ("server", "stored_keys", False, "no key that is stored in the ledger is asked for"),
    ("media", "allow_hosts", None, "requests may name any public host for a backend to fetch from"),
    ("playground", "access", "editor", "editors may try requests"),
)
"""Of sections that do more than protect: the field, its default, and what follows from that."""
_NARROWING = ("sensitivity", "rules", "budget", "teams", "media", "server", "ledger", "playground")


def lost_sections(before: Policy, after: Policy) -> Iterator[Finding]:
    """Of `before`, what `after` does not even name."""
    yield from _lost((), before, after, _OF_THE_POLICY)
    yield from _lost_fields(before, after)
    if before.sensitivity is None:
        return
    if after.sensitivity is None:
        had = (empty for name, (_, empty) in _OF_SENSITIVITY.items() if getattr(before.sensitivity, name))
        said = ", ".join((f"levels: {{any: [{', '.join(after.zones)}]}}", *had))
        yield _finding(("sensitivity",), "every zone may see every request", f"sensitivity: {{{said}}}")
    else:
        yield from _lost(("sensitivity",), before.sensitivity, after.sensitivity, _OF_SENSITIVITY)


def protects_less(before: Policy, after: Policy) -> str:
    """Where `before` says something that narrows what may happen, and `after` says nothing; empty where it says all of
    that. A key that is gone narrows, too: what counts are the fields of those that are left."""
    names = {key.name for key in after.keys}
    said = _said(after, names)
    return next((".".join(map(str, path)) for path in _said(before, names) if path not in said), "")


def _said(policy: Policy, names: set[str]) -> dict[tuple[str | int, ...], None]:
    """Paths, in their order."""
    written = policy.model_dump(exclude_unset=True, include={*_NARROWING, "keys"})
    keys = {key["name"]: key for key in written.pop("keys", ()) if key["name"] in names}
    return dict.fromkeys(_paths((), written | {"keys": keys}))


def _paths(path: tuple[str | int, ...], value: Any) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _paths((*path, name), inner)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _paths((*path, number), inner)


def _lost_fields(before: Policy, after: Policy) -> Iterator[Finding]:
    for section, field, default, consequence in _FIELDS:
        was, now = getattr(before, section), getattr(after, section)
        if field in was.model_fields_set and getattr(was, field) != default and field not in now.model_fields_set:
            written = "null" if default is None else "false" if default is False else default
            yield _finding((section, field), consequence, f"{section}: {{{field}: {written}}}")


def _lost(
    path: tuple[str, ...], before: Section, after: Section, sections: Mapping[str, tuple[str, str]]
) -> Iterator[Finding]:
    for name, (consequence, empty) in sections.items():
        if _has_content(getattr(before, name)) and name not in after.model_fields_set:
            yield _finding((*path, name), consequence, empty)


def _has_content(section: object) -> bool:
    return bool(section.model_fields_set) if isinstance(section, Section) else bool(section)


def _finding(path: tuple[str, ...], consequence: str, empty: str) -> Finding:
    return Finding(
        path, f"is in the policy in force, and missing here, so that {consequence}; if that is meant, write `{empty}`"
    )
