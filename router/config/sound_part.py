"""What of a document can still be looked at while some of it does not have its shape.

One empty text must not hide everything that only a whole policy can be asked for, such as prices that are missing and
patterns that find too much. So what is wrong is taken out, and the rest is decoded: whole entries, such as a backend or
a detector, since half of one would raise questions that nobody has. Places in the rest are told as those of the
document, in which items of lists have other numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, TypeVar

from pydantic import TypeAdapter

from router.config.decode import WrongShapeError, decode
from router.config.problems import FieldPath, Finding

T = TypeVar("T")

_MOST_TRIES = 5
"""Each decodes the document once more."""
_ENTRIES = ("backends", "keys", "rules", "teams")
"""Sections whose entries are taken out whole."""
_WHOLE = ("zones", "secrets", "version")
"""What everything else is judged by: without some of it there would be problems that there are not."""


class SoundPart:
    """A copy of a document's data, without what was taken out."""

    def __init__(self, data: Any) -> None:
        self.data = deepcopy(data)
        self._kept: dict[FieldPath, list[int]] = {}
        """By the document's path of a list: the numbers that its items have there."""

    def original(self, path: FieldPath) -> FieldPath:
        """The document's path of what has this one here."""
        found: FieldPath = ()
        for step in path:
            numbers = self._kept.get(found)
            in_list = isinstance(step, int) and numbers is not None and step < len(numbers)
            found = (*found, numbers[step] if in_list and numbers is not None and isinstance(step, int) else step)
        return found

    def take_out(self, paths: Iterable[FieldPath]) -> bool:
        """Whether anything could be taken out."""
        # From behind, so that items keep their numbers until they are taken out themselves.
        entries = sorted(set(map(_entry_of, paths)), key=lambda path: list(map(_order, path)), reverse=True)
        return sum(self._take_out(path) for path in entries) > 0

    def _take_out(self, path: FieldPath) -> bool:
        """What is missing takes out what it is missing in."""
        while path:
            if self._removed(path):
                return True
            path = path[:-1]
        return False

    def _removed(self, path: FieldPath) -> bool:
        *outer, last = path
        section = self.data
        for step in outer:
            try:
                section = section[step]
            except (KeyError, IndexError, TypeError):
                return False
        if isinstance(section, dict) and last in section:
            del section[last]
            return True
        if isinstance(section, list) and isinstance(last, int) and last < len(section):
            place = self.original(tuple(outer))
            self._kept.setdefault(place, list(range(len(section)))).pop(last)
            del section[last]
            return True
        return False


def sound_part(data: Any, adapter: TypeAdapter[T], findings: Iterable[Finding]) -> tuple[T, SoundPart] | None:
    """What is left without that of which `findings` tell, as its type; None where nothing can be said of the rest."""
    if not isinstance(data, Mapping):
        return None
    part = SoundPart(data)
    wrong = [finding.path for finding in findings]
    for _ in range(_MOST_TRIES):
        if any(path[:1] in {(name,) for name in _WHOLE} for path in wrong) or not part.take_out(wrong):
            return None
        try:
            return decode(part.data, adapter), part
        except WrongShapeError as error:
            wrong = [finding.path for finding in error.findings]
    return None


def _entry_of(path: FieldPath) -> FieldPath:
    """What is taken out for something wrong there: the entry that it is in, or the innermost item of a list."""
    if path[:1] and path[0] in _ENTRIES and len(path) > 1:
        return path[:2]
    inner = max((place for place, step in enumerate(path) if isinstance(step, int)), default=None)
    return path if inner is None else path[: inner + 1]


def _order(step: str | int) -> tuple[bool, int, str]:
    """Keys of YAML may be anything."""
    return (True, step, "") if isinstance(step, int) else (False, 0, str(step))
