"""One record is shown to be in a receipt, without the others."""

from __future__ import annotations

import asyncio
import json

import pytest
from support.audited import chain, note

from router.admin.audit.receipts import ReceiptWriter
from router.cli import main
from router.core.audit.entry import read_entry
from router.core.audit.merkle import root_by_path
from router.core.audit.receipts import leaf_of
from router.core.values import Cell
from router.ledger.redis_keys import AUDIT_KEY

NOON = 1_779_271_200.0
GPU = Cell("gpu", "local", "chat", "search", "app")


@pytest.fixture
def show(books, capsys):
    def run(*options: str) -> tuple[int, str]:
        status = main(["audit", "show", *options, "--redis", books.url])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


def test_a_request_with_what_proves_it(books, show):
    for second in range(5):
        books.settle(GPU, NOON + second)
    asyncio.run(ReceiptWriter(books.url).write_all())
    status, said = show("--record", f"req-{NOON + 3:.0f}")
    (found,) = json.loads(said)
    assert status == 0 and found["proved"] and (found["place"], found["of"]) == (3, 5)
    root = root_by_path(leaf_of(found["record"]), found["place"], found["of"], list(map(bytes.fromhex, found["path"])))
    (entry,) = map(read_entry, books.client.lrange(AUDIT_KEY, 0, -1))
    assert root.hex() == entry.new["root"] == found["root"] and found["receipt"] == f"1:{entry.hash}"


def test_a_request_whose_minute_has_no_receipt_is_not_proved(books, show):
    books.settle(GPU)
    status, said = show("--record", f"req-{NOON:.0f}")
    assert status == 1 and json.loads(said)[0]["receipt"] is None


def test_an_entry(books, show):
    books.client.rpush(AUDIT_KEY, *chain([note("a"), note("b")]))
    status, said = show("2")
    assert status == 0 and json.loads(said)[0]["subject"] == "b"
    assert show("3") == (2, "breakeven audit show: there is no entry 3\n")


def test_what_cannot_be_shown_says_so(books, show):
    assert show("--record", "none") == (
        2,
        "breakeven audit show: no record of the request none is kept (any more)\n",
    )
    assert show()[0] == 2
