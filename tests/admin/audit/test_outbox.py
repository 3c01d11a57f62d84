"""What waits for the ledger is on disk, whatever becomes of the process."""

from __future__ import annotations

import stat

import pytest
from support.audited import note

from router.admin.audit.outbox import Outbox


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit-waiting.jsonl"


def test_notes_are_kept_in_their_order_for_their_owner_alone(path):
    outbox = Outbox(path)
    assert outbox.is_empty() and outbox.notes() == []
    outbox.put(note("one"))
    outbox.put(note("two", new={"order": "on"}))
    assert [each.subject for each in Outbox(path).notes()] == ["one", "two"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and not outbox.is_empty()


def test_what_was_sent_is_gone(path):
    outbox = Outbox(path)
    outbox.put(note("one"))
    outbox.put(note("two"))
    outbox.keep(outbox.notes()[1:])
    assert [each.subject for each in outbox.notes()] == ["two"]
    outbox.keep([])
    outbox.keep([])
    assert outbox.is_empty()


def test_half_a_line_of_a_process_that_was_killed_takes_no_other_with_it(path):
    outbox = Outbox(path)
    outbox.put(note("one"))
    path.write_bytes(path.read_bytes() + b'{"at": 17')
    outbox.put(note("two"))
    assert [each.subject for each in outbox.notes()] == ["one", "two"]
