"""Sections that a policy has no more, without which more may leave, be spent or be asked.

A text of which a part is missing looks like that, and so does a merge gone wrong. Whoever means it writes the section
with nothing in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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


def lost_sections(before: Policy, after: Policy) -> Iterator[Finding]:
    """Of `before`, those that `after` does not even name."""
    yield from _lost((), before, after, _OF_THE_POLICY)
    if before.sensitivity is None:
        return
    if after.sensitivity is None:
        had = (empty for name, (_, empty) in _OF_SENSITIVITY.items() if getattr(before.sensitivity, name))
        said = ", ".join((f"levels: {{any: [{', '.join(after.zones)}]}}", *had))
        yield _finding(("sensitivity",), "every zone may see every request", f"sensitivity: {{{said}}}")
    else:
        yield from _lost(("sensitivity",), before.sensitivity, after.sensitivity, _OF_SENSITIVITY)


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
