"""Which backend keeps what was stored for whom, see `core.pins`.

A hash for each id, `be:{ledger}:pin:<digest>`: `pin` is who made it where, packed, and is never written twice; each
level and tag of what was said there is a field of its own; `b` is what was booked of it while it goes on, until
somebody takes that, which one does. So labels are only added, whoever writes at the same time,
and no id that a backend gives twice changes hands. It expires after its last use.

An id is kept as a digest: who reads the ledger cannot ask for what is behind it. While the server is lost `find` fails,
and what was to be remembered waits, as much as there is room for; what the server has lost is not brought back, and its
ids are unknown from then on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import chain
from typing import Any, Final

import msgspec

from router.core.bookings import Booking
from router.core.pins import Pin
from router.ledger.errors import LedgerUnavailable
from router.ledger.redis_keys import PIN_PREFIX
from router.ledger.server.wire import pack

AT_ONCE = 64
"""Ids in one call to the server."""
MOST_WAITING = 10_000
"""Ids that wait to be remembered while the server is lost."""
_PIN, _BOOKED, _LEVEL, _TAG = b"pin", b"b", b"l:", b"t:"
_encode = msgspec.msgpack.Encoder().encode
_decode_booking = msgspec.msgpack.Decoder(Booking).decode
_decode = msgspec.msgpack.Decoder(tuple[str, str, str, str, str]).decode

Transact = Callable[[Sequence[bytes]], Awaitable[list[Any]]]
"""Runs packed commands as one transaction, and gives their replies. Raises `LedgerUnavailable`."""


class Pins:
    def __init__(self, transact: Transact) -> None:
        self._transact: Final = transact
        self._waiting: deque[list[bytes]] = deque(maxlen=MOST_WAITING)

    async def find(self, ids: Collection[str]) -> Mapping[str, Pin]:
        """By id, those that are known. Raises `LedgerUnavailable`."""
        found: dict[str, Pin] = {}
        wanted = [*dict.fromkeys(ids)]
        for first in range(0, len(wanted), AT_ONCE):
            some = wanted[first : first + AT_ONCE]
            replies = await self._transact([pack("HGETALL", key_of(id)) for id in some])
            for id, reply in zip(some, replies, strict=True):
                pin = unpack_pin(reply)
                if pin is not None:
                    found[id] = pin
        return found

    async def remember(self, ids: Iterable[str], pin: Pin, seconds: float) -> None:
        """For so long from now on; labels are added to those that are known. Raises `LedgerUnavailable`: then they are
        written once the server is back, if this process is still there."""
        commands = [remembering(id, pin, seconds) for id in ids]
        for first in range(0, len(commands), AT_ONCE):
            try:
                await self._transact([*chain.from_iterable(commands[first : first + AT_ONCE])])
            except LedgerUnavailable:
                self._waiting.extend(commands[first:])
                raise

    async def forget(self, ids: Iterable[str]) -> None:
        """They are deleted where they were. Raises `LedgerUnavailable`."""
        await self._transact([pack("DEL", *map(key_of, ids))])

    async def book(self, id: str, booking: Booking, seconds: float) -> None:
        """What was booked of it, to be corrected within so long. Raises `LedgerUnavailable`."""
        key = key_of(id)
        await self._transact([pack("HSET", key, _BOOKED, _encode(booking)), pack("EXPIRE", key, max(1, int(seconds)))])

    async def take_booking(self, id: str) -> Booking | None:
        """What was booked of it, for whoever asks first: to all others, and where nothing was, None. Raises
        `LedgerUnavailable`: then it may be taken, and what was booked stays."""
        key = key_of(id)
        packed, taken = await self._transact([pack("HGET", key, _BOOKED), pack("HDEL", key, _BOOKED)])
        if not taken:
            return None
        try:
            return _decode_booking(packed)
        except msgspec.MsgspecError:
            return None

    def take_waiting(self) -> Iterable[list[bytes]]:
        """The transactions that could not be sent, each once."""
        while self._waiting:
            yield self._waiting.popleft()


def key_of(id: str) -> str:
    return PIN_PREFIX + sha256(id.encode(errors="surrogatepass")).hexdigest()[:32]


def remembering(id: str, pin: Pin, seconds: float) -> list[bytes]:
    """The commands of one transaction."""
    key = key_of(id)
    labels = [word for label in _fields(pin) for word in (label, b"")]
    commands = [pack("HSETNX", key, _PIN, _encode((pin.backend, pin.replica, pin.model, pin.team, pin.key)))]
    if labels:
        commands.append(pack("HSET", key, *labels))
    commands.append(pack("EXPIRE", key, max(1, int(seconds))))
    return commands


def _fields(pin: Pin) -> Iterable[bytes]:
    yield from (_LEVEL + level.encode() for level in pin.levels)
    yield from (_TAG + tag.encode() for tag in pin.tags)


def unpack_pin(flat: Sequence[bytes]) -> Pin | None:
    """From a hash's fields and values. None for one that is not there, or that cannot be read: it is nobody's."""
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    try:
        backend, replica, model, team, key = _decode(fields.pop(_PIN))
        levels, tags = _named(fields, _LEVEL), _named(fields, _TAG)
    except (KeyError, UnicodeDecodeError, msgspec.MsgspecError):
        return None
    return Pin(backend=backend, replica=replica, model=model, team=team, key=key, levels=levels, tags=tags)


def _named(fields: Iterable[bytes], begin: bytes) -> tuple[str, ...]:
    return tuple(sorted(field[len(begin) :].decode() for field in fields if field.startswith(begin)))
