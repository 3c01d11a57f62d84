"""One entry of the audit, and the exact bytes that its hash is taken of.

An entry is one line: a JSON object in the form of RFC 8785 (members by the UTF-16 code units of their names, no spaces,
UTF-8, no escape that is not needed). Its member `hash` is the SHA-256, in hex, of the same object without that member;
`prev` is the `hash` of the entry before, 64 zeros in the first one. Numbers are integers below 2^53, so that every
language writes them alike.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from router.core.audit.actions import ACTIONS

FIRST = "0" * 64
"""What stands for the hash of the entry before the first one."""
LONGEST_TEXT = 2000
MOST_MEMBERS = 200
MORE = "…"
"""The member that says of how many, and which, the others are the first ones."""
LONGEST_VALUE = 1_000_000
"""Characters of `old` or of `new`."""
_LARGEST = 2**53 - 1
_BEYOND = re.compile(rb"[\xf0-\xf4]")
"""What a character beyond U+FFFF begins with in UTF-8."""

Via = Literal["page", "api", "command", "gateway"]


class Actor(Struct, frozen=True):
    """Who did it, and from where."""

    name: str
    """Of the user, at the gateway or on the machine; empty for a token, which is nobody's."""
    role: str
    """Empty for a command, and for the gateway itself."""
    via: Via
    address: str
    """Of the client; the machine's name for a command and for the gateway."""


class Note(Struct, frozen=True):
    """What happened, before it has its place in the chain. No secret, no key, no prompt may be in it."""

    at: float
    """Seconds since the epoch, by the clock of whoever notes it."""
    actor: Actor
    action: str
    """One of `ACTIONS`."""
    subject: str
    """What it was done to: the name of a key, a team, a backend, the path of the policy."""
    old: Any = None
    new: Any = None
    """How it was and is: small values, or digests of large ones."""
    note: str = ""
    """What whoever did it says about it."""


class Entry(Struct, frozen=True):
    seq: int
    """1, 2, 3 …"""
    at: str
    """ISO 8601 in UTC with microseconds."""
    who: str
    role: str
    via: str
    address: str
    action: str
    subject: str
    old: Any
    new: Any
    note: str
    prev: str
    hash: str


_MEMBERS = frozenset(Entry.__struct_fields__)


def sealed(note: Note, seq: int, prev: str) -> bytes:
    """The line of an entry, without its end. Raises ValueError for an action that is none."""
    if note.action not in ACTIONS:
        raise ValueError(f"{note.action!r} is no action of the audit")
    content = {
        "seq": seq,
        "at": iso(note.at),
        "who": _text(note.actor.name),
        "role": _text(note.actor.role),
        "via": note.actor.via,
        "address": _text(note.actor.address),
        "action": note.action,
        "subject": _text(note.subject),
        "old": _bounded(note.old),
        "new": _bounded(note.new),
        "note": _text(note.note),
        "prev": prev,
    }
    return canonical(content | {"hash": digest_of(content)})


def read_entry(line: bytes) -> Entry:
    """Raises ValueError, with why, for what is not an entry as it was written."""
    try:
        content = json.loads(line)
        entry = msgspec.convert(content, Entry)
    except (ValueError, RecursionError):
        raise ValueError("it is not an entry of an audit") from None
    # What is written otherwise, or has members more, would be another line with the same hash.
    form = next((form for form in (canonical, _by_code_points) if form(content) == line), None)
    if content.keys() != _MEMBERS or form is None:
        raise ValueError("it is not in the form that entries are written in")
    sealed_content = form({name: value for name, value in content.items() if name != "hash"})
    if hashlib.sha256(sealed_content).hexdigest() != entry.hash:
        raise ValueError("it was changed: its hash is that of another content")
    return entry


def canonical(content: Mapping[str, Any]) -> bytes:
    """https://www.rfc-editor.org/rfc/rfc8785, for objects without fractions."""
    written = _by_code_points(content)
    if not _BEYOND.search(written):  # the two orders are the same
        return written
    return _by_code_points(_ordered(content), sort=False)


def _ordered(value: Any) -> Any:
    """Members by the UTF-16 code units of their names, as RFC 8785 has it in section 3.2.3."""
    if isinstance(value, Mapping):
        return {name: _ordered(value[name]) for name in sorted(value, key=_code_units)}
    return [_ordered(each) for each in value] if isinstance(value, list) else value


def _code_units(name: str) -> bytes:
    return name.encode("utf-16-be", errors="surrogatepass")


def _by_code_points(content: Any, *, sort: bool = True) -> bytes:
    """The form of older entries. It differs where a member's name has a character beyond U+FFFF."""
    text = json.dumps(content, sort_keys=sort, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="backslashreplace")


def digest_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(content)).hexdigest()


def iso(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _bounded(value: Any) -> Any:
    plain = _plain(value)
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if len(text) <= LONGEST_VALUE:
        return plain
    return {"sha256": hashlib.sha256(text.encode()).hexdigest(), "characters": len(text)}


def _plain(value: Any) -> Any:
    """What JSON of every language writes alike: fractions and large numbers become text."""
    match value:
        case None | bool():
            return value
        case int():
            return value if abs(value) <= _LARGEST else str(value)
        case str():
            return _text(value)
        case Mapping():
            return _members({_text(str(name)): _plain(each) for name, each in value.items()})
        case Sequence() | set() | frozenset() if not isinstance(value, bytes | bytearray):
            listed = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
            return [_plain(each) for each in listed]
        case Struct():
            return _plain(msgspec.to_builtins(value))
        case _:
            return _text(str(value))


def _members(whole: dict[str, Any]) -> dict[str, Any]:
    """Of very many the first ones, and what shows later that nothing was left out or added: how many, and a digest."""
    if len(whole) <= MOST_MEMBERS:
        return whole
    kept = dict(list(whole.items())[:MOST_MEMBERS])
    return kept | {MORE: {"members": len(whole), "sha256": hashlib.sha256(canonical(whole)).hexdigest()}}


def _text(text: str) -> str:
    """What UTF-8 can hold, and not more than anybody reads."""
    whole = text.encode(errors="replace").decode()
    return whole if len(whole) <= LONGEST_TEXT else f"{whole[:LONGEST_TEXT]}…"
