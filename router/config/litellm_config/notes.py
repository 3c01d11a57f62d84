"""What is said of one place of the config, beside what became of it."""

from __future__ import annotations

from msgspec import Struct

from router.config.problems import FieldPath


class Note(Struct, frozen=True):
    """No value of the config is in its text but names of models, numbers and words of LiteLLM's own."""

    path: FieldPath
    text: str
    """What was not carried over or is different here, why, and what to do."""
    todo: bool = False
    """The policy does not do what it should before somebody has done something."""
