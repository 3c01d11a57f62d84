"""The handlers. Whoever asks sees the keys of the teams that they see; what they may not see is not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

from msgspec.structs import replace

from router.admin.auth.roles import Access, may
from router.admin.errors import ApiError
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.keys.answers import (
    KeyChoices,
    KeyMade,
    KeyRow,
    Keys,
    KeysChanged,
    KeySettings,
    KeysQuery,
    NewKey,
    Rotation,
)
from router.admin.keys.foreign_names import foreign_names
from router.admin.keys.listing import NOT_TAKEN, checked, row_of, rows_of, scopes_of, visible, wanted
from router.admin.keys.usage import Usage, read_usage
from router.admin.policy.api import expected
from router.config.new_key import new_key, rights_of, sha256
from router.config.stored_keys import check_under
from router.core.limits.measures import SETTINGS
from router.core.values import Plan
from router.ledger.stored_key import DIGITS, KeyChanged, KeyProblem, StoredKey, described
from router.ledger.stored_keys import KeyStore

_YEAR_10000 = 253_402_300_800.0
"""Its first moment in UTC, in seconds since the epoch: dates end there."""


async def keys(control: HandlerContext, ask: HandlerRequest) -> Keys:
    query: KeysQuery = ask.query
    plan = control.desk.plan
    async with control.books.keys() as store:
        stored, now = await store.all(), await store.now()
    rows = rows_of(plan, stored, now)
    seen = visible(rows, ask.asker.sees)
    found = wanted(seen, query)
    page = checked(plan, found[query.offset : query.offset + query.limit], stored)
    foreign = await foreign_names(control, ask.asker, ((row.team, row.name) for row in rows))
    month, used = await read_usage(control, scopes_of(page, foreign))
    return Keys(
        keys=[_used(row, used) for row in page],
        total=len(found),
        teams=sorted({row.team for row in seen}),
        month=month,
        taken=plan.policy.server.stored_keys,
        choices=choices_of(plan) if may(ask.asker.role, Access.ADMIN) else None,
    )


def choices_of(plan: Plan) -> KeyChoices:
    sensitivity = plan.policy.sensitivity
    return KeyChoices(
        models=list(plan.policy.models),
        zones=list(plan.policy.zones),
        levels=list(plan.levels),
        tags=[] if sensitivity is None else list(sensitivity.tags),
        limits=list(SETTINGS.values()),
    )


def _used(row: KeyRow, used: Mapping[str, Usage]) -> KeyRow:
    usage = used.get(f"key:{row.name}", Usage())
    return replace(
        row,
        spent_micro_usd=usage.spent_micro_usd,
        tokens=usage.tokens,
        last_used=usage.last_used,
        limits=list(usage.limits),
    )


async def key(control: HandlerContext, ask: HandlerRequest) -> KeyRow:
    """Also one that does not work any more, with how its limits stand."""
    plan = control.desk.plan
    async with control.books.keys() as store:
        stored, now = await store.all(), await store.now()
    rows = rows_of(plan, stored, now)
    (row,) = checked(plan, [_seen(visible(rows, ask.asker.sees), ask)], stored)
    foreign = await foreign_names(control, ask.asker, ((each.team, each.name) for each in rows))
    _, used = await read_usage(control, scopes_of([row], foreign))
    return _used(row, used)


async def make(control: HandlerContext, ask: HandlerRequest) -> KeyMade:
    given: NewKey = ask.body
    plan, secret = control.desk.plan, new_key()
    _check_taken(plan)
    entry = {"name": given.name, "team": given.team, **_rights(given)}
    _check(plan, sha256(secret), entry)
    async with control.books.keys() as store:
        expires = await _expires(store, given)
        new = described(sha256(secret), entry, expires)
        async with control.audit.changing(ask.asker.actor, "key.make", given.name, new=new):
            with refusals():
                made = await store.add(sha256(secret), entry, expires)
        return await _made(control, secret, made, await store.now())


async def edit(control: HandlerContext, ask: HandlerRequest) -> KeyRow:
    """What the key may from now on: what is left out is not narrowed any more."""
    given: KeySettings = ask.body
    version = expected(ask)
    async with control.books.keys() as store:
        stored = _stored(await store.all(), ask)
        _check(control.desk.plan, stored.sha256, {"name": stored.name, "team": stored.team, **_rights(given)})
        rights, expires = _rights(given), await _expires(store, given)
        new = described(stored.sha256, {"team": stored.team, **rights}, expires)
        async with control.audit.changing(ask.asker.actor, "key.edit", stored.name, old=stored.described, new=new):
            with refusals():
                changed = await store.edit(stored.id, version, rights, expires)
        return row_of(changed, await store.now())


async def rotate(control: HandlerContext, ask: HandlerRequest) -> KeyMade:
    given: Rotation = ask.body
    _check_taken(control.desk.plan)
    secret = new_key()
    async with control.books.keys() as store:
        stored = _stored(await store.all(), ask)
        old, new = {"key": stored.sha256[:DIGITS]}, {"key": sha256(secret)[:DIGITS], "grace_seconds": given.grace}
        async with control.audit.changing(ask.asker.actor, "key.rotate", stored.name, old=old, new=new):
            with refusals():
                made = await store.replace(stored.id, sha256(secret), given.grace)
        return await _made(control, secret, made, await store.now())


async def revoke(control: HandlerContext, ask: HandlerRequest) -> KeysChanged:
    """Needs no version: a key that leaked ends, whatever somebody else changed about it."""
    async with control.books.keys() as store:
        stored = _stored(await store.all(), ask)
        async with control.audit.changing(ask.asker.actor, "key.revoke", stored.name, old=stored.described):
            with refusals():
                ended = await store.end(stored.id)
        now = await store.now()
        return KeysChanged([row_of(each, now) for each in ended])


async def _made(control: HandlerContext, secret: str, made: StoredKey, now: float) -> KeyMade:
    statuses = await control.sources.workers.statuses()
    taking = sum(status.report.keys is not None and not status.report.silent for status in statuses)
    return KeyMade(secret=secret, key=row_of(made, now), workers=taking)


def _seen(rows: Iterable[KeyRow], ask: HandlerRequest) -> KeyRow:
    """The one of the address, rather that of the ledger. Raises ApiError."""
    found = [row for row in rows if row.id == ask.request.match_info["id"]]
    if not found:
        raise _unknown()
    return max(found, key=lambda row: row.source == "ledger")


def _stored(keys: Iterable[StoredKey], ask: HandlerRequest) -> StoredKey:
    """The one of the address. Raises ApiError, also where whoever asks does not see its team."""
    id = ask.request.match_info["id"]
    found = next((key for key in keys if key.id == id and ask.asker.sees(key.team)), None)
    if found is None:
        raise _unknown()
    return found


def _unknown() -> ApiError:
    return ApiError(404, "unknown_key", "there is no such key in the ledger; those of the policy are edited there")


def _check_taken(plan: Plan) -> None:
    if not plan.policy.server.stored_keys:
        raise ApiError(409, "keys_not_taken", NOT_TAKEN)


def _check(plan: Plan, sha256: str, entry: dict[str, Any]) -> None:
    """Raises ApiError for a key that could not do all that it says."""
    try:
        check_under(plan, sha256, entry)
    except ValueError as error:
        raise ApiError(400, "bad_key", str(error)) from None


def _rights(given: KeySettings) -> dict[str, Any]:
    return rights_of(given.models, given.zones, given.sensitivity, given.tags, given.budget)


async def _expires(store: KeyStore, given: KeySettings) -> float | None:
    if given.expires is None:
        return None
    if not isinstance(given.expires, str):
        if not 0 <= given.expires < _YEAR_10000:
            raise ApiError(400, "bad_key", "expires: give seconds since the epoch, before the year 10000, or a day")
        return given.expires
    try:
        return await store.end_of(date.fromisoformat(given.expires))
    except (ValueError, OverflowError):
        raise ApiError(400, "bad_key", f"expires: there is no day {given.expires}") from None


@contextmanager
def refusals() -> Iterator[None]:
    """What the ledger refuses in here is told to whoever asks."""
    try:
        yield
    except KeyChanged as error:
        raise ApiError(412, "changed", f"{error}: load it again", version=error.version) from None
    except KeyProblem as error:
        raise ApiError(409, "not_possible", str(error)) from None
