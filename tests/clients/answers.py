"""What the pretended provider says to a conversation, in no dialect.

It answers every question alike, but calls a tool that it knows when it is offered one for the first time: a tool of the
scripts here, or the one by which an agent reads a file that the question names. What the tool told is then its answer,
so that a client that shows it has gone the whole round.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ANSWER = "Paris is the capital of France."
SECRET = "the-lighthouse-is-green"
"""What stands in the file that agents are asked to read."""
NOTE = "note.txt"
"""The file's name."""


@dataclass(frozen=True)
class Call:
    tool: str
    arguments: str
    """An object, as JSON."""


def _path(question: str) -> str:
    return match[0] if (match := re.search(rf"/[\w./-]*{re.escape(NOTE)}", question)) else ""


TOOLS: Mapping[str, Callable[[str], Mapping[str, Any]]] = {
    "population": lambda question: {"city": "Paris"},
    "Read": lambda question: {"file_path": _path(question)},
    "exec_command": lambda question: {"cmd": f"cat {_path(question)}"},
    "shell_command": lambda question: {"command": f"cat {_path(question)}"},
    "shell": lambda question: {"command": ["cat", _path(question)]},
}
"""Arguments for a tool, by its name and the question."""
_OF_SCRIPTS = frozenset({"population"})


def say(question: str, tools: Sequence[str], told: str | None) -> str | Call:
    """The answer to `question`, or the call of one of `tools`; `told` is what a tool said since the question."""
    if told is not None:
        return f"The tool says: {told}"
    for tool in tools:
        if tool in TOOLS and (tool in _OF_SCRIPTS or _path(question)):
            return Call(tool, json.dumps(TOOLS[tool](question)))
    return ANSWER


def pieces(text: str) -> list[str]:
    """As it is streamed: word by word."""
    return re.findall(r"\S+\s*", text)
