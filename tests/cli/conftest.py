"""A ledger with request records, for the commands that read them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from support.totals import packed_totals
from valkey import Valkey

from router.core.money import NANO_PER_MICRO
from router.core.values import Cell, RequestOutcome, Row, Settlement, Usage
from router.ledger.record import batch_blob, pack_record, unpack_records
from router.ledger.redis_keys import REQUESTS_KEY, pack_cell
from router.ledger.server.embedded import EmbeddedServer

NOON = 1_779_271_200.0
"""2026-05-20 12:00 in Berlin."""
GPU = Cell("gpu", "local", "chat", "search", "app")
CLOUD = Cell("openai", "cloud", "chat", "sales", "bot")


class Books:
    """A running embedded server, written to from outside as the ledger's scripts write."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = Valkey.from_url(url)
        self.client.set("be:{ledger}:timezone", "Europe/Berlin")

    def settle(self, cell: Cell, at: float = NOON, *, cost: int = 250, input: int = 1000, output: int = 50) -> None:
        """Two totals and a record of one request; `cost` in micro-USD."""
        course = RequestOutcome(f"req-{at:.0f}", "internal", ("phi",), "cheapest", 200, attempts=1, duration=1500)
        usage = Usage(input=input, cached=200, output=output)
        money = NANO_PER_MICRO * cost, NANO_PER_MICRO * 900
        packed = pack_record(Settlement(f"id-{at}", cell, at, usage, *money, False, True, course=course))
        (record,) = unpack_records(batch_blob([packed]))
        self.client.xadd(REQUESTS_KEY, {"n": 1, "b": batch_blob([packed])}, id=f"{(at + 1) * 1000:.0f}-*")
        self.add(f"hour:{int(at // 3600)}", record.row)
        self.add("day:2026-05-20", record.row)

    def add(self, place: str, row: Row) -> None:
        key, field = f"be:{{ledger}}:{place}", pack_cell(row.cell)
        old = self.client.hget(key, field)
        totals = [0] * (len(Row.__struct_fields__) - 1) if old is None else msgspec.msgpack.decode(old)
        changes = msgspec.structs.astuple(row)[1:]
        new = [a + b for a, b in zip(totals, changes, strict=True)]
        self.client.hset(key, field, packed_totals(new))


@pytest.fixture
def books(tmp_path) -> Iterator[Books]:
    server = EmbeddedServer(tmp_path / "data")
    try:
        yield Books(server.start())
    finally:
        server.stop()
