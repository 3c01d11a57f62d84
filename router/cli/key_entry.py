"""What a key that is made on the command line may do, and its entry for a policy."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from router.config.new_key import rights_of, sha256


def fields(args: argparse.Namespace) -> dict[str, Any]:
    """What was asked for, as under `keys` in a policy. Raises ValueError for a budget that contradicts itself."""
    budget: dict[str, Any] = {}
    for path, value in args.budget:
        _put(budget, path, value)
    rights = rights_of(args.models, args.zones, args.sensitivity, args.tags, budget)
    return {"name": args.name, "team": args.team, **rights}


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
