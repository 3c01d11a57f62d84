"""What is noted of a minute's requests; any tool can make it of an export."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.audited import chain, note, record_line

from router.core.audit.entry import read_entry
from router.core.audit.merkle import root_of
from router.core.audit.receipts import LEAF, Passage, Receipt, ReceiptMaker, leaf_of, read_receipt


def receipt_of(*lines: dict) -> Receipt:
    maker = ReceiptMaker()
    for line in lines:
        maker.take(line)
    return maker.receipt()


def test_what_went_where_is_counted():
    local, cloud = record_line(), record_line(zone="cloud", local=False, captive=False, sensitivity="public", tags=[])
    receipt = receipt_of(local, cloud, record_line(request_id="r2"))
    assert receipt.counts == [
        ("public", (), "cloud", False, False, "settled", 1),
        ("restricted", ("phi",), "local", True, True, "settled", 2),
    ]
    assert (receipt.records, receipt.first) == (3, leaf_of(local).hex())
    assert receipt.root == root_of([leaf_of(local), leaf_of(cloud), leaf_of(record_line(request_id="r2"))]).hex()


def test_it_is_read_from_an_entry_as_it_was_put_in():
    receipt = receipt_of(record_line())
    (entry,) = map(read_entry, chain([note("2026-05-20T10:00Z", "egress.receipt", new=receipt)]))
    assert read_receipt(entry.new) == receipt
    assert [*read_receipt(entry.new).passages()] == [
        (Passage("restricted", ("phi",), "local", True, True, "settled"), 1)
    ]
    with pytest.raises(ValueError):
        read_receipt({"form": 1})


def test_a_minute_without_anything_that_could_be_read():
    assert ReceiptMaker().receipt(3) == Receipt(1, 0, hashlib.sha256(b"").hexdigest(), "", [], 3)


@given(st.text(), st.lists(st.text()))
def test_a_leaf_is_what_any_json_library_makes_of_the_columns(reason, tags):
    line = record_line(reason=reason, tags=tags)
    plain = json.dumps([line[name] for name in LEAF], separators=(",", ":"), ensure_ascii=False)
    assert leaf_of(line) == hashlib.sha256(b"\0" + plain.encode()).digest()


def test_what_went_out():
    assert Passage("", (), "cloud", False, False, "held").left
    assert not Passage("", (), "local", True, False, "settled").left
    assert not any(Passage("", (), "cloud", False, False, kind).left for kind in ("refused", "lifted", "withdrawn"))
