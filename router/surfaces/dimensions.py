"""What a body says of whom or what it is for, in the words of its dialect; see `core.dimensions`."""

from __future__ import annotations

from collections.abc import Sequence

from router.core.reading import BadBody
from router.surfaces.base import Surface
from router.surfaces.json_object import Members, member, members_of

USER = "user"


def dimensions_in(body: bytes, names: Sequence[str], surface: Surface) -> list[tuple[str, str]]:
    """Each of these names with what a JSON object says there; without those that it does not say in a word. A form
    says nothing."""
    try:
        members = members_of(body)
    except BadBody:
        return []
    said = []
    for name in names:
        for path in surface.end_user if name == USER else (name,):
            value = _word_at(members, path)
            if value:
                said.append((name, value))
                break
    return said


def _word_at(members: Members, path: str) -> str:
    """A text or a whole number; empty for anything else."""
    outer, _, inner = path.partition(".")
    try:
        value = member(members, outer)
    except BadBody:
        return ""
    if inner:
        value = value.get(inner) if isinstance(value, dict) else None
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
