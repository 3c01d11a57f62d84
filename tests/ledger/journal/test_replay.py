from __future__ import annotations

from pathlib import Path

import pytest

from router.ledger.errors import JournalError
from router.ledger.journal.journal import new_journal
from router.ledger.journal.replay import Skipped, read_journal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a writer with entries 1 to 5."""
    journal = new_journal(tmp_path)
    for number in range(1, 6):
        journal.append(number, b"entry %d" % number)
    journal.close()
    return tmp_path / journal.writer


def numbers(folder: Path, after: int = 0, until: int | None = None, skipped: list[Skipped] | None = None) -> list[int]:
    return [entry.number for entry in read_journal(folder, after, until, None if skipped is None else skipped.append)]


@pytest.mark.parametrize(
    ("after", "until", "read"),
    [(0, None, [1, 2, 3, 4, 5]), (3, None, [4, 5]), (1, 3, [2, 3]), (5, None, []), (0, 0, []), (9, 12, [])],
)
def test_entries_between_two_numbers(folder: Path, after: int, until: int | None, read: list[int]) -> None:
    assert numbers(folder, after, until) == read


def test_an_entry_that_was_never_finished_is_told_once_and_the_others_are_read(folder: Path) -> None:
    [segment] = folder.glob("*.log")
    segment.write_bytes(segment.read_bytes()[:-3])
    skipped: list[Skipped] = []
    assert numbers(folder, skipped=skipped) == [1, 2, 3, 4]
    assert [(each.first, each.summary) for each in skipped] == [(5, False)]


def test_damage_goes_to_the_log_when_nobody_else_wants_to_know(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    [segment] = folder.glob("*.log")
    segment.write_bytes(segment.read_bytes()[:-3])
    assert numbers(folder) == [1, 2, 3, 4]
    assert "from entry 5 on not read" in caplog.text


def test_a_folder_that_is_gone_has_no_entries(folder: Path) -> None:
    assert numbers(folder.with_name("gone")) == []


def test_what_the_system_refuses_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("router.ledger.journal.replay.list_files", refuse)
    with pytest.raises(JournalError, match=r"cannot read the journal .*: Input/output error; look after that disk"):
        numbers(folder)
