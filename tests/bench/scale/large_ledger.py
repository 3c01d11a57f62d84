"""Books of many keys and days, written straight to a server: one day is made, and the server copies it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import product

import msgspec
from valkey import Valkey

from router.core.values import Cell
from router.ledger.redis_keys import (
    KEYS_KEY,
    LAYOUT,
    OWNED_KEY,
    PREFIX,
    RENT_PREFIX,
    SHARED_KEY,
    TIMEZONE_KEY,
    VOLUME_KEY,
    ZONES_KEY,
    pack_cell,
)
from tests.bench.traffic import MODEL

TEAMS = 50
_AT_ONCE = 1000
_HOURS = 72
_TOTALS = (10, 1, 10_000, 100, 5_000, 12_345_678, 23_456_789, 0, 0, 0, 0, 0, 0, 0, 0)
_RENT = {"busy": (50_000_000, 22_000_000_000), "idle": (36_400_000, 16_000_000_000)}
"""Of a day: milliseconds and nano-USD."""


@dataclass(frozen=True)
class Books:
    keys: int
    days: int
    """Today is the last of them."""
    models: int = 1
    """That every key used, each on both sides."""


def secret(number: int) -> str:
    """A client key; it opens nothing but this benchmark."""
    return f"bk-scale-{number:032d}"


def sha256(number: int) -> str:
    return hashlib.sha256(secret(number).encode()).hexdigest()


def store_keys(client: Valkey, number: int, *, limited: bool) -> None:
    """All at once, as `breakeven key import` would."""
    budget = {"budget": {"usd_per_month": 1_000_000, "tokens_per_day": 10**12}} if limited else {}
    values = {
        sha256(each): msgspec.json.encode(
            {"sha256": "", "entry": {"name": _name(each), "team": _team(each), **budget}, "created": 1.0}
        )
        for each in range(number)
    }
    for some in _pieces(values):
        client.hset(KEYS_KEY, mapping=some)
    client.hset(SHARED_KEY, "keys", "1")


def write_books(client: Valkey, books: Books) -> None:
    """Every key used its models on both sides on every day."""
    if not books.days:
        return
    today = datetime.now(UTC).date()
    cells = {pack_cell(cell): _totals(1) for cell in _cells(books)}
    template = f"{PREFIX}day:{today}"
    for some in _pieces(cells):
        client.hset(template, mapping=some)
    days = [today - timedelta(days=back) for back in range(1, books.days)]
    now = int(datetime.now(UTC).timestamp())
    copies = [f"{PREFIX}day:{day}" for day in days]
    copies += [f"{PREFIX}hour:{now // 3600 - back}" for back in range(min(_HOURS, 24 * books.days))]
    for name in copies:
        client.execute_command("COPY", template, name)
    _write_sums(client, books, today)
    _write_rent(client, [today, *days])
    quarters = range(now // 900 - 96 * min(books.days, 8), now // 900)
    client.hset(VOLUME_KEY, mapping={str(each): b"\x93" + _packed(10_000, 100, 5_000) for each in quarters})
    client.set(f"{PREFIX}epoch", "0123456789abcdef")
    client.set(f"{PREFIX}layout", LAYOUT)
    client.set(TIMEZONE_KEY, "UTC")
    client.sadd(ZONES_KEY, "local", "cloud")
    client.sadd(OWNED_KEY, "local")


def _cells(books: Books) -> Iterator[Cell]:
    for key, number in product(range(books.keys), range(books.models)):
        model = f"{MODEL}-{number}" if number else MODEL
        yield Cell("gpu", "local", model, _team(key), _name(key))
        yield Cell("openai", "cloud", model, _team(key), _name(key))


def _write_sums(client: Valkey, books: Books, today: date) -> None:
    """Of this day and of this month so far, by scope."""
    sums: dict[str, list[int]] = {}
    requests, _, input, _, output, cost, *_ = _TOTALS
    for cell in _cells(books):
        for scope in ("global", f"team:{cell.team}", f"key:{cell.key}"):
            for model in ("", cell.model):
                sum = sums.setdefault(f"{scope}|{cell.zone}|{model}", [0, 0, 0])
                sum[:] = [sum[0] + cost, sum[1] + input + output, sum[2] + requests]
    for period, name, days in (("day", f"{today}", 1), ("month", f"{today:%Y-%m}", min(today.day, books.days))):
        values = {
            field: b"\xdd\0\0\0\3" + _packed(*(days * each for each in figures)) for field, figures in sums.items()
        }
        for some in _pieces(values):
            client.hset(f"{PREFIX}spent:{period}:{name}", mapping=some)


def _write_rent(client: Valkey, days: Iterable[date]) -> None:
    fields = {}
    for state, (milliseconds, nano) in _RENT.items():
        fields |= {f"gpu|0|{state}|ms": milliseconds, f"gpu|0|{state}|nano": nano}
    pipeline = client.pipeline(transaction=False)
    for day in days:
        pipeline.hset(f"{RENT_PREFIX}{day}", mapping=fields)
    pipeline.execute()


def _totals(days: int) -> bytes:
    return b"\xdd\0\0\0" + bytes([len(_TOTALS)]) + _packed(*(days * figure for figure in _TOTALS))


def _packed(*figures: int) -> bytes:
    return b"".join(map(msgspec.msgpack.encode, figures))


def _name(key: int) -> str:
    return f"app-{key}"


def _team(key: int) -> str:
    return f"team-{key % TEAMS}"


def _pieces(values: Mapping[str, bytes]) -> Iterator[dict[str, bytes]]:
    items = list(values.items())
    for first in range(0, len(items), _AT_ONCE):
        yield dict(items[first : first + _AT_ONCE])
