"""Whatever is wrong with a file, it gives a plan or problems with a place: never another error, never a secret."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from router.config.load import PolicyError, plan_of
from router.core.values import Plan

NOW = datetime(2026, 11, 20, tzinfo=UTC)
RICH: dict[str, Any] = {
    "version": 1,
    "zones": {"local": {"owned": True}, "cloud": {}},
    "backends": {
        "gpu": {
            "zone": "local",
            "kind": "vllm",
            "urls": ["http://127.0.0.1:8000/v1"],
            "serves": {"chat": "my-model"},
            "cost": {"usd_per_hour": 1.5},
            "capacity": {"max_waiting": 4, "queue_timeout": "3s"},
        },
        "openai": {
            "zone": "cloud",
            "kind": "openai",
            "url": "https://api.example.com/v1",
            "api_key": "env:HUNTER2",
            "serves": {"chat": {"model": "m", "endpoints": ["chat"], "price": {"input": 1, "output": 4}}},
        },
        "other": {
            "zone": "cloud",
            "kind": "litellm",
            "hosts": ["api.example.com"],
            "serves": {"chat": {"model": "a/b", "price": {"input": 1, "output": 4}}},
        },
    },
    "models": {"chat": {"backends": ["gpu", "openai", "other"], "aliases": ["gpt"]}},
    "sensitivity": {
        "levels": {"public": ["local", "cloud"], "restricted": ["local"]},
        "default": "public",
        "tags": {"phi": ["local"]},
        "detectors": [{"find": ["iban"], "raise_to": "restricted"}],
    },
    "rules": [{"name": "night", "when": {"tag": "phi", "hours": "00-06"}, "cost": {"strategy": "cheapest"}}],
    "cost": {"strategy": "threshold", "mix": {"input": 0.5, "output": 0.5}, "timezone": "UTC"},
    "health": {"cooldown": "5s"},
    "retry": {"attempts": 2},
    "ledger": {"on_loss": "allow"},
    "server": {"cors_origins": ["*"]},
    "keys": [{"name": "app", "sha256": "0" * 64, "models": ["chat"], "tags": ["phi"]}],
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in steps:
        yield from places(below, (*path, step))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    items = value.items() if isinstance(value, dict) else enumerate(value)
    pairs = [(step, replaced(below, path[1:], new) if step == path[0] else below) for step, below in items]
    return dict(pairs) if isinstance(value, dict) else [below for _, below in pairs]


PLACES = list(places(RICH))
WORDS = st.sampled_from(
    ["", "x", "local", "chat", "gpu", "public", "5e5", "a b", "[key]", "vllm", "str", "Served", "é|"]
)
SCALARS = st.none() | st.booleans() | st.integers(-5, 10**30) | st.floats() | WORDS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=6
)


def check(content: bytes) -> None:
    try:
        assert isinstance(plan_of(content, "p.yaml", now=NOW), Plan)
    except PolicyError as error:
        assert error.problems
        assert all(problem.line >= 1 and problem.column >= 1 and problem.message for problem in error.problems)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3))
def test_anything_in_any_place(edits: list[tuple[tuple[Any, ...], Any]]) -> None:
    data: Any = RICH
    for path, new in edits:
        if path in set(places(data)):
            data = replaced(data, path, new)
    check(yaml.safe_dump(data, sort_keys=False, allow_unicode=True).encode())


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 3000), st.integers(0, 40), st.binary(max_size=8))
def test_any_damage_to_the_text(start: int, length: int, new: bytes) -> None:
    text = yaml.safe_dump(RICH, sort_keys=False).encode()
    check(text[:start] + new + text[start + length :])


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from([("backends", "openai", "api_key"), ("backends", "openai", "url"), ("keys", 0, "sha256")]), VALUES
)
def test_a_secret_in_any_form_is_never_repeated(path: tuple[Any, ...], form: Any) -> None:
    secret = "hunter2" + "x" * 20
    new = replaced_leaves(form, secret)
    try:
        plan_of(yaml.safe_dump(replaced(RICH, path, new), sort_keys=False).encode(), "p.yaml", now=NOW)
    except PolicyError as error:
        assert secret not in str(error)


def replaced_leaves(value: Any, new: str) -> Any:
    if isinstance(value, dict):
        return {f"{new}{key}": replaced_leaves(below, new) for key, below in value.items()} or new
    return [replaced_leaves(below, new) for below in value] or new if isinstance(value, list) else new
