"""What a key that is made or edited on the command line may do, and its entry for a policy."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from router.cli.limit_arguments import changed_budget
from router.config.new_key import rights_of, sha256

RIGHTS = ("models", "zones", "sensitivity", "tags", "budget")
CLEARABLE = (*RIGHTS, "expires")


def fields(args: argparse.Namespace) -> dict[str, Any]:
    """What was asked for, as under `keys` in a policy. Raises ValueError for a budget that contradicts itself."""
    rights = rights_of(args.models, args.zones, args.sensitivity, args.tags, changed_budget({}, args.budget))
    return {"name": args.name, "team": args.team, **rights}


def changed_rights(entry: Mapping[str, Any], args: argparse.Namespace) -> dict[str, Any]:
    """The rights after an edit: what was not asked for stays. Raises ValueError for what contradicts itself."""
    for field in args.clear:
        if field != "budget" and _is_given(args, field):
            raise ValueError(f"--{field} and --clear {field} contradict each other: give one of them")
    kept = {field: entry[field] for field in RIGHTS if field in entry and field not in args.clear}
    given = {field: getattr(args, field) for field in RIGHTS if field != "budget" and _is_given(args, field)}
    budget = changed_budget(kept.get("budget") or {}, args.budget)
    rights = {**kept, **given}
    return rights_of(rights.get("models"), rights.get("zones"), rights.get("sensitivity"), rights.get("tags"), budget)


def changes_anything(args: argparse.Namespace) -> bool:
    return any(_is_given(args, field) for field in ("clear", *CLEARABLE))


def _is_given(args: argparse.Namespace, field: str) -> bool:
    return getattr(args, field) not in (None, [])


def entry(key: str, fields: Mapping[str, Any]) -> str:
    """One item of the policy's `keys`; the key itself is not in it."""
    whole = {"name": fields["name"], "sha256": sha256(key), **fields}
    # JSON is YAML, whatever is in its strings.
    return f"- {{{', '.join(f'{name}: {json.dumps(value)}' for name, value in whole.items())}}}"
