"""What a change of stored keys does: all keys, the time and the change -> the keys that are new or changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from router.ledger.stored_key import KeyChanged, KeyProblem, StoredKey

KEPT_SECONDS = 90 * 86_400.0
"""How long a key that no longer works is still listed."""
_NAMES_SHOWN = 20

Change = Callable[[Sequence[StoredKey], float], list[StoredKey]]
"""All keys and the time -> the keys that are new or changed. Raises KeyProblem."""


def added_to(
    keys: Sequence[StoredKey], now: float, sha256: str, entry: dict[str, Any], expires: float | None
) -> StoredKey:
    name = str(entry["name"])
    if any(key.name == name and key.works(now) for key in keys):
        raise KeyProblem(f"there is a stored key {name} already: rotate it to replace it, or revoke it first")
    _check_expiry(expires, now)
    return StoredKey(sha256, entry, now, expires)


def missing_of(keys: Sequence[StoredKey], now: float, entries: Mapping[str, dict[str, Any]]) -> list[StoredKey]:
    """Those that are not stored yet."""
    known = {key.sha256: key for key in keys}
    names = {key.name: key.sha256 for key in keys if key.works(now)}
    missing = []
    for sha256, entry in entries.items():
        name = str(entry["name"])
        stored = known.get(sha256)
        if stored is not None and not (stored.works(now) and stored.entry == entry):
            raise KeyProblem(
                f"the key of {name} is stored already, for {stored.name}, and may do something else or ended"
            )
        if names.setdefault(name, sha256) != sha256:
            raise KeyProblem(f"there is another key {name} already: each needs a name of its own")
        if stored is None:
            missing.append(StoredKey(sha256, entry, now))
    return missing


def edited(
    keys: Sequence[StoredKey], now: float, id: str, version: str, rights: Mapping[str, Any], expires: float | None
) -> list[StoredKey]:
    """First the key of this id, with other rights, as under `keys` in a policy, and another end. It was read as
    `version`. What it replaced, and works on for its grace, may no more than the key does."""
    key = working(keys, now, id)
    if key.replaced_by:
        raise KeyProblem(f"this key {key.name} was replaced: edit the one in its place")
    if key.version != version:
        raise KeyChanged(f"the key {key.name} was changed by somebody else meanwhile", key.version)
    _check_expiry(expires, now)
    entry: dict[str, Any] = {field: key.entry[field] for field in ("name", "team") if field in key.entry}
    entry.update(rights)
    former = [each for each in keys if each.name == key.name and each.replaced_by and each.works(now)]
    return [replace(key, entry=entry, expires=expires), *(replace(each, entry=entry) for each in former)]


def ended(keys: Sequence[StoredKey], now: float, id: str) -> list[StoredKey]:
    """The key of this id is revoked, and with one that was not replaced all that it replaced."""
    key = working(keys, now, id)
    return [replace(key, revoked=now)] if key.replaced_by else revoked(keys, now, key.name)


def revoked(keys: Sequence[StoredKey], now: float, name: str) -> list[StoredKey]:
    return [replace(key, revoked=now) for key in _working(keys, now, name)]


def replaced(keys: Sequence[StoredKey], now: float, id: str, sha256: str, grace: float) -> list[StoredKey]:
    """First a new key in place of that of this id, which ends after the grace. What was replaced before ends as it was
    to end."""
    key = working(keys, now, id)
    if key.replaced_by:
        raise KeyProblem(f"this key {key.name} was replaced already")
    ends = now + grace if key.expires is None else min(key.expires, now + grace)
    former = replace(key, replaced_by=sha256, **({"expires": ends} if grace > 0 else {"revoked": now}))
    return [StoredKey(sha256, key.entry, now, key.expires), former]


def current(keys: Sequence[StoredKey], now: float, name: str) -> StoredKey:
    """The key of this name that works and was not replaced. Raises KeyProblem."""
    found = latest(keys, now, name)
    if found.replaced_by:
        raise KeyProblem(f"the stored key {name} was replaced already and the new one does not work: make another one")
    return found


def latest(keys: Sequence[StoredKey], now: float, name: str) -> StoredKey:
    """Of the keys of this name that work the one that was not replaced, else the one made last. Raises KeyProblem."""
    return max(_working(keys, now, name), key=lambda key: (not key.replaced_by, key.created))


def outdated(keys: Iterable[StoredKey], now: float) -> list[StoredKey]:
    """Those that have not worked for so long that nobody needs to see them."""
    return [key for key in keys if key.ends is not None and key.ends + KEPT_SECONDS < now]


def _working(keys: Sequence[StoredKey], now: float, name: str) -> list[StoredKey]:
    named = [key for key in keys if key.name == name and key.works(now)]
    if not named:
        names = _first_few(sorted({key.name for key in keys if key.works(now)}))
        raise KeyProblem(f"there is no stored key {name} that works (there are: {names})")
    return named


def working(keys: Iterable[StoredKey], now: float, id: str) -> StoredKey:
    """The key of this id. Raises KeyProblem unless it works."""
    key = next((key for key in keys if key.id == id), None)
    if key is None:
        raise KeyProblem("there is no such stored key")
    if not key.works(now):
        raise KeyProblem(f"this key {key.name} does not work any more: it is {key.state(now)}")
    return key


def _check_expiry(expires: float | None, now: float) -> None:
    if expires is not None and expires <= now:
        raise KeyProblem("it would have expired already: give a later time")


def _first_few(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return (", ".join(names[:_NAMES_SHOWN]) or "none") + (f" and {more} more" if more > 0 else "")
