"""Keys in the ledger, for `breakeven key`: store, list, edit, revoke, rotate."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime
from math import inf
from pathlib import Path
from typing import Any

import msgspec

from router.cli.audit_note import noted
from router.cli.key_entry import changed_rights, fields
from router.cli.ledger_server import ledger_url
from router.cli.limit_arguments import shown_limits
from router.cli.served_policy import known_plan, not_taken, plan_to_check
from router.cli.table import table
from router.config.bounded_files import read_regular
from router.config.new_key import new_key, sha256
from router.core.audit.entry import MOST_MEMBERS
from router.core.resilience.worker_status import WorkerStatus
from router.ledger.errors import EmbeddedServerError, LedgerUnavailable
from router.ledger.key_changes import current, latest
from router.ledger.shared_status import statuses_at
from router.ledger.stored_key import DIGITS, KeyChanged, KeyProblem, StoredKey, described
from router.ledger.stored_keys import KeyStore, open_keys

_SETTING = "`server: {stored_keys: true}`"
_REACH = "Name the ledger as for `serve`, with --redis or --data-dir; `breakeven key list` shows what was changed"
_MOST_BYTES = 100_000_000
_HEADINGS = ("name", "team", "state", "expires", "sha256", "may use", "budget")


def run(args: argparse.Namespace) -> int:
    """Prints what was done; 1 when it could not be done, 2 for an argument that cannot be used."""
    try:
        with ledger_url(args, fresh=args.action in ("new", "import")) as url:
            print(asyncio.run(_ACTIONS[args.action](url, args)))
    except LedgerUnavailable as error:
        print(f"breakeven key {args.action}: {error}. {_REACH}", file=sys.stderr)
        return 1
    except KeyChanged as error:
        print(f"breakeven key {args.action}: {error}; nothing was changed. Do it again", file=sys.stderr)
        return 1
    except (KeyProblem, EmbeddedServerError) as error:
        print(f"breakeven key {args.action}: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"breakeven key {args.action}: {error}", file=sys.stderr)
        return 2
    return 0


async def _new(url: str, args: argparse.Namespace) -> str:
    from router.config.stored_keys import check_under

    plan, key = plan_to_check(args), new_key()
    if plan is not None:
        check_under(plan, sha256(key), fields(args))
    workers = await statuses_at(url)
    if why := not_taken(plan, workers):
        raise KeyProblem(f"{why}. Without --store the key is one for the policy itself. Nothing was changed")
    async with open_keys(url) as store:
        expires = await _expires(store, args.expires)
        made = described(sha256(key), fields(args), expires)
        async with noted(url, "key.make", args.name, new=made):
            stored = await store.add(sha256(key), fields(args), expires)
    until = "" if stored.expires is None else f" It works until {_moment(stored.expires)}."
    return f"{_shown(key)}It is stored as {args.name}.{until} {_taken_by(workers)}"


async def _import(url: str, args: argparse.Namespace) -> str:
    from router.config.stored_keys import check_many_under

    entries, plan = read_entries(args.file), plan_to_check(args)
    if plan is not None:
        check_many_under(plan, entries)
    workers = await statuses_at(url)
    if why := not_taken(plan, workers):
        raise KeyProblem(f"{why}. Nothing was changed")

    def noting(parts: Sequence[Sequence[StoredKey]]) -> AbstractAsyncContextManager[None]:
        """No entry of the audit has more names than it keeps; each is of what is stored with it."""
        names = {key.sha256[:DIGITS]: key.name for key in parts[0]}
        to_come = sum(map(len, parts[1:]))
        told = {"keys": len(parts[0]), "names": names} | ({"keys_to_come": to_come} if to_come else {})
        return noted(url, "key.import", args.file.name, new=told)

    async with open_keys(url) as store:
        made = await store.add_all(entries, MOST_MEMBERS, noting)
    passed_over = len(entries) - len(made)
    known = f", {passed_over} were stored already" if passed_over else ""
    return f"{len(made)} keys are stored{known}. {_taken_by(workers)}"


def read_entries(path: Path) -> dict[str, dict[str, Any]]:
    """By SHA-256. Raises ValueError, with the line, for what is no key, or is one twice."""
    from router.config.stored_bounds import check_bounds
    from router.config.stored_keys import GrantReader

    try:
        content = read_regular(path, _MOST_BYTES)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > _MOST_BYTES:
        raise ValueError(f"{path} has more than {_MOST_BYTES} bytes: import it in parts")
    reader = GrantReader()
    entries: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            try:
                entry = msgspec.json.decode(line, type=dict[str, Any])
                sha256 = str(entry.pop("sha256", ""))
                check_bounds(entry)
                reader.grant(sha256, entry)
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error}") from None
            if entries.setdefault(sha256, entry) is not entry:
                raise ValueError(f"{path}, line {number}: this key is there already, for {entries[sha256]['name']}")
    if not entries:
        raise ValueError(f"{path} has no key in it: one JSON object on each line")
    return entries


async def _edit(url: str, args: argparse.Namespace) -> str:
    from router.config.stored_keys import check_entry, check_under

    plan = plan_to_check(args)
    async with open_keys(url) as store:
        keys, now = await store.all(), await store.now()
        key = current(keys, now, args.name)
        rights = changed_rights(key.entry, args)
        entry = {"name": key.name, "team": key.team, **rights}
        check_entry(key.sha256, entry) if plan is None else check_under(plan, key.sha256, entry)
        kept = None if "expires" in args.clear else key.expires
        expires = kept if args.expires is None else await _expires(store, args.expires)
        new = described(key.sha256, {"team": key.team, **rights}, expires)
        async with noted(url, "key.edit", key.name, old=key.described, new=new):
            changed = await store.edit(key.id, key.version, rights, expires)
    return f"{key.name} is changed, on every worker within a second.\n{as_table([changed], now)}"


async def _revoke(url: str, args: argparse.Namespace) -> str:
    async with open_keys(url) as store:
        key = latest(await store.all(), await store.now(), args.name)
        async with noted(url, "key.revoke", args.name, old=key.described):
            await store.revoke(args.name)
    return f"{args.name} is revoked. Workers refuse it within a second; requests that run are finished."


async def _rotate(url: str, args: argparse.Namespace) -> str:
    key, plan, workers = new_key(), known_plan(args), await statuses_at(url)
    if why := not_taken(plan, workers):
        raise KeyProblem(f"{why}. Nothing was changed; `breakeven key revoke` ends a key all the same")
    async with open_keys(url) as store:
        before = current(await store.all(), await store.now(), args.name)
        old, new = {"key": before.sha256[:DIGITS]}, {"key": sha256(key)[:DIGITS], "grace_seconds": args.grace}
        async with noted(url, "key.rotate", args.name, old=old, new=new):
            made = await store.replace(before.id, sha256(key), args.grace)
    ends = min(made.created + args.grace, made.expires or inf)
    former = f"The old key works until {_moment(ends)}" if args.grace else "The old key works no more"
    return f"{_shown(key)}It is stored as {args.name}. {former}. {_taken_by(workers)}"


async def _list(url: str, args: argparse.Namespace) -> str:
    async with open_keys(url) as store:
        keys, now = await store.all(), await store.now()
    return as_json(keys, now) if args.json else as_table(keys, now)


_ACTIONS = {"new": _new, "import": _import, "edit": _edit, "revoke": _revoke, "rotate": _rotate, "list": _list}


async def _expires(store: KeyStore, when: int | date | None) -> float | None:
    """A day is the last one on which the key works, as the ledger counts days."""
    if when is None:
        return None
    if isinstance(when, int):
        return await store.now() + when
    return await store.end_of(when)


def _shown(key: str) -> str:
    return f"The key, to give to the client. It is shown only this once:\n\n  {key}\n\n"


def _taken_by(workers: Sequence[WorkerStatus]) -> str:
    taking = sum(worker.stored_keys for worker in workers)
    if taking:
        return f"Workers that take it within a second: {taking}."
    if workers:
        return f"No gateway on this ledger takes stored keys: set {_SETTING} in its policy."
    return f"Gateways take it when their policy says {_SETTING}."


# --- the list


def as_json(keys: Sequence[StoredKey], now: float) -> str:
    """The settings as they were given, and times in seconds since the epoch."""
    listed = [
        {
            **key.entry,
            "state": key.state(now),
            "sha256": key.sha256[:DIGITS],
            "created": key.created,
            "expires": key.expires,
            "revoked": key.revoked,
            "replaced_by": key.replaced_by[:DIGITS] or None,
        }
        for key in keys
    ]
    return msgspec.json.format(msgspec.json.encode(listed)).decode()


def as_table(keys: Sequence[StoredKey], now: float) -> str:
    if not keys:
        return "No keys are stored. `breakeven key new NAME --store` makes one."
    return "\n".join(table([_HEADINGS, *(_columns(key, now) for key in keys)], len(_HEADINGS)))


def _columns(key: StoredKey, now: float) -> tuple[str, ...]:
    entry = key.entry
    may = [",".join(entry[field]) for field in ("models", "zones") if field in entry]
    may += [f"at least {entry['sensitivity']}"] if "sensitivity" in entry else []
    may += [f"tagged {','.join(entry['tags'])}"] if "tags" in entry else []
    ends = key.ends
    return (
        key.name,
        key.team,
        key.state(now),
        "never" if ends is None else _moment(ends),
        key.sha256[:DIGITS],
        "; ".join(may) or "everything",
        ", ".join(shown_limits(entry.get("budget", {}))) or "none",
    )


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
