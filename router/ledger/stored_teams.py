"""Teams' budgets that live in the ledger: set, changed and removed while gateways run.

The hash `be:{ledger}:teams` maps a team's name to a JSON object: `budget` is what would stand under `teams` in a
policy. Every change also raises the version in the field `teams` of the shared hash, in one step, so that workers see
that there is something to read. There are far fewer teams than keys: all of them are read then.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from importlib import resources
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from router.ledger.redis_keys import SHARED_KEY, TEAMS_KEY
from router.ledger.server.connection import Connection
from router.ledger.server.query import ask, connected, refused_is_unavailable
from router.ledger.server.scan import scan_hash
from router.ledger.server.wire import pack
from router.ledger.stored_keys import read_time

VERSION_FIELD = "teams"
NO_VERSION = "none"
"""Of a team that is not stored."""
_VERSION_DIGITS = 16
_AT_ONCE = 500
_TRIES = 20

_log = logging.getLogger("breakeven.shared")


class TeamProblem(Exception):
    """The change cannot be made; the text says why and what to do."""


class TeamChanged(TeamProblem):
    """Somebody else changed the team since it was read."""

    def __init__(self, text: str, version: str) -> None:
        super().__init__(text)
        self.version = version
        """That it is now."""


class StoredTeam(Struct, frozen=True):
    name: str
    budget: dict[str, Any]
    """As under `teams` in a policy."""
    changed: float = 0.0
    """Seconds since the epoch, by the clock of the ledger's server."""

    @property
    def version(self) -> str:
        """Another one after every change."""
        return sha256(msgspec.json.encode(self)).hexdigest()[:_VERSION_DIGITS]


_decode = msgspec.json.Decoder(StoredTeam).decode


class TeamStore:
    """Every method raises `LedgerUnavailable`, and those that change something raise `TeamProblem`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def all(self) -> list[StoredTeam]:
        """By name."""
        with refused_is_unavailable():
            return await read_teams(self._connection)

    async def put(self, name: str, seen: str, budget: dict[str, Any]) -> StoredTeam:
        """The team's budget, in place of the one whose version was `seen`."""
        changed = await self._change(name, seen, lambda now: StoredTeam(name, budget, now))
        assert changed is not None
        return changed

    async def remove(self, name: str, seen: str) -> None:
        await self._change(name, seen, lambda now: None)

    async def _change(self, name: str, seen: str, make: Callable[[float], StoredTeam | None]) -> StoredTeam | None:
        for _ in range(_TRIES):
            before = await ask(self._connection, "HGET", SHARED_KEY, VERSION_FIELD)
            known = {team.name: team for team in await self.all()}
            version = known[name].version if name in known else NO_VERSION
            if version != seen:
                raise TeamChanged(f"the team {name} was changed by somebody else meanwhile", version)
            with refused_is_unavailable():
                team = make(await read_time(self._connection))
                value = b"" if team is None else msgspec.json.encode(team)
                if await write_teams(self._connection, before or b"", {name: value}):
                    return team
        raise TeamProblem("others keep changing teams at the same time; try again")


@asynccontextmanager
async def open_teams(url: str, timeout: float = 5.0) -> AsyncIterator[TeamStore]:
    """Raises ValueError for a URL that cannot be used, and `LedgerUnavailable`."""
    async with connected(url, timeout) as connection:
        yield TeamStore(connection)


class FollowedTeams:
    """The teams as one worker knows them."""

    def __init__(self) -> None:
        self.budgets: Mapping[str, Mapping[str, Any]] = {}
        """By name, as under `teams` in a policy; those that can be read."""
        self._values: dict[bytes, bytes] = {}
        self._version = 0
        self._from: Connection | None = None

    async def follow(self, connection: Connection, version: int) -> bool:
        """Whether there are other budgets now. A server that has lost them is told again; a new connection may be to
        another server, so all are read. Raises as `Connection.call`."""
        if self._version and not version:
            _log.error("the ledger has lost the teams' budgets, known ones are written again")
            await write_again(connection, self._values)
            return False  # the next look finds a version
        if version == self._version and connection is self._from:
            return False
        values = await read_values(connection)
        self._from, self._version = connection, version
        if values == self._values:
            return False
        self._values = values
        self.budgets = {team.name: team.budget for team in _readable(values)}
        return True


async def read_teams(connection: Connection) -> list[StoredTeam]:
    """All that can be read, by name. Raises as `Connection.call`."""
    return sorted(_readable(await read_values(connection)), key=lambda team: team.name)


async def read_values(connection: Connection) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    async for flat in scan_hash(connection, TEAMS_KEY, _AT_ONCE):
        found.update(zip(flat[::2], flat[1::2], strict=True))
    return found


def _readable(values: Mapping[bytes, bytes]) -> list[StoredTeam]:
    found = []
    for name, value in values.items():
        with suppress(ValueError):
            found.append(replace(_decode(value), name=name.decode()))
    if len(found) < len(values):
        _log.error("stored teams that cannot be read are left out", extra={"teams": len(values) - len(found)})
    return found


async def write_teams(connection: Connection, version: bytes, values: Mapping[str, bytes]) -> bytes | None:
    """The new version; None, and nothing is done, when it is another one by now. Raises as `Connection.call`."""
    words = [word for name, value in values.items() for word in (name, value)]
    folder = resources.files("router.ledger.scripts")
    script = "".join((folder / name).read_text() for name in ("entries.lua", "teams.lua"))
    return await connection.call("EVAL", script, 2, SHARED_KEY, TEAMS_KEY, version, *words)  # type: ignore[no-any-return]


async def write_again(connection: Connection, values: Mapping[bytes, bytes]) -> None:
    """Teams that the server lost, but for those that it has. Raises as `Connection.call`."""
    lines = [pack("HSETNX", TEAMS_KEY, name, value) for name, value in values.items()]
    if lines:
        await connection.run(b"".join(lines), ignore=len(lines) - 1)
    await write_teams(connection, b"", {})
