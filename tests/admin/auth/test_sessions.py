"""Sessions outlive the process, and end when they should."""

from __future__ import annotations

import stat

import pytest
from support.control import Clock

from router.admin.auth.sessions import LIFETIME_SECONDS, MOST_OF_ONE, Sessions, identified
from router.admin.auth.tokens import Tokens

TOKENS = Tokens("a-token-that-is-long-enough", "another-token-for-viewers")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sessions.json"


def test_a_restart_signs_nobody_out(path):
    clock = Clock()
    value, session = Sessions(path, TOKENS, clock).open("viewer")
    assert Sessions(path, TOKENS, clock).find(value) == session


def test_a_sign_out_outlives_a_restart_too(path):
    clock = Clock()
    sessions = Sessions(path, TOKENS, clock)
    value, session = sessions.open("admin")
    sessions.close(session)
    sessions.close(session)
    assert sessions.find(value) is None and Sessions(path, TOKENS, clock).find(value) is None


def test_a_changed_token_ends_its_sessions_and_no_others(path):
    clock = Clock()
    sessions = Sessions(path, TOKENS, clock)
    admin, viewer = sessions.open("admin")[0], sessions.open("viewer")[0]
    changed = Sessions(path, Tokens("a-token-that-was-changed", "another-token-for-viewers"), clock)
    assert changed.find(admin) is None and changed.find(viewer) is not None


def test_a_session_ends_in_time_and_is_forgotten(path):
    clock = Clock()
    sessions = Sessions(path, TOKENS, clock)
    value, session = sessions.open("admin")
    clock.now += LIFETIME_SECONDS
    assert sessions.find(value) is None
    sessions.open("admin")
    assert session.digest not in path.read_text()


@pytest.mark.parametrize("flooding", [("viewer", ""), ("viewer", "eve")])
def test_whoever_signs_in_without_end_signs_out_only_themselves(path, flooding):
    sessions = Sessions(path, TOKENS, Clock(), "provider")
    others = [
        sessions.open("admin")[0],
        sessions.open("admin", "ann", lifetime=60)[0],
        sessions.open("viewer", "bob", lifetime=60)[0],
    ]
    theirs = [sessions.open(*flooding)[0] for _ in range(3 * MOST_OF_ONE)]
    for kept in (sessions, Sessions(path, TOKENS, Clock(), "provider")):
        assert all(map(kept.find, others))
        assert [kept.find(each) is not None for each in theirs] == [False] * (2 * MOST_OF_ONE) + [True] * MOST_OF_ONE


def test_a_namesake_signs_out_nobody_but_themselves(path):
    sessions = Sessions(path, TOKENS, Clock(), "provider")
    anna = sessions.open("admin", "anna", subject="https://login.example 1")[0]
    for _ in range(2 * MOST_OF_ONE):
        sessions.open("member", "anna", subject="https://login.example 666")
    assert sessions.find(anna) is not None and Sessions(path, TOKENS, Clock(), "provider").find(anna) is not None


def test_names_are_written_down_with_what_tells_namesakes_apart():
    written = {identified("anna", "https://login.example 1"), identified("anna", "https://login.example 666")}
    assert written == {"anna [1]", "anna [666]"}
    assert identified("1", "https://login.example 1") == "1"
    assert identified("anna", "") == "anna" and identified("", "") == ""


def test_when_there_are_too_many_of_all_whoever_has_most_gives_way(path, monkeypatch):
    monkeypatch.setattr("router.admin.auth.sessions.MOST_SESSIONS", 4)
    sessions = Sessions(path, TOKENS, Clock(), "provider")
    ann = sessions.open("admin", "ann")[0]
    eve = [sessions.open("viewer", "eve")[0] for _ in range(3)]
    bob = sessions.open("viewer", "bob")[0]
    assert [sessions.find(each) is not None for each in (ann, *eve, bob)] == [True, False, True, True, True]


def test_the_file_is_the_owners_alone_and_holds_no_cookie(path):
    value, session = Sessions(path, TOKENS, Clock()).open("admin")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert value not in path.read_text() and value not in repr(session) and session.csrf not in repr(session)


def test_a_broken_file_signs_everybody_out_and_nothing_worse(path):
    path.write_text("{")
    assert Sessions(path, TOKENS, Clock()).find("anything") is None


def test_a_disk_that_is_full_keeps_nobody_from_signing_in(tmp_path):
    sessions = Sessions(tmp_path / "no-such-folder" / "sessions.json", TOKENS, Clock())
    value, session = sessions.open("admin")
    assert sessions.find(value) == session
