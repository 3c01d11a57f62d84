"""Key names and the format of values.

All keys share the hash tag `{ledger}`, so that a script's keys live on one node of a cluster::

    be:{ledger}:epoch                   random id of these books: another one, or none, means that books were lost
    be:{ledger}:ready                   seconds since the epoch from which books that were begun anew may be trusted
    be:{ledger}:writers                 hash: writer -> its term, the number of its last batch that was applied, and
                                        how much of the next one, when that comes in parts
    be:{ledger}:hold:<lease bucket>     hash: reservation id -> packed hold; the bucket is the minute of expiry
    be:{ledger}:charged:<lease bucket>  hash: the same, for holds that were charged as held; expires
    be:{ledger}:limit:<period>:<name>   hash: scope|side|model|measure -> packed counter of a limit; expires
    be:{ledger}:limit:running           hash: the same, for limits of what runs at once
    be:{ledger}:slices:<as limit>       hash: the same fields -> what workers were lent of the counter, see commit.lua;
                                        expires
    be:{ledger}:sliced                  hash: writer -> its term before which all that it admitted out of slices is here
    be:{ledger}:requests                stream of request records, see `record`; capped
    be:{ledger}:requests:kept           how many records it holds
    be:{ledger}:day:<YYYY-MM-DD>        hash: cell -> packed totals, days of the policy's time zone; expires
    be:{ledger}:layout                  which form of these keys and values the books are in; none: the first one
    be:{ledger}:upgrade                 hash: day -> how far its cells were brought to this form
    be:{ledger}:spent:<period>:<name>   hash: scope|zone|model -> packed money, tokens and requests; expires
    be:{ledger}:zones                   set: zones that anything was counted in
    be:{ledger}:owned                   set: those of them that were owned when something was last counted there
    be:{ledger}:hour:<epoch hour>       hash: the same by hour
    be:{ledger}:summed:<YYYY-MM-DD>     hash: what was added up of a past day for pages, see
                                        `reports.totals_by_dimension`; expires
    be:{ledger}:summed:hour:<hour>      hash: the same of a past hour
    be:{ledger}:summed:..:left:<random> what a piece of it has left for the next one, see tally.lua; expires
    be:{ledger}:rent:meters             hash: how far the rent of units is accounted for, see `ledger.rent_book`
    be:{ledger}:rent:<YYYY-MM-DD>       hash: backend|unit|state -> what it was and cost on a day; expires
    be:{ledger}:volume                  hash: quarter of an hour since the epoch -> packed eligible tokens
    be:{ledger}:swept                   the last lease bucket whose holds were charged
    be:{ledger}:timezone                the time zone that days are counted in
    be:{ledger}:shared                  hash: what workers tell each other, see `ledger.shared_status`
    be:{ledger}:power                   hash: how units of own backends are, see `ledger.power`; with an expiring lease
                                        :lease, and a list :events
    be:{ledger}:alerts                  hash: how alerts are, and beside it what is to be sent, see `ledger.alerts`
    be:{ledger}:keys                    hash: SHA-256 of a client key -> the stored key, see `ledger.stored_keys`
    be:{ledger}:keys:changes            sorted set: SHA-256 of a client key -> the version that it last changed with
    be:{ledger}:audit                   list: who did what, a chain of lines, see `ledger.audit`
    be:{ledger}:audit:receipts          how far receipts of request records are; :lease is whose turn it is
    be:{ledger}:teams                   hash: name of a team -> its stored budget, see `ledger.stored_teams`
    be:{ledger}:pin:<digest of an id>   hash: where a stored object is and whose, see `ledger.pins`; expires

A reservation's id begins with its lease bucket, 8 digits. Totals, sums and volumes are msgpack arrays.

What is spent is kept by cell, for people, and by scope, for limits: a limit that is new or was lost begins with what
its scope has used, which is read from a few fields however many keys, models and days there are.

Money is integer nano-USD. Layouts before the third had micro-USD, so each value with money says which it is: totals,
sums and counters by the header of their array, holds by their last field, records and journals by their version.
Whoever reads a former one takes it times 1,000, and only nano-USD are written. So nothing has to be converted at one
moment, and a copy or a journal of former books is read rightly whenever it comes.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from router.core.cost.volume import QUARTER_SECONDS, day_of
from router.core.field_names import escape_name, unescape_name
from router.core.limits.counters import Hold
from router.core.money import NANO_PER_MICRO
from router.core.values import Cell, Row

PREFIX = "be:{ledger}:"
LAYOUT = "3"
VOLUME_KEY = PREFIX + "volume"
TIMEZONE_KEY = PREFIX + "timezone"
OWNED_KEY = PREFIX + "owned"
ZONES_KEY = PREFIX + "zones"
EPOCH_KEY = PREFIX + "epoch"
WRITERS_KEY = PREFIX + "writers"
SLICED_KEY = PREFIX + "sliced"
SLICES_PREFIX = PREFIX + "slices"
"""Before what the key of a counter has behind its "limit"."""
NO_LATER_TERM = 2**53 - 1
"""Of a writer that begins none any more."""
REQUESTS_KEY = PREFIX + "requests"
SHARED_KEY = PREFIX + "shared"
KEYS_KEY = PREFIX + "keys"
KEY_CHANGES_KEY = PREFIX + "keys:changes"
TEAMS_KEY = PREFIX + "teams"
PIN_PREFIX = PREFIX + "pin:"
POWER_KEY = PREFIX + "power"
POWER_LEASE_KEY = PREFIX + "power:lease"
POWER_EVENTS_KEY = PREFIX + "power:events"
ALERTS_KEY = PREFIX + "alerts"
ALERTS_PREFIX = ALERTS_KEY + ":"
ALERTS_TOLD_KEY = ALERTS_PREFIX + "told"
ALERTS_LANES_KEY = ALERTS_PREFIX + "lanes"
AUDIT_KEY = PREFIX + "audit"
AUDIT_RECEIPTS_KEY = PREFIX + "audit:receipts"
AUDIT_LEASE_KEY = PREFIX + "audit:lease"
RENT_METERS_KEY = PREFIX + "rent:meters"
RENT_PREFIX = PREFIX + "rent:"

LEASE_BUCKET_SECONDS = 60
ID_BUCKET_DIGITS = 8
CORRECTABLE_SECONDS = int(timedelta(days=2).total_seconds())
"""How long a hold that was charged as held can still be corrected."""

_CACHED = 10_000
_encode = msgspec.msgpack.Encoder().encode
_decode_totals = msgspec.msgpack.Decoder(tuple[int, ...]).decode
_COST, _COUNTERFACTUAL = (Row.__struct_fields__.index(name) - 1 for name in ("cost", "counterfactual"))
_NANO_TOTALS = 0xDD
"""First byte of totals of this layout: the header of an array that takes five bytes."""
_MICRO_COUNTER = 0x93
"""First byte of a counter of a former layout: three bytes are the header of one of this."""
_NANO_HOLD, _CAPTIVE_HOLD = 1, 2
"""Behind the figures of a hold: its money is nano-USD, and whether its request may leave."""


class TimeSlot(NamedTuple):
    """Where a moment is counted."""

    day: str
    hour: int
    quarter: int


class Calendar:
    """Slots of a time zone, remembered by quarter of an hour."""

    def __init__(self, timezone: ZoneInfo) -> None:
        self.timezone = timezone
        self._slots: dict[int, TimeSlot] = {}

    def slot(self, at: float) -> TimeSlot:
        quarter = int(at // QUARTER_SECONDS)
        found = self._slots.get(quarter)
        return found if found is not None else self._remember(quarter)

    def _remember(self, quarter: int) -> TimeSlot:
        if len(self._slots) >= _CACHED:
            self._slots.clear()
        slot = TimeSlot(day_of(quarter * QUARTER_SECONDS, self.timezone), quarter // 4, quarter)
        self._slots[quarter] = slot
        return slot


class CellNames:
    """Hash fields of cells, remembered."""

    def __init__(self) -> None:
        self._fields: dict[Cell, str] = {}

    def field(self, cell: Cell) -> str:
        found = self._fields.get(cell)
        return found if found is not None else self._remember(cell)

    def _remember(self, cell: Cell) -> str:
        if len(self._fields) >= _CACHED:
            self._fields.clear()
        field = pack_cell(cell)
        self._fields[cell] = field
        return field


class ReservationIds:
    """Ids that no other process makes: a random part per process, and a counter."""

    def __init__(self) -> None:
        self.process = secrets.token_hex(5)
        """What all of these ids have behind their lease bucket, and no others."""
        self.first_bucket = self.last_bucket = 0
        """The lease buckets of the first id, and of the one with the latest."""
        self.lease = 0.0
        """Seconds, of the latter."""
        self._count = itertools.count()

    def next_id(self, at: float, lease: float) -> str:
        bucket = lease_bucket(at, lease)
        if bucket > self.last_bucket:
            self.first_bucket, self.last_bucket, self.lease = self.first_bucket or bucket, bucket, lease
        return f"{bucket:08d}{self.process}{next(self._count):x}"


def lease_bucket(at: float, lease: float) -> int:
    """The first minute at whose start a hold made at `at` has expired."""
    return int((at + lease) // LEASE_BUCKET_SECONDS) + 1


def new_epoch() -> str:
    return secrets.token_hex(8)


def pack_cell(cell: Cell) -> str:
    return "|".join(map(escape_name, (cell.backend, cell.zone, cell.model, cell.team, cell.key)))


def unpack_cell(field: str) -> Cell:
    names = field.split("|")
    return Cell(*map(unescape_name, names)) if "%" in field else Cell(*names)


def pack_hold(hold: Hold, slot: TimeSlot, cell: str, local_cell: str) -> bytes:
    """What charging a hold needs, at last what is counted of its request. The server puts the sides before it and the
    counters behind it."""
    return _encode(
        (
            slot.day,
            slot.hour,
            slot.quarter,
            hold.input,
            hold.output,
            hold.cost,
            hold.local_cost,
            hold.eligible,
            cell,
            local_cell,
            hold.at,
            hold.request,
            hold.cost_at_risk,
            hold.tokens_at_risk,
            hold.local_cost_at_risk,
            _CAPTIVE_HOLD if hold.captive else _NANO_HOLD,
            *hold.counted,
        )
    )


def unpack_row(field: bytes, totals: bytes) -> Row:
    return Row(unpack_cell(field.decode()), *_in_nano(totals))


def _in_nano(totals: bytes) -> Sequence[int]:
    figures = _decode_totals(totals)
    return figures if totals[0] == _NANO_TOTALS else nano_totals(figures)


def nano_totals(micro: Iterable[int]) -> list[int]:
    """Totals of a former layout, in the order of `Row`'s fields, with their money in nano-USD."""
    figures = list(micro)
    figures[_COST] *= NANO_PER_MICRO
    figures[_COUNTERFACTUAL] *= NANO_PER_MICRO
    return figures


def unpack_counter(field: str, counter: bytes) -> tuple[int, ...]:
    """What is used, held and at risk, in the measure that the field ends with."""
    figures = _decode_totals(counter)
    if counter[0] == _MICRO_COUNTER and field.endswith("|usd"):
        return tuple(NANO_PER_MICRO * figure for figure in figures)
    return figures


class Lent(NamedTuple):
    """A slice of a counter."""

    writer: str
    term: int
    amount: int
    ends: int
    """Milliseconds since the epoch, by the server's clock."""


def unpack_slices(slices: bytes) -> list[Lent]:
    """What of one counter is lent or charged."""
    _, *flat = msgspec.msgpack.decode(slices)
    return [Lent(*flat[i : i + 4]) for i in range(0, len(flat), 4)]


def unpack_spent(sums: bytes) -> Sequence[int]:
    """What a scope has used: money first."""
    figures = _decode_totals(sums)
    return figures if sums[0] == _NANO_TOTALS else (NANO_PER_MICRO * figures[0], *figures[1:])


def unpack_totals(totals: bytes) -> tuple[int, ...]:
    """Of eligible tokens."""
    return _decode_totals(totals)
