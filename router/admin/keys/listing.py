"""Keys of the policy and of the ledger -> the rows that somebody may see and asked for."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any

import msgspec

from router.admin.keys.answers import KeyRow, KeysQuery
from router.config.stored_keys import misfits
from router.core.policy import Key
from router.core.values import Plan
from router.ledger.stored_key import ID_DIGITS, StoredKey

NOT_TAKEN = "the policy takes no keys of the ledger: set `server: {stored_keys: true}` in it"
_WORKING = ("active", "ending")


def rows_of(plan: Plan, stored: Iterable[StoredKey], now: float) -> list[KeyRow]:
    """All, by name, those that count first. What is wrong with each is told by `checked`."""
    rows = [*map(_of_policy, plan.policy.keys), *(row_of(key, now) for key in stored)]
    return sorted(
        rows, key=lambda row: (row.name, row.state not in _WORKING, row.source != "policy", -(row.created or 0), row.id)
    )


def _in_order(row: KeyRow) -> tuple[object, ...]:
    return row.name, row.state not in _WORKING, row.source != "policy", -(row.created or 0), row.id


def visible(rows: Iterable[KeyRow], sees: Callable[[str], bool]) -> list[KeyRow]:
    return [row for row in rows if sees(row.team)]


def scopes_of(page: Iterable[KeyRow], foreign: Container[str]) -> list[str]:
    """Whose usage may be told of the keys of a page, without names that are `foreign`, see `foreign_names`."""
    return [f"key:{name}" for name in dict.fromkeys(row.name for row in page) if name not in foreign]


def wanted(rows: Iterable[KeyRow], query: KeysQuery) -> list[KeyRow]:
    part = query.search.strip().casefold()
    return [
        row
        for row in rows
        if (part in row.name.casefold() or part in row.team.casefold() or row.id.startswith(part))
        and query.team in (None, row.team)
        and query.source in (None, row.source)
        and (query.state in (None, row.state) or (query.state == "working" and row.state in _WORKING))
    ]


def checked(plan: Plan, rows: Sequence[KeyRow], stored: Iterable[StoredKey]) -> list[KeyRow]:
    """With what keeps keys of the ledger from what they say."""
    by_id = {key.id: key for key in stored}
    return [
        msgspec.structs.replace(row, problems=problems_of(plan, by_id[row.id]))
        if row.source == "ledger" and row.state in _WORKING
        else row
        for row in rows
    ]


def problems_of(plan: Plan, key: StoredKey) -> list[str]:
    if not plan.policy.server.stored_keys:
        return [NOT_TAKEN]
    return list(misfits(plan, key.sha256, key.entry))


def _of_policy(key: Key) -> KeyRow:
    return KeyRow(
        id=key.sha256[:ID_DIGITS],
        name=key.name,
        team=key.team,
        source="policy",
        state="active",
        models=None if key.models is None else list(key.models),
        zones=None if key.zones is None else list(key.zones),
        sensitivity=key.sensitivity,
        tags=list(key.tags),
        budget=None if key.budget is None else key.budget.model_dump(mode="json", exclude_unset=True),
    )


def row_of(key: StoredKey, now: float) -> KeyRow:
    """Anybody who writes the ledger may have written anything as its entry."""
    entry = key.entry
    return KeyRow(
        id=key.id,
        name=key.name,
        team=key.team,
        source="ledger",
        state=key.state(now),
        version=key.version,
        models=_names(entry.get("models")),
        zones=_names(entry.get("zones")),
        sensitivity=None if entry.get("sensitivity") is None else str(entry["sensitivity"]),
        tags=_names(entry.get("tags")) or [],
        budget=entry["budget"] if isinstance(entry.get("budget"), dict) else None,
        created=key.created,
        expires=key.expires,
        revoked=key.revoked,
        replaced_by=key.replaced_by[:ID_DIGITS],
    )


def _names(value: Any) -> list[str] | None:
    return [str(name) for name in value] if isinstance(value, list | tuple) else None
