import msgspec
import pytest

from router.core.values import Cell, RequestOutcome, Settlement, Usage
from router.ledger.client.batch import Count, Note, Sum
from router.ledger.journal.entries import noted_of, operations_of, pack_noted, summarise
from router.ledger.record import FIELDS, batch_blob, pack_record, pack_refused

API = Cell("openai", "cloud", "chat", "search", "app")
SETTLEMENT = Settlement("02965446aa1", API, 900.0, Usage(100, 30, 10, 7), 250, 900, False, True)
REFUSED = pack_refused(at=1.0, key="app", team="search", model="chat", course=RequestOutcome(reason="x", status=429))
pack, unpack = msgspec.msgpack.encode, msgspec.msgpack.decode
NOTHING_KNOWN = [0] * 5
"""What totals of before say in the last columns: they are counted since."""
CELL = ["openai", "cloud", "chat", "search", "app"]


def former(record: bytes) -> bytes:
    """As it was written when money was in micro-USD."""
    return pack(unpack(record)[: list(FIELDS).index("version")])


@pytest.mark.parametrize(("record", "unit"), [(pack_record(SETTLEMENT), 1), (former(pack_record(SETTLEMENT)), 1000)])
def test_a_record_is_sent_again_with_its_price(record: bytes, unit: int):
    (operation, note) = operations_of(batch_blob([record, REFUSED]))
    assert isinstance(operation, Count) and isinstance(note, Note)
    assert (operation.settlement.cost, operation.settlement.counterfactual) == (250 * unit, 900 * unit)
    assert operation.settlement.usage == SETTLEMENT.usage
    again = operations_of(batch_blob([operation.record]))[0]
    assert again.settlement.cost == 250 * unit


def test_a_summary_of_both_kinds_says_its_unit():
    payloads = [batch_blob([pack_record(SETTLEMENT)]), batch_blob([former(pack_record(SETTLEMENT))])]
    (summary,) = summarise(payloads)
    assert operations_of(summary) == [
        Sum(1, API, [2, 0, 200, 60, 14, 250_250, 900_900, 0, 0, 0, 214, 900_250, 0, 0, 0], True, (140, 60, 14))
    ]


def test_a_correction_is_taken_back_and_counted_beside_any_hold():
    booked = msgspec.structs.replace(SETTLEMENT, usage=Usage(200, output=900, estimated=True), cost=9000, error=True)
    records = [pack_record(booked), pack_record(booked, "withdrawn"), pack_record(SETTLEMENT, "final")]
    (_, withdrawn, final) = operations_of(batch_blob(records))
    assert isinstance(withdrawn, Count) and isinstance(final, Count)
    assert (withdrawn.taken_back, withdrawn.settlement.id, withdrawn.settlement.cost) == (True, "", 9000)
    assert (final.taken_back, final.settlement.id, final.settlement.cost) == (False, "", 250)
    assert summarise([batch_blob(records)]) == summarise([batch_blob([pack_record(SETTLEMENT)])])


def test_a_former_summary_had_micro_usd():
    payload = pack({"sums": [[1, CELL, [2, 0, 200, 60, 14, 500, 1800, 0, 0, 1], True, [140, 60, 14]]]})
    (operation,) = operations_of(payload)
    assert isinstance(operation, Sum)
    assert operation.totals == [2, 0, 200, 60, 14, 500_000, 1_800_000, 0, 0, 1, *NOTHING_KNOWN]


def test_what_is_no_entry_is_an_error():
    with pytest.raises(ValueError):
        operations_of(pack({"other": 1}))


def test_a_hold_is_read_as_it_was_packed():
    assert noted_of(pack_noted("0029655461abc7", b"3 \x90 \x00")) == ("0029655461abc7", b"3 \x90 \x00")
