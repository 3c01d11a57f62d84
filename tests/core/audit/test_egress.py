"""Whether anything left that never may, from receipts alone."""

from __future__ import annotations

from support.audited import chain, note, receipt_note, record_line

from router.core.audit.egress import Account, Destination, EgressReader
from router.core.audit.entry import Note, read_entry

OUT = {"zone": "cloud", "local": False, "captive": False}


def read(*notes: Note, never: tuple[str, ...] = ("restricted",)) -> EgressReader:
    reader = EgressReader(never)
    for entry in map(read_entry, chain(notes)):
        reader.take(entry)
    return reader


def test_what_stayed_is_counted_with_what_was_refused():
    refused = record_line(kind="refused", zone="", local=False)
    public = record_line(sensitivity="public", tags=[], **OUT)
    reader = read(note(), receipt_note(record_line(), record_line(request_id="r2"), refused, public))
    assert reader.findings == [] and (reader.minutes, reader.records) == (1, 4)
    assert reader.accounts() == [Account("restricted", {Destination("local", True): 2}, 1)]
    assert reader.accounts()[0].left == 0


def test_one_that_left_is_found_by_its_level_or_its_tag_with_the_minute():
    tagged = record_line(sensitivity="public", **OUT)
    reader = read(receipt_note(record_line(**OUT), tagged), never=("restricted", "phi"))
    assert [(each.seq, each.problem) for each in reader.findings] == [
        (1, "requests of 2026-05-20T10:00Z: 1 of phi went to cloud, which is not own"),
        (1, "requests of 2026-05-20T10:00Z: 1 of restricted went to cloud, which is not own"),
        (1, "requests of 2026-05-20T10:00Z: 1 of phi went to cloud, which is not own"),
    ]
    assert [account.left for account in reader.accounts()] == [1, 2]


def test_one_that_could_not_leave_and_did_is_found_whatever_is_asked():
    reader = read(receipt_note(record_line(zone="cloud", local=False, kind="attempt")), never=())
    assert [each.problem for each in reader.findings] == [
        "requests of 2026-05-20T10:00Z: 1 could not leave, and went to cloud"
    ]


def test_a_name_that_no_receipt_has_is_unheard_of():
    reader = read(receipt_note(record_line()), never=("restricted", "phi", "restriced"))
    assert (reader.unheard_of(), reader.known) == (["restriced"], {"restricted", "phi"})


def test_what_was_taken_back_did_not_leave_twice():
    assert read(receipt_note(record_line(kind="lifted", **OUT))).findings == []


def test_one_without_a_level_is_told():
    assert read(receipt_note(record_line(kind="held", sensitivity="", tags=[], **OUT))).unknown == 1


def test_a_receipt_that_nobody_can_read_and_a_gap_are_told():
    reader = read(note("m", "egress.receipt", new={"form": 9}), note("m", "egress.gap", new={"entries": 4}))
    assert (len(reader.findings), reader.gaps, reader.minutes) == (1, 1, 0)
    ends = read(receipt_note(record_line(), minute="A"), receipt_note(record_line(), minute="B"))
    assert (ends.first, ends.last) == ("A", "B")
