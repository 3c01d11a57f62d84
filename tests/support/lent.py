"""What workers were lent of limits and have not given back, read from the server without the ledger's own code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from msgspec import msgpack
from valkey import Valkey

PREFIX = "be:{ledger}:"


def end_slices(client: Valkey, writers: Collection[str]) -> None:
    """As if the time that they were lent for was just over."""
    seconds, micros = client.time()
    now = 1000 * seconds + micros // 1000
    for place, field, (until, *flat) in _kept(client):
        for i in range(0, len(flat), 4):
            if flat[i] in writers:
                flat[i + 3] = now
        client.hset(place, field, msgpack.encode([until, *flat]))


def lent_to_others(client: Valkey, writers: Collection[str]) -> dict[tuple[str, str], int]:
    """By counter, what workers have that are not among these; charged or not."""
    sums: Counter[tuple[str, str]] = Counter()
    for place, field, (_, *flat) in _kept(client):
        for writer, term, amount, _ in (flat[i : i + 4] for i in range(0, len(flat), 4)):
            if writer not in writers and term >= int(client.hget(f"{PREFIX}sliced", writer) or 0):
                sums[place.replace(f"{PREFIX}slices", "limit"), field] += amount
    return dict(sums)


def _kept(client: Valkey) -> Iterator[tuple[str, str, list]]:
    for key in client.keys(f"{PREFIX}slices:*"):
        for field, value in client.hgetall(key).items():
            yield key.decode(), field.decode(), msgpack.decode(value)
