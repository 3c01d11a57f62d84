"""Tokens: given, made, compared."""

from __future__ import annotations

import stat

import pytest

from router.admin.auth.tokens import (
    ADMIN_FILE,
    ADMIN_VARIABLE,
    NOT_SHOWN,
    VIEWER_VARIABLE,
    Taken,
    Tokens,
    TokenUnusable,
    take_tokens,
    was_shown,
)

LONG = "a-token-that-is-long-enough"
OTHER = "another-token-for-viewers"


def test_a_token_is_made_once_and_kept_for_its_owner_alone(tmp_path):
    first = take_tokens(tmp_path, "", "", {})
    path = tmp_path / "admin-token"
    assert first.fresh and first.kept_in == str(path) and len(first.admin) > 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.read_text() == f"{first.admin}\n"
    was_shown(tmp_path)
    again = take_tokens(tmp_path, "", "", {})
    assert (again.admin, again.fresh, again.kept_in) == (first.admin, False, str(path))


def test_a_start_that_failed_before_the_token_was_shown_leaves_that_to_the_next_one(tmp_path):
    failed = take_tokens(tmp_path, "", "", {})
    assert take_tokens(tmp_path, "", "", {}) == failed and failed.fresh


def test_a_token_from_before_there_was_such_a_note_was_shown(tmp_path):
    (tmp_path / "admin-token").write_text(LONG)
    assert not take_tokens(tmp_path, "", "", {}).fresh


def test_variables_are_taken_out_of_the_environment_that_children_inherit(tmp_path):
    environment = {ADMIN_VARIABLE: LONG, VIEWER_VARIABLE: OTHER, "HOME": "/"}
    assert take_tokens(tmp_path, "", "", environment) == Taken(LONG, OTHER)
    assert environment == {"HOME": "/"} and not (tmp_path / "admin-token").exists()


def test_a_file_goes_before_a_variable(tmp_path):
    (tmp_path / "given").write_text(f"{LONG}\n")
    (tmp_path / "viewer").write_text(OTHER)
    environment = {ADMIN_VARIABLE: "not-this-one-but-long", VIEWER_VARIABLE: "nor-this-one-long"}
    taken = take_tokens(tmp_path, str(tmp_path / "given"), str(tmp_path / "viewer"), environment)
    assert taken == Taken(LONG, OTHER) and environment == {}


@pytest.mark.parametrize("content", [b"", b"ba-hal", b"\xff\xfe" * 20])
def test_a_token_of_an_earlier_start_that_cannot_be_used_says_what_makes_a_new_one(content, tmp_path):
    (tmp_path / ADMIN_FILE).write_bytes(content)
    with pytest.raises(TokenUnusable, match=r"or delete .*admin-token, and the next start makes a new one"):
        take_tokens(tmp_path, "", "", {})
    (tmp_path / ADMIN_FILE).unlink()
    assert take_tokens(tmp_path, "", "", {}).fresh
    assert sorted(path.name for path in tmp_path.iterdir()) == [ADMIN_FILE, NOT_SHOWN]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"short", "too short: use at least 16"),
        (b"", "one line of plain characters"),
        (b"two words that are long", "without spaces"),
        (b"\xff\xfe" * 20, "no text file"),
    ],
)
def test_what_cannot_be_a_token_is_refused_without_being_repeated(content, says, tmp_path):
    (tmp_path / "given").write_bytes(content)
    with pytest.raises(TokenUnusable, match=says) as refused:
        take_tokens(tmp_path, str(tmp_path / "given"), "", {})
    assert "two words" not in str(refused.value) and "short-" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TokenUnusable, match=r"no-such-file cannot be read: No such file"):
        take_tokens(tmp_path, str(tmp_path / "no-such-file"), "", {})


def test_a_viewer_with_the_admins_token_would_be_an_admin(tmp_path):
    with pytest.raises(TokenUnusable, match="give the viewer another"):
        take_tokens(tmp_path, "", "", {ADMIN_VARIABLE: LONG, VIEWER_VARIABLE: LONG})


def test_whose_a_token_is():
    tokens = Tokens(LONG, OTHER)
    assert [tokens.role_of(each) for each in (LONG, OTHER, LONG + "x", "", "\udcff")] == ["admin", "viewer"] + [
        None
    ] * 3
    assert Tokens(LONG).role_of("") is None


def test_representations_keep_the_secret():
    assert LONG not in repr(Taken(LONG)) + repr(Tokens(LONG)) + str(vars(Tokens(LONG)))


def test_a_fingerprint_changes_with_the_token():
    assert Tokens(LONG).fingerprint("admin") != Tokens(OTHER).fingerprint("admin")
    assert Tokens(LONG).fingerprint("viewer") == ""
