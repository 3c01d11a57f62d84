from __future__ import annotations

from pathlib import Path

import pytest

from router.config.applied_policy import is_copy_of, note_applied, note_source, was_applied


def test_only_what_was_applied_last_was_confirmed(tmp_path: Path) -> None:
    copy = tmp_path / "last-good.yaml"
    assert not was_applied(copy, b"one")
    for each in (b"one", b"two"):
        note_applied(copy, each)
        assert was_applied(copy, each)
    assert not was_applied(copy, b"one")


def test_a_note_that_cannot_be_read_confirms_nothing(tmp_path: Path) -> None:
    (tmp_path / "applied-policy.sha256").write_bytes(b"\xff\xfe")
    assert not was_applied(tmp_path / "last-good.yaml", b"one")


def test_one_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        note_applied(tmp_path / "gone" / "last-good.yaml", b"one")


def test_a_copy_is_of_one_file_however_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy, policy = tmp_path / "last-good.yaml", tmp_path / "policy.yaml"
    assert not is_copy_of(copy, policy)
    note_source(copy, policy)
    monkeypatch.chdir(tmp_path)
    assert is_copy_of(copy, policy) and is_copy_of(copy, "policy.yaml")
    assert not is_copy_of(copy, tmp_path / "other.yaml")
