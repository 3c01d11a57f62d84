"""Keys that are kept outside of the policy -> what the policy lets them do.

They have the shape of the policy's own keys, and are checked as those are. But a policy may change after a key was
stored: what the key names and the policy no longer knows makes the key narrower or unusable, never wider.

There may be thousands of them, while requests wait. So an entry becomes a grant on its own, whatever policy is in
force; what it permits is checked once for all keys that permit the same; and a policy looks at grants alone::

    an entry of the ledger                 ->  GrantReader.grant  ->  KeyGrant, or what is wrong with the entry
    all grants, and the policy in force    ->  admitted           ->  those that count, and what is to be said of them
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from pydantic import TypeAdapter

from router.config.compile import grant_of
from router.config.cross_references import find_broken
from router.config.decode import WrongShapeError, adapter_of, decode
from router.config.problems import MOST_PROBLEMS, field_name
from router.config.stored_bounds import check_bounds
from router.core.policy import Budget, Key
from router.core.values import KeyGrant, Permits, Plan

Entry = Mapping[str, Any]
"""As under `keys` in a policy, without the SHA-256."""

_WHO = ("name", "team")
_REMEMBERED = 10_000
_TAKEN = "the policy has a key of this name, which counts; take one of them away"
WHO_WINS = "Where the policy's file and the ledger name the same, the policy's counts."
"""Of keys, by name or SHA-256, and of teams; for people."""
_UNLABELLED = "it has a level or tags, and the policy has no sensitivity section to give them a meaning"


def misfits(plan: Plan, sha256: str, entry: Entry) -> tuple[str, ...]:
    """What is wrong with a key under this policy, for people; nothing where it may do all that it says."""
    try:
        grant = GrantReader().grant(sha256, entry)
    except ValueError as error:
        return (unusable(entry, error),)
    return admitted(plan, {sha256: grant}).problems


def check_under(plan: Plan, sha256: str, entry: Entry) -> None:
    """Raises ValueError, with all that is wrong, for a key that could not do all that it says under this policy: a
    slip of the hand would cut off who uses it. Where the policy takes no keys of the ledger, its shape alone is
    looked at."""
    check_entry(sha256, entry)
    if plan.policy.server.stored_keys and (problems := misfits(plan, sha256, entry)):
        raise ValueError("; ".join(problems))


def check_many_under(plan: Plan, entries: Mapping[str, Entry]) -> None:
    """The same of many, by SHA-256. Those that the policy has itself are passed over: they move into the ledger, and
    count there once the policy names them no more."""
    if plan.policy.server.stored_keys:
        moved = {sha256: entry for sha256, entry in entries.items() if sha256 not in plan.keys}
        problems = stored_grants(plan, moved)[1]
        if problems:
            raise ValueError("; ".join(problems))


class GrantReader:
    """Makes grants. What many keys have in common is checked once, and is one object in all of them."""

    def __init__(self) -> None:
        self._adapter = adapter_of(Key)
        self._rights: dict[bytes, tuple[Permits, Budget | None]] = {}
        self._shared: dict[Permits, Permits] = {}

    def grant(self, sha256: str, entry: Entry) -> KeyGrant:
        """Raises ValueError, with all that is wrong, when it does not have the shape of a policy's key."""
        rights = msgspec.json.encode({field: value for field, value in entry.items() if field not in _WHO})
        known = self._rights.get(rights)
        if known is None:
            return self._learn(rights, _decoded(sha256, entry, self._adapter))
        who = _decoded(sha256, {field: entry[field] for field in _WHO if field in entry}, self._adapter)
        return KeyGrant(who.name, who.team, *known)

    def _learn(self, rights: bytes, key: Key) -> KeyGrant:
        if len(self._rights) >= _REMEMBERED:
            self._rights.clear()
            self._shared.clear()
        grant = grant_of(key, self._shared)
        self._rights[rights] = grant.permits, grant.budget
        return grant


class Admitted(Struct, frozen=True):
    """What a policy makes of stored keys."""

    grants: Mapping[str, KeyGrant]
    """By SHA-256: those that count."""
    problems: tuple[str, ...] = ()
    """For people; of many the first ones."""


def admitted(plan: Plan, grants: Mapping[str, KeyGrant]) -> Admitted:
    """`grants` by SHA-256.

    Models and zones that the policy does not have allow nothing; an unknown level or tag counts as the most
    restricted. A key that relies on labels where none narrow anything is refused, as is one that the policy has too.
    """
    refused = dict(_refused(plan, grants))
    kept = {sha256: grant for sha256, grant in grants.items() if sha256 not in refused} if refused else grants
    problems = [f"stored key {shown(grants[sha256].name)} is refused: {why}" for sha256, why in refused.items()]
    return Admitted(kept, first_of([*problems, *_narrowed(plan, kept)]))


def stored_grants(plan: Plan, entries: Mapping[str, Entry]) -> tuple[dict[str, KeyGrant], tuple[str, ...]]:
    """Grants by SHA-256, and what is wrong with the keys, for people. `entries` are by SHA-256 too."""
    reader, read, problems = GrantReader(), {}, []
    for sha256, entry in entries.items():
        try:
            read[sha256] = reader.grant(sha256, entry)
        except ValueError as error:
            problems.append(unusable(entry, error))
    found = admitted(plan, read)
    return dict(found.grants), first_of([*problems, *found.problems])


def working_grants(plan: Plan, entries: Mapping[str, Entry]) -> list[KeyGrant]:
    """Grants of stored keys as `stored_grants`; none where the policy lets no keys live in the ledger."""
    return list(stored_grants(plan, entries)[0].values()) if plan.policy.server.stored_keys else []


def check_entry(sha256: str, entry: Entry) -> Key:
    """Raises ValueError, with all that is wrong, when it has not the shape of a policy's key, or names too much."""
    check_bounds(entry)
    return _decoded(sha256, entry, adapter_of(Key))


def unusable(entry: Entry, error: ValueError) -> str:
    return f"stored key {shown(str(entry.get('name', '')))} is refused: {error}"


def first_of(problems: Sequence[str]) -> tuple[str, ...]:
    """Each once, and of many the first ones."""
    once = tuple(dict.fromkeys(problems))
    more = len(once) - MOST_PROBLEMS
    return (*once[:MOST_PROBLEMS], f"and {more} more") if more > 0 else once


def shown(name: str) -> str:
    return repr(name[:128])


def _decoded(sha256: str, entry: Entry, adapter: TypeAdapter[Key]) -> Key:
    try:
        return decode({**entry, "sha256": sha256}, adapter)
    except WrongShapeError as error:
        raise ValueError("; ".join(f"{field_name(each.path)}: {each.message}" for each in error.findings)) from None


def _refused(plan: Plan, grants: Mapping[str, KeyGrant]) -> Iterator[tuple[str, str]]:
    own = {key.name for key in plan.policy.keys}
    yield from ((sha256, _TAKEN) for sha256 in plan.keys if sha256 in grants)
    if own:
        yield from ((sha256, _TAKEN) for sha256, grant in grants.items() if grant.name in own)
    if plan.policy.sensitivity is None:
        labelled = (sha256 for sha256, grant in grants.items() if grant.permits.level or grant.permits.tags)
        yield from ((sha256, _UNLABELLED) for sha256 in labelled)


def _narrowed(plan: Plan, grants: Mapping[str, KeyGrant]) -> Iterator[str]:
    """Keys that permit the same lack the same: one of them is looked at."""
    alike: dict[tuple[Permits, int], list[str]] = {}
    for grant in grants.values():
        alike.setdefault((grant.permits, id(grant.budget)), []).append(grant.name)
    budgets = {id(grant.budget): grant.budget for grant in grants.values()}
    doubtful = [
        (_as_written(names[0], permits, budgets[budget]), len(names) - 1)
        for (permits, budget), names in alike.items()
        if not _all_known(plan, permits, budgets[budget])
    ][: MOST_PROBLEMS + 1]
    if not doubtful:
        return
    sections = plan.policy.model_dump(mode="json", include={"zones", "models", "sensitivity"})
    for finding in find_broken({**sections, "keys": [key for key, _ in doubtful]}):
        section, index, *field = finding.path
        if section == "keys" and isinstance(index, int) and field != ["name"]:
            key, others = doubtful[index]
            like_it = f" and {others} like it" if others else ""
            where = field_name(tuple(name for name in field if isinstance(name, str)))
            yield f"stored key {key['name']}{like_it} is narrowed: {where}: {finding.message}"


def _all_known(plan: Plan, permits: Permits, budget: Budget | None) -> bool:
    policy = plan.policy
    tags = () if policy.sensitivity is None else policy.sensitivity.tags.keys()
    return (
        policy.models.keys() >= (permits.models or set()) | (budget.models.keys() if budget is not None else set())
        and plan.zones >= (permits.zones or set())
        and (permits.level is None or permits.level in plan.levels)
        and all(tag in tags for tag in permits.tags)
    )


def _as_written(name: str, permits: Permits, budget: Budget | None) -> dict[str, Any]:
    written = {
        "name": name,
        "models": None if permits.models is None else sorted(permits.models),
        "zones": None if permits.zones is None else sorted(permits.zones),
        "sensitivity": permits.level,
        "tags": list(permits.tags),
        "budget": None if budget is None else budget.model_dump(mode="json"),
    }
    return {field: value for field, value in written.items() if value is not None}
