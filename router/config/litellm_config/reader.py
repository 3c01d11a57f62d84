"""The config's YAML: values by their place, and everything that has another shape than LiteLLM takes."""

from __future__ import annotations

import math
import re
from typing import Any

from router.config.load import text_of
from router.config.problems import FieldPath, Finding, PolicyError
from router.config.yaml_document import Document, parse

_VARIABLE = re.compile(r"\s*(?:os\.environ/(\S+)|\$\{?(\w+)\}?)\s*")
"""LiteLLM's own form, and that of deployments which put values in before it starts."""


class Reader:
    """Collects what is wrong; `raise_if_wrong` raises it, with line and column."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._wrong: list[Finding] = []

    def raise_if_wrong(self) -> None:
        """Raises PolicyError."""
        problems = (*self._document.problems, *map(self._document.problem, self._wrong))
        if problems:
            raise PolicyError(problems)

    def line(self, path: FieldPath) -> int:
        return self._document.problem(Finding(path, "", on_key=True)).line

    def wrong(self, path: FieldPath, message: str) -> None:
        self._wrong.append(Finding(path, message))

    def get(self, path: FieldPath) -> Any:
        """None where nothing stands."""
        value = self._document.data
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def mapping(self, path: FieldPath) -> dict[str, Any]:
        """Empty where nothing stands."""
        value = self.get(path)
        if value is not None and not isinstance(value, dict):
            self.wrong(path, f"here stand settings by name, such as `{_example(path)}`, not {_kind(value)}")
        return value if isinstance(value, dict) else {}

    def listing(self, path: FieldPath) -> list[Any]:
        value = self.get(path)
        if value is not None and not isinstance(value, list):
            self.wrong(path, f"here stands a list, each of its items after a `- `, not {_kind(value)}")
        return value if isinstance(value, list) else []

    def text(self, path: FieldPath) -> str:
        """Empty where nothing stands. Numbers are text, too: a model may be called 4."""
        value = self.get(path)
        if isinstance(value, dict | list | bool):
            self.wrong(path, f"here stands a text, not {_kind(value)}")
            return ""
        return "" if value is None else str(value).strip()

    def needed(self, path: FieldPath, example: str) -> str:
        found = self.text(path)
        if not found and self.get(path) in (None, ""):
            self.wrong(path, f"is missing: give it, such as `{path[-1]}: {example}`")
        return found

    def number(self, path: FieldPath) -> float | None:
        """None where nothing stands, and where a variable does."""
        value = self.get(path)
        if value is None or self.variable(path):
            return None
        try:
            found = float(value) if not isinstance(value, bool | dict | list) else -1.0
        except ValueError:
            found = -1.0
        if not 0 <= found < 1e15:
            self.wrong(path, f"here stands a number from 0 on, such as 100, not {_kind(value)}")
            return None
        return found

    def variable(self, path: FieldPath) -> str:
        """The variable that a value is taken from; empty where it stands there itself."""
        return variable_of(self.get(path))


def seconds_text(seconds: float) -> str:
    """As a policy has it: 0.5s, and 1000000s without an exponent."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"


def variable_of(value: object) -> str:
    """The variable that a value stands for; empty where it stands for itself."""
    found = _VARIABLE.fullmatch(value) if isinstance(value, str) else None
    return (found[1] or found[2]) if found else ""


def read(content: bytes, name: str) -> Reader:
    """Raises PolicyError for what is no YAML, or holds no list of models."""
    document = parse(text_of(content, name), name, merging=True)
    if document.data is None and document.problems:
        raise PolicyError(document.problems)
    reader = Reader(document)
    if not isinstance(document.data, dict) or "model_list" not in document.data:
        reader.wrong((), "no LiteLLM config: it has a `model_list` with entries such as `- model_name: chat`")
        reader.raise_if_wrong()
    if not reader.listing(("model_list",)) and reader.get(("model_list",)) in (None, []):
        reader.wrong(("model_list",), "names no model: add an entry, such as `- model_name: chat`")
    return reader


def _example(path: FieldPath) -> str:
    return "model: openai/gpt-4o" if path[-1:] == ("litellm_params",) else "name: value"


def _kind(value: Any) -> str:
    """What it is, and not what it says: that may be a secret."""
    names = {dict: "settings by name", list: "a list", bool: "true or false", str: "a text"}
    if isinstance(value, int | float) and not isinstance(value, bool):
        if math.isnan(value):
            return "what is no number"
        return "one below 0" if value < 0 else "one as large" if math.isfinite(value) else "one without an end"
    return names.get(type(value), "something else")
