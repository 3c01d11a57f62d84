"""What is wrong with a file, and where."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from msgspec import Struct

FieldPath = tuple[str | int, ...]
"""Keys and list indexes from the top of a document down to one value."""

SECRET_FIELDS = frozenset({"api_key", "sha256", "url", "urls", "api_base", "args", "env", "run"})
"""Fields whose value no message may repeat; an address or an argument may hold a password."""

MOST_PROBLEMS = 100
"""What is told of one file at once: a log line of what is no policy at all would otherwise be as long as the file."""

_ALIKE = 0.65


class Problem(Struct, frozen=True, order=True):
    path_of_file: str
    line: int
    """From 1; 0 when it concerns the file as a whole."""
    column: int
    field: str
    """Such as `keys[0].sha256`; empty when it concerns the file as a whole."""
    message: str
    """What is wrong and what would be right."""

    def __str__(self) -> str:
        place = f"{self.path_of_file}:{self.line}:{self.column}" if self.line else self.path_of_file
        return f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"


class PolicyError(Exception):
    """A file that cannot be used. `problems` holds what is wrong with it, from top to bottom: all of it, or the first
    MOST_PROBLEMS with a last one that says so."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = _bounded(sorted(set(problems)))
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


def _bounded(problems: list[Problem]) -> tuple[Problem, ...]:
    if len(problems) <= MOST_PROBLEMS:
        return tuple(problems)
    shown = problems[:MOST_PROBLEMS]
    more = f"there is more than these {MOST_PROBLEMS} problems: mend them, and check again"
    return (*shown, Problem(shown[-1].path_of_file, 0, 0, "", more))


class Finding(Struct, frozen=True):
    """A problem before its line is known."""

    path: FieldPath
    message: str
    on_key: bool = False
    """Points at the key rather than at its value."""


def field_name(path: FieldPath) -> str:
    """`("keys", 0, "sha256")` -> `keys[0].sha256`."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(parts).removeprefix(".")


def closest(word: object, known: Iterable[str]) -> str | None:
    """The one of `known` that was probably meant."""
    return next(iter(get_close_matches(str(word), sorted(known), n=1, cutoff=_ALIKE)), None)


def suggest(word: object, known: Iterable[str]) -> str:
    """`; did you mean "x"?`, or `;` when nothing comes close."""
    close = closest(word, known)
    return f'; did you mean "{close}"?' if close else ";"


def listing(names: Iterable[str]) -> str:
    """`a, b, c`, or `(none)`."""
    return ", ".join(names) or "(none)"
