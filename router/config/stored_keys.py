"""Keys that are kept outside of the policy -> what the policy lets them do.

They have the shape of the policy's own keys, and are checked as those are. But a policy may change after a key was
stored: what the key names and the policy no longer knows makes the key narrower or unusable, never wider.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from router.config.compile import grant_of
from router.config.cross_references import find_broken
from router.config.decode import WrongShapeError, decode
from router.config.problems import field_name
from router.core.policy import Key
from router.core.values import KeyGrant, Plan

Entry = Mapping[str, Any]
"""As under `keys` in a policy, without the SHA-256."""


def stored_grants(plan: Plan, entries: Mapping[str, Entry]) -> tuple[dict[str, KeyGrant], tuple[str, ...]]:
    """Grants by SHA-256, and what is wrong with the keys, for people. `entries` are by SHA-256 too.

    Models and zones that the policy does not have allow nothing; an unknown level or tag counts as the most
    restricted. A key that relies on labels where none narrow anything is refused, as is one that the policy has too.
    """
    own = {key.name for key in plan.policy.keys}
    adapter = TypeAdapter(Key)
    taken: list[Key] = []
    problems = []
    for sha256, entry in entries.items():
        try:
            key = _decoded(sha256, entry, adapter)
            _refuse(plan, key, own)
        except ValueError as error:
            problems.append(f"stored key {_name(entry)} is refused: {error}")
        else:
            taken.append(key)
    problems += _unknown(plan, taken)
    shared = {each.permits: each.permits for each in plan.keys.values()}
    return {key.sha256: grant_of(key, shared) for key in taken}, tuple(dict.fromkeys(problems))


def working_grants(plan: Plan, entries: Mapping[str, Entry]) -> list[KeyGrant]:
    """Grants of stored keys as `stored_grants`; none where the policy lets no keys live in the ledger."""
    return list(stored_grants(plan, entries)[0].values()) if plan.policy.server.stored_keys else []


def check_entry(sha256: str, entry: Entry) -> Key:
    """Raises ValueError, with all that is wrong, when it does not have the shape of a policy's key."""
    return _decoded(sha256, entry, TypeAdapter(Key))


def _decoded(sha256: str, entry: Entry, adapter: TypeAdapter[Key]) -> Key:
    try:
        return decode({**entry, "sha256": sha256}, adapter)
    except WrongShapeError as error:
        raise ValueError("; ".join(f"{field_name(each.path)}: {each.message}" for each in error.findings)) from None


def _refuse(plan: Plan, key: Key, own: set[str]) -> None:
    if key.name in own or key.sha256 in plan.keys:
        raise ValueError("the policy has a key of this name, which counts; take one of them away")
    if plan.policy.sensitivity is None and (key.sensitivity is not None or key.tags):
        raise ValueError("it has a level or tags, and the policy has no sensitivity section to give them a meaning")


def _unknown(plan: Plan, keys: Sequence[Key]) -> Iterator[str]:
    sections = plan.policy.model_dump(mode="json", include={"zones", "models", "sensitivity"})
    for finding in find_broken({**sections, "keys": [key.model_dump(mode="json") for key in keys]}):
        section, index, *field = finding.path
        # A key that was replaced and the one in its place have one name.
        if section == "keys" and isinstance(index, int) and field not in (["name"], ["sha256"]):
            yield f"stored key {keys[index].name} is narrowed: {field_name(tuple(field))}: {finding.message}"


def _name(entry: Entry) -> str:
    return repr(str(entry.get("name", ""))[:128])
