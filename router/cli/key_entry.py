"""A new key, and what is kept of it: its hash, and what it may do."""

from __future__ import annotations

import argparse
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

_RANDOM_BYTES = 32


def new_key() -> str:
    """`bk-` and 43 random characters (256 bits) that need no escaping in URLs."""
    return f"bk-{secrets.token_urlsafe(_RANDOM_BYTES)}"


def sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def fields(args: argparse.Namespace) -> dict[str, Any]:
    """What was asked for, as under `keys` in a policy. Raises ValueError for a budget that contradicts itself."""
    made = {"name": args.name, "team": args.team}
    made |= {name: getattr(args, name) for name in ("models", "zones", "sensitivity", "tags") if getattr(args, name)}
    budget: dict[str, Any] = {}
    for path, value in args.budget:
        _put(budget, path, value)
    return made | ({"budget": budget} if budget else {})


def entry(key: str, fields: Mapping[str, Any]) -> str:
    """One item of the policy's `keys`; the key itself is not in it."""
    whole = {"name": fields["name"], "sha256": sha256(key), **fields}
    # JSON is YAML, whatever is in its strings.
    return f"- {{{', '.join(f'{name}: {json.dumps(value)}' for name, value in whole.items())}}}"


def _put(section: dict[str, Any], path: list[str], value: Any) -> None:
    for step in path[:-1]:
        section = section.setdefault(step, {})
        if not isinstance(section, dict):
            raise ValueError(f"--budget: {step} cannot have both a value and limits below it")
    if path[-1] in section:
        raise ValueError(f"--budget: {'.'.join(path)} is given twice")
    section[path[-1]] = value
