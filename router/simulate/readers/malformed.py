"""What is wrong with a file, where, and what would be right."""

from __future__ import annotations

from pathlib import Path

_SHOWN = 60
"""Characters of what was found."""


class Malformed(ValueError):
    """`line` counts from 1, and is 0 where it is about the whole file; so is `column` empty."""

    def __init__(self, path: Path | str, line: int, problem: str, column: str = "") -> None:
        self.line = line
        self.column = column
        where = f"{path}:{line}" if line else str(path)
        super().__init__(f"{where}: {f'column {column}: ' if column else ''}{problem}")


class Wrong(ValueError):
    """A value that a column cannot have; whoever knows the file and the line makes a `Malformed` of it."""

    def __init__(self, column: str, found: object, right: str) -> None:
        self.column = column
        super().__init__(f"{shown(found)} is not {right}")


def shown(found: object) -> str:
    """The beginning of what was found, as Python writes it."""
    text = "nothing" if found is None or found == "" else repr(found)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
