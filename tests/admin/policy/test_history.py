"""Versions of the policy, in the data directory."""

from __future__ import annotations

import stat

import pytest

from router.admin.policy.answers import HistoryEntry
from router.admin.policy.history import MOST_ENTRIES, PolicyHistory
from router.config.load import version_of


@pytest.fixture
def history(tmp_path) -> PolicyHistory:
    return PolicyHistory(tmp_path / "history")


def entry(content: bytes, at: float, how: str = "applied") -> HistoryEntry:
    return HistoryEntry(version=version_of(content), at=at, how=how, who="admin")


def test_latest_first_with_their_texts(history):
    history.add(entry(b"one", 1.0), b"one")
    history.add(entry(b"two", 2.0), b"two")
    assert [each.at for each in history.entries()] == [2.0, 1.0]
    assert history.text(version_of(b"one")) == b"one"


def test_which_version_was_in_force(history):
    history.add(entry(b"one", 10.0), b"one")
    history.add(entry(b"broken", 15.0, "replaced"), b"broken")
    history.add(entry(b"two", 20.0), b"two")
    assert [history.at(moment) for moment in (9, 10, 19, 20)] == [
        "",
        version_of(b"one"),
        version_of(b"one"),
        version_of(b"two"),
    ]


def test_only_versions_are_looked_up(history, tmp_path):
    (tmp_path / "secret.yaml").write_text("x")
    assert history.text("../secret") is None and history.text("0" * 12) is None


def test_a_text_that_was_tampered_with_is_not_given_out(history, tmp_path):
    history.add(entry(b"one", 1.0), b"one")
    (tmp_path / "history" / f"{version_of(b'one')}.yaml").write_bytes(b"other")
    assert history.text(version_of(b"one")) is None


def test_the_oldest_are_forgotten_with_their_texts(history):
    for number in range(MOST_ENTRIES + 1):
        history.add(entry(b"%d" % number, float(number)), b"%d" % number)
    assert len(history.entries()) == MOST_ENTRIES
    assert history.text(version_of(b"0")) is None and history.text(version_of(b"1")) == b"1"


def test_it_is_the_owners_alone(history, tmp_path):
    history.add(entry(b"one", 1.0), b"one")
    for path in [tmp_path / "history", *(tmp_path / "history").iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_a_broken_index_is_an_empty_history(history, tmp_path):
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "index.json").write_text("{")
    assert history.entries() == []
