"""Values of a `config.json`, each of the right type, or a problem that says what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.config.problems import FieldPath, Finding

LARGEST = 10**9
"""Of any size in such a file: a vocabulary has hundreds of thousands of entries, a context millions of tokens."""


class Fields:
    """One object of the file; what is wrong with its values goes into `findings`, which all objects share."""

    def __init__(self, data: Mapping[str, Any], findings: list[Finding], path: FieldPath = ()) -> None:
        self._data = data
        self._findings = findings
        self._path = path

    def has(self, *names: str) -> str | None:
        """The first of the names that has a value other than null."""
        return next((name for name in names if self._data.get(name) is not None), None)

    def size(self, *names: str, default: int | None = None) -> int:
        """A whole number above 0 under one of the names. Where there is none and no default, or it is something else,
        1 stands for it, and a problem was noted."""
        name = self.has(*names)
        if name is None and default is not None:
            return default
        if name is None:
            others = f" (or {', '.join(names[1:])})" if len(names) > 1 else ""
            self.wrong(names[0], f'missing key "{names[0]}"{others}: a whole number above 0')
            return 1
        value = self._data[name]
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LARGEST:
            self.wrong(name, f"{_shown(value)} is no whole number from 1 to {LARGEST:,}")
            return 1
        return value

    def count(self, *names: str) -> int:
        """A whole number from 0; 0 where there is none."""
        name = self.has(*names)
        if name is None or (self._data[name] == 0 and not isinstance(self._data[name], bool)):
            return 0
        return self.size(name)

    def equals(self, name: str, value: object) -> bool:
        return self._data.get(name) == value

    def number(self, name: str, *, default: float) -> float:
        """A number above 0."""
        value = self._data.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LARGEST:
            self.wrong(name, f"{_shown(value)} is no number above 0, up to {LARGEST:,}")
            return default
        return float(value)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._data.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.wrong(name, f"{_shown(value)} is neither true nor false")
            return default
        return value

    def text(self, name: str) -> str:
        """Empty where there is none."""
        value = self._data.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.wrong(name, f"{_shown(value)} is no text")
            return ""
        return value

    def texts(self, name: str) -> tuple[str, ...] | None:
        value = self._data.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self.wrong(name, f"{_shown(value)} is no list of texts")
            return None
        return tuple(value)

    def length(self, name: str, *, default: int) -> int:
        """Of a list."""
        value = self._data.get(name)
        if value is None:
            return default
        if not isinstance(value, list):
            self.wrong(name, f"{_shown(value)} is no list")
            return default
        return len(value)

    def part(self, name: str) -> Fields | None:
        """An object inside of it."""
        value = self._data.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.wrong(name, f"{_shown(value)} is no object ({{…}})")
            return None
        return Fields(value, self._findings, (*self._path, name))

    def is_object(self, name: str) -> bool:
        return isinstance(self._data.get(name), dict)

    def values(self) -> list[Fields]:
        """Of an object that holds objects under names of its own."""
        return [each for name in self._data if (each := self.part(name)) is not None]

    def wrong(self, name: str, message: str) -> None:
        self._findings.append(Finding((*self._path, name), message))

    @property
    def is_sound(self) -> bool:
        """Nothing is wrong so far, so that values may be held against each other."""
        return not self._findings

    def names(self) -> frozenset[str]:
        return frozenset(self._data)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
