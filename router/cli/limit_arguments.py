"""Names and budgets as they are given on the command line."""

from __future__ import annotations

import argparse
import copy
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

GivenLimit = tuple[Sequence[str], Any]
"""The path of a setting below `budget`, and its value; None takes the setting out."""

_NAME = re.compile(r"[^\s|\x00-\x1f\x7f]{1,128}")
_SIDES = ("local", "cloud")


def name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError("a name has 1 to 128 characters, without spaces and |")
    return text


def names(text: str) -> list[str]:
    return [name(part.strip()) for part in text.split(",")]


def limit(text: str) -> tuple[list[str], Any]:
    """From cloud.usd_per_day=5 or models.gpt-4.1.usd_per_day=2."""
    setting, equals, value = text.partition("=")
    if not equals or not setting:
        raise argparse.ArgumentTypeError("a limit is LIMIT=N, such as usd_per_month=200")
    try:
        return _path(setting), json.loads(value)
    except ValueError:
        return _path(setting), value


def limit_or_none(text: str) -> tuple[list[str], Any]:
    """As `limit`; `usd_per_day=none` takes the limit out."""
    path, value = limit(text)
    return path, None if value == "none" else value


def _path(setting: str) -> list[str]:
    """Names of models have dots too."""
    first, *rest = setting.split(".")
    if first != "models" or len(rest) < 2:
        return [first, *rest]
    ends = 2 if rest[-2] in _SIDES and len(rest) > 2 else 1
    return [first, ".".join(rest[:-ends]), *rest[-ends:]]


def changed_budget(budget: Mapping[str, Any], given: Iterable[GivenLimit]) -> dict[str, Any]:
    """As in a policy, with what was given in the place of what was there; the rest stays. Raises ValueError."""
    changed, seen = copy.deepcopy(dict(budget)), set()
    for path, value in given:
        if tuple(path) in seen:
            raise ValueError(f"--budget: {'.'.join(path)} is given twice")
        seen.add(tuple(path))
        if value is None:
            _take_out(changed, path)
        else:
            _put(changed, path, value)
    return changed


def _put(section: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for step in path[:-1]:
        section = section.setdefault(step, {})
        if not isinstance(section, dict):
            raise ValueError(f"--budget: {step} cannot have both a value and limits below it")
    if isinstance(section.get(path[-1]), dict):
        raise ValueError(f"--budget: {path[-1]} cannot have both a value and limits below it")
    section[path[-1]] = value


def _take_out(budget: dict[str, Any], path: Sequence[str]) -> None:
    """Sections that have nothing in them any more go, too."""
    sections: list[dict[str, Any]] = [budget]
    for step in path[:-1]:
        inner = sections[-1].get(step)
        sections.append(inner if isinstance(inner, dict) else {})
    if path[-1] not in sections[-1]:
        there = ", ".join(shown_limits(budget)) or "none"
        raise ValueError(f"--budget: there is no {'.'.join(path)} to take out (there are: {there})")
    for section, step in zip(reversed(sections), reversed(path), strict=True):
        del section[step]
        if section:
            break


def shown_limits(budget: Mapping[str, Any], prefix: str = "") -> list[str]:
    """As --budget takes them."""
    found = []
    for setting, value in budget.items():
        inner = isinstance(value, dict)
        found += shown_limits(value, f"{prefix}{setting}.") if inner else [f"{prefix}{setting}={value}"]
    return found
