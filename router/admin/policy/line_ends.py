"""How lines of a policy's file end. In a browser's text area each ends with a line feed, whatever the file has."""

from __future__ import annotations

import re
from collections import Counter

_END = re.compile(r"\r\n|\r|\n")


def plain(text: str) -> str:
    """With a line feed at the end of each line, as a text area has it."""
    return _END.sub("\n", text)


def lines_of(text: str) -> list[str]:
    """Each with a line feed at its end, but for a last one without an end."""
    return plain(text).splitlines(keepends=True)


def ended_as(text: str, file: str) -> str:
    """A draft with the ends that most lines of the file have. A draft that has carriage returns is somebody's exact
    text, and stays as it is."""
    if "\r" in text:
        return text
    found = Counter(_END.findall(file)).most_common(1)
    return text.replace("\n", found[0][0]) if found else text
