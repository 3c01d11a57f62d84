"""What the ledger keeps of alerts: how each is, what is to be sent, and what was told.

    be:{ledger}:alerts                   hash: the alert's key -> packed `Alert`; one that is well is not there
    be:{ledger}:alerts:told              list of packed `Notice`, the latest first; capped
    be:{ledger}:alerts:lanes             hash: lane|field -> how it goes with a target, see `LaneReport`
    be:{ledger}:alerts:queue:<lane>      list of packed `Notice` that wait; capped
    be:{ledger}:alerts:message:<lane>    hash: the message under way; its notices are in :notices:<lane>
    be:{ledger}:alerts:lease:<lane>      who is sending it; expires
    be:{ledger}:alerts:parts:<lane>      list of packed `Notice` of messages that their target refused; capped
    be:{ledger}:alerts:aside:<lane>      list of packed `Notice` that it refused alone, and that rest; capped

A change of an alert and what is told of it are written in one step, if what was kept is still what its writer has read:
of any number of gateways one tells of a crossing, and one that is killed has told of it or has not. A message is made
once, with an id; whoever sends it holds a lease, and it goes when its target has answered. One that is refused for what
it says is taken apart, and its parts are sent when nothing else waits: so they hold up nothing that comes after. What
is refused alone, and not given up, is tried after all of these, one at a time, when it has rested.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any, Literal, Protocol

import msgspec
from msgspec import Struct

from router.core.alerts.notices import Message, Notice
from router.core.alerts.states import Alert, Move
from router.ledger.redis_keys import ALERTS_KEY, ALERTS_LANES_KEY, ALERTS_PREFIX, ALERTS_TOLD_KEY
from router.ledger.server.address import parse_address
from router.ledger.server.connection import Connection, connect
from router.ledger.server.query import ask, connected, refused_is_unavailable
from router.ledger.stored_keys import read_time

MOST_WAITING = 200
"""Notices that wait for one target; the oldest go."""
MOST_TOGETHER = 50
"""Notices of one message."""
REFUSALS = 3
"""How often a target refuses one message before that is believed; a part of one is refused once. What was aside, while
others arrived, begins with so many."""
REMEMBERED = 200
KEPT_SECONDS = 7 * 86_400
LATE_SECONDS = 30.0
"""What was read longer ago is not written: meanwhile it may have come and gone."""

Outcome = Literal["delivered", "failed", "refused", "parted", "aside", "dropped"]
"""`failed` for a reason of the target, `refused` for what the message says; both are tried again. All but `delivered`
and `dropped` count as failures."""

_UNDER_WAY, _AFTER_OTHERS = ("message", "notices", "lease"), ("parts", "aside")
_encode = msgspec.msgpack.encode
_alert = msgspec.msgpack.Decoder(Alert)
_notice = msgspec.msgpack.Decoder(Notice)


class AlertsLook(Struct, frozen=True):
    """All that is kept, at one moment."""

    now: float
    """By the server's clock."""
    kept: Mapping[str, Alert]
    packed: Mapping[str, bytes]
    """The same, as it is kept; also what cannot be read, which is another version's."""


class LaneReport(Struct, frozen=True, kw_only=True):
    """How it goes with one lane. Seconds since the epoch; 0 for never."""

    delivered: float = 0.0
    failed: float = 0.0
    failures: int = 0
    """Since the last delivery."""
    why: str = ""
    """It failed the last time."""
    dropped: int = 0
    """Notices that were never delivered, because too many waited, they were too old, or they were refused."""
    dropped_why: str = ""
    """The last time that a message was given up."""
    waiting: int = 0
    """Notices now, those under way included."""


class AlertBook(Protocol):
    """Raises `LedgerUnavailable`."""

    async def look(self) -> AlertsLook: ...

    async def write(self, look: AlertsLook, moves: Sequence[tuple[Move, Sequence[str]]]) -> list[bool]:
        """Each with the lanes that its notice goes into; whether it was written."""
        ...

    async def take(self, lane: str, who: str, seconds: float, group: float) -> Message | None: ...

    async def end(self, lane: str, who: str, message: Message, outcome: Outcome, wait: float, why: str) -> bool: ...

    async def told(self, count: int) -> list[Notice]:
        """Latest first."""
        ...

    async def lanes(self, names: Iterable[str]) -> dict[str, LaneReport]: ...


class LedgerAlerts:
    """On a connection that may be anybody's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._write, self._take, self._end = map(_script, ("alerts.lua", "take_alerts.lua", "end_alerts.lua"))

    async def look(self) -> AlertsLook:
        with refused_is_unavailable():
            now = await read_time(self._connection)
        packed = await self._hash(ALERTS_KEY)
        values = {key.decode(): value for key, value in packed.items()}
        return AlertsLook(now, readable(values), values)

    async def write(self, look: AlertsLook, moves: Sequence[tuple[Move, Sequence[str]]]) -> list[bool]:
        if not moves:
            return []
        words: list[str | bytes | int] = []
        for move, lanes in moves:
            before = look.packed.get(move.key, b"")
            after = b"" if move.after is None else _encode(move.after)
            notice = b"" if move.notice is None else _encode(move.notice)
            words += (move.key, before, after, notice, len(lanes), *lanes)
        bounds = (repr(look.now + LATE_SECONDS), MOST_WAITING, REMEMBERED, KEPT_SECONDS)
        keys = (ALERTS_KEY, ALERTS_TOLD_KEY, ALERTS_LANES_KEY)
        done = await self._ask("EVAL", self._write, len(keys), *keys, ALERTS_PREFIX, *bounds, *words)
        return [bool(each) for each in done]

    async def take(self, lane: str, who: str, seconds: float, group: float) -> Message | None:
        keys = (*_of_lane(lane, "queue", *_UNDER_WAY), ALERTS_LANES_KEY, *_of_lane(lane, *_AFTER_OTHERS))
        bounds = (MOST_TOGETHER, secrets.token_hex(16), KEPT_SECONDS, REFUSALS - 1)
        words = (lane, who, int(seconds * 1000), repr(group), *bounds)
        found = await self._ask("EVAL", self._take, len(keys), *keys, *words)
        if found is None:
            return None
        id, created, attempts, packed, refusals = found
        message = Message(id.decode(), float(created), decoded(packed), int(attempts), int(refusals))
        if not message.notices:  # another version's: nothing of it can be sent
            await self.end(lane, who, message, "dropped", 0, "")
            return None
        return message

    async def end(self, lane: str, who: str, message: Message, outcome: Outcome, wait: float, why: str) -> bool:
        keys = (*_of_lane(lane, *_UNDER_WAY), ALERTS_LANES_KEY, *_of_lane(lane, *_AFTER_OTHERS))
        words = (lane, who, message.id, outcome, repr(wait), why, MOST_WAITING, KEPT_SECONDS, MOST_TOGETHER)
        return bool(await self._ask("EVAL", self._end, len(keys), *keys, *words))

    async def told(self, count: int) -> list[Notice]:
        return decoded(await self._ask("LRANGE", ALERTS_TOLD_KEY, 0, count - 1))

    async def lanes(self, names: Iterable[str]) -> dict[str, LaneReport]:
        kept = {key.decode(): value for key, value in (await self._hash(ALERTS_LANES_KEY)).items()}
        found = {}
        for lane in names:
            waiting = sum([await self._ask("LLEN", key) for key in _of_lane(lane, "queue", "notices", *_AFTER_OTHERS)])
            found[lane] = LaneReport(
                delivered=float(kept.get(f"{lane}|delivered", 0)),
                failed=float(kept.get(f"{lane}|failed", 0)),
                failures=int(kept.get(f"{lane}|failures", 0)),
                why=kept.get(f"{lane}|why", b"").decode(),
                dropped=int(kept.get(f"{lane}|dropped", 0)),
                dropped_why=kept.get(f"{lane}|dropped_why", b"").decode(),
                waiting=waiting,
            )
        return found

    async def _hash(self, key: str) -> dict[bytes, bytes]:
        flat = await self._ask("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2], strict=True))

    async def _ask(self, *words: str | int | bytes) -> Any:
        return await ask(self._connection, *words)


@asynccontextmanager
async def open_alerts(url: str, timeout: float = 5.0) -> AsyncIterator[LedgerAlerts]:
    """Raises ValueError for a URL that cannot be used, and `LedgerUnavailable`."""
    async with connected(url, timeout) as connection:
        yield LedgerAlerts(connection)


def readable(packed: Mapping[str, bytes]) -> dict[str, Alert]:
    """What cannot be read is another version's, and is passed over."""
    found = {}
    for key, value in packed.items():
        try:
            found[key] = _alert.decode(value)
        except msgspec.MsgspecError:
            continue
    return found


def decoded(packed: Iterable[bytes]) -> list[Notice]:
    found = []
    for each in packed:
        try:
            found.append(_notice.decode(each))
        except msgspec.MsgspecError:
            continue
    return found


def _of_lane(lane: str, *kinds: str) -> tuple[str, ...]:
    return tuple(f"{ALERTS_PREFIX}{kind}:{lane}" for kind in kinds)


def _script(name: str) -> str:
    return (resources.files("router.ledger.scripts") / name).read_text()


class AlertsAt:
    """The same on a connection that is made when it is needed, and anew when it was lost."""

    def __init__(self, url: str, timeout: float = 5.0) -> None:
        """Raises ValueError for a URL that cannot be used."""
        self._address = parse_address(url)
        self._timeout = timeout
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()

    async def look(self) -> AlertsLook:
        return await (await self._book()).look()

    async def write(self, look: AlertsLook, moves: Sequence[tuple[Move, Sequence[str]]]) -> list[bool]:
        return await (await self._book()).write(look, moves)

    async def take(self, lane: str, who: str, seconds: float, group: float) -> Message | None:
        return await (await self._book()).take(lane, who, seconds, group)

    async def end(self, lane: str, who: str, message: Message, outcome: Outcome, wait: float, why: str) -> bool:
        return await (await self._book()).end(lane, who, message, outcome, wait, why)

    async def told(self, count: int) -> list[Notice]:
        return await (await self._book()).told(count)

    async def lanes(self, names: Iterable[str]) -> dict[str, LaneReport]:
        return await (await self._book()).lanes(names)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.lose("closed")

    async def _book(self) -> LedgerAlerts:
        async with self._connecting:
            if self._connection is None:
                self._connection = await connect(self._address, self._timeout, self._lost)
            return LedgerAlerts(self._connection)

    def _lost(self, why: str) -> None:
        self._connection = None
