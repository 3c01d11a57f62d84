"""What the ledger keeps of the units of own backends: how they are, what was ordered and done, and who controls them.

    be:{ledger}:power           hash: state|<backend> -> packed `KeptUnits`; order|<backend> -> packed `Ordered`
    be:{ledger}:power:lease     the token of the one controller; expires
    be:{ledger}:power:events    list of packed `PowerEvent`, the latest first; capped

What workers have to know stands in the shared hash, see `ledger.shared_status`. Whoever controls writes only while it
holds the lease, which the server checks in the same step.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

import msgspec
from msgspec import Struct

from router.core.cost.rent import UnitPrice
from router.core.power.savings import NOTHING_SEEN, Savings
from router.core.power.terms import Order
from router.core.power.units import UnitsState
from router.core.resilience.worker_status import PowerState, WorkerStatus, is_silent
from router.ledger.redis_keys import POWER_EVENTS_KEY, POWER_KEY, POWER_LEASE_KEY, SHARED_KEY
from router.ledger.server.address import parse_address
from router.ledger.server.connection import Connection, connect
from router.ledger.server.query import ask, connected, refused_is_unavailable
from router.ledger.shared_status import POWER, WAKE, WORKER, read_fields
from router.ledger.stored_keys import read_time

LEASE_SECONDS = 15.0
KEPT_EVENTS = 1000
STATE, ORDER = b"state|", b"order|"

_encode = msgspec.msgpack.encode


class KeptUnits(Struct, frozen=True):
    """One backend's units, as the controller left them. New fields need a default."""

    state: UnitsState = UnitsState()
    identity: str = ""
    """Of the units and their driver, so that others under the same name are not taken for them."""
    savings: Savings = NOTHING_SEEN
    counted: dict[int, tuple[int, int, int]] = {}
    """By hour since the epoch, what its totals were when demand was last added up: eligible tokens, nano-USD that the
    cloud charges for them, and requests that may not leave."""
    counted_at: float = 0.0
    """When that was; 0 before the first time."""
    ordered_at: float = 0.0
    """When the order was given that was taken last."""
    home: str = ""
    """The host of the controller that switched them last, where units are on its own machine."""
    price: UnitPrice | None = None
    """What they cost until they are off, also when the policy has them no more; None where nothing ends with them."""
    next: str = ""
    """What would change it next, for people."""


class Ordered(Struct, frozen=True):
    """What an administrator wants of a backend."""

    order: Order
    at: float
    who: str


class PowerEvent(Struct, frozen=True):
    """One change of a backend's units, or an order. Times are seconds since the epoch."""

    at: float
    backend: str
    before: str
    """Phase."""
    after: str
    units: int
    """There are to be so many."""
    reason: str
    explanation: str
    """With the terms, for people."""
    who: str
    """The host of the controller, or who gave the order."""


class PowerLook(Struct, frozen=True):
    """All that is kept, at one moment."""

    now: float
    """By the server's clock."""
    kept: Mapping[str, KeptUnits]
    orders: Mapping[str, Ordered]
    wakes: Mapping[str, float]
    """When a request last waited that only this backend may serve, and that was off."""
    powers: Mapping[str, PowerState]
    """What the controller last told workers."""
    running: Mapping[str, int]
    """Requests that backends work on, for the workers of all gateways."""
    gateways: int
    """Workers that report."""
    held: bool = False
    """A controller has the lease."""


_kept = msgspec.msgpack.Decoder(KeptUnits)
_ordered = msgspec.msgpack.Decoder(Ordered)
_event = msgspec.msgpack.Decoder(PowerEvent)
_power = msgspec.msgpack.Decoder(PowerState)
_status = msgspec.msgpack.Decoder(WorkerStatus)


class PowerBook:
    """On a connection that may be anybody's. Every method raises `LedgerUnavailable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lease, self._release, self._write = map(_script, ("lease.lua", "release.lua", "power.lua"))

    async def hold(self, token: str, seconds: float = LEASE_SECONDS) -> bool:
        """Take or renew the lease; False while another controller has it."""
        return bool(await self._ask("EVAL", self._lease, 1, POWER_LEASE_KEY, token, int(seconds * 1000)))

    async def release(self, token: str) -> None:
        await self._ask("EVAL", self._release, 1, POWER_LEASE_KEY, token)

    async def look(self) -> PowerLook:
        now, power, shared, held = await asyncio.gather(
            self._time(),
            self._hash(POWER_KEY),
            self._hash(SHARED_KEY),
            self._ask("EXISTS", POWER_LEASE_KEY),
        )
        statuses = read_fields(shared, WORKER, _status).values()
        alive = [status for status in statuses if not is_silent(status, now)]
        running: dict[str, int] = {}
        for backend in (each for status in alive for each in status.backends):
            inflight = sum(replica.inflight for replica in backend.replicas)
            running[backend.name] = running.get(backend.name, 0) + inflight
        return PowerLook(
            now=now,
            kept=read_fields(power, STATE, _kept),
            orders=read_fields(power, ORDER, _ordered),
            wakes=_times(shared),
            powers=read_fields(shared, POWER, _power),
            running=running,
            gateways=len(alive),
            held=bool(held),
        )

    async def write(
        self,
        token: str,
        kept: Mapping[str, KeptUnits | None],
        powers: Mapping[str, PowerState | None],
        events: Iterable[PowerEvent] = (),
        over: Iterable[str] = (),
    ) -> bool:
        """Whether the lease was held, and all of it was written. `over` are backends that nobody asks for any more;
        None stands for units that nobody controls any more."""
        units: list[str | bytes] = []
        for name, each in kept.items():
            units += (STATE + name.encode(), b"" if each is None else _encode(each))
        shared: list[str | bytes] = []
        for name, power in powers.items():
            shared += (POWER + name.encode(), b"" if power is None else _encode(power))
        for name in over:
            shared += (WAKE + name.encode(), b"")
        keys = (POWER_LEASE_KEY, POWER_KEY, SHARED_KEY, POWER_EVENTS_KEY)
        words = (token, KEPT_EVENTS, len(units), len(shared), *units, *shared, *map(_encode, events))
        return bool(await self._ask("EVAL", self._write, len(keys), *keys, *words))

    async def order(self, backend: str, order: Order, who: str) -> Ordered:
        """What an administrator wants from now on; the controller finds it, and writes down what comes of it."""
        ordered = Ordered(order, await self._time(), who)
        await self._ask("HSET", POWER_KEY, ORDER + backend.encode(), _encode(ordered))
        event = PowerEvent(
            at=ordered.at,
            backend=backend,
            before="",
            after="",
            units=0,
            reason="order",
            explanation=f"{who} ordered: {order.value}.",
            who=who,
        )
        await self._ask("LPUSH", POWER_EVENTS_KEY, _encode(event))
        await self._ask("LTRIM", POWER_EVENTS_KEY, 0, KEPT_EVENTS - 1)
        return ordered

    async def events(self, count: int = 50) -> list[PowerEvent]:
        """Latest first; what cannot be read is another version's, and is passed over."""
        found = []
        for each in await self._ask("LRANGE", POWER_EVENTS_KEY, 0, count - 1):
            try:
                found.append(_event.decode(each))
            except msgspec.MsgspecError:
                continue
        return found

    async def _hash(self, key: str) -> dict[bytes, bytes]:
        flat: Sequence[bytes] = await self._ask("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2], strict=True))

    async def _time(self) -> float:
        with refused_is_unavailable():
            return await read_time(self._connection)

    async def _ask(self, *words: str | int | bytes) -> Any:
        return await ask(self._connection, *words)


@asynccontextmanager
async def open_power(url: str, timeout: float = 5.0) -> AsyncIterator[PowerBook]:
    """Raises ValueError for a URL that cannot be used, and `LedgerUnavailable`."""
    async with connected(url, timeout) as connection:
        yield PowerBook(connection)


class PowerLink:
    """A connection that is made when it is needed, and anew when it was lost."""

    def __init__(self, url: str, timeout: float = 1.0) -> None:
        """Raises ValueError for a URL that cannot be used."""
        self._address = parse_address(url)
        self._timeout = timeout
        self._connection: Connection | None = None

    async def connection(self) -> Connection:
        """Raises `LedgerUnavailable`."""
        if self._connection is None:
            self._connection = await connect(self._address, self._timeout, self._lost)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.lose("closed")

    def _lost(self, why: str) -> None:
        self._connection = None


def _times(shared: Mapping[bytes, bytes]) -> dict[str, float]:
    found = {}
    for field, value in shared.items():
        if field.startswith(WAKE):
            try:
                found[field[len(WAKE) :].decode()] = float(value)
            except ValueError:
                continue
    return found


def _script(name: str) -> str:
    return (resources.files("router.ledger.scripts") / name).read_text()
