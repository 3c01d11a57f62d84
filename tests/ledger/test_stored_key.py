from __future__ import annotations

import pytest

from router.ledger.stored_key import StoredKey


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "active"),
        ({"replaced_by": "x", "expires": 200.0}, "ending"),
        ({"replaced_by": "x", "expires": 50.0}, "replaced"),
        ({"replaced_by": "x", "revoked": 50.0}, "replaced"),
        ({"expires": 50.0}, "expired"),
        ({"revoked": 50.0}, "revoked"),
    ],
)
def test_states(fields: dict, expected: str) -> None:
    assert StoredKey("s", {"name": "app"}, 0.0, **fields).state(100.0) == expected


def test_every_change_makes_another_version_and_none_another_id():
    key = StoredKey("ab" * 32, {"name": "app"}, 0.0)
    others = [StoredKey("ab" * 32, {"name": "app", "zones": []}, 0.0), StoredKey("ab" * 32, {"name": "app"}, 0.0, 9.0)]
    assert len({each.version for each in (key, *others)}) == 3
    assert {each.id for each in (key, *others)} == {"ab" * 8}


def test_who_says_no_team_is_in_the_default_one():
    assert (StoredKey("1", {"name": "app"}, 0.0).team, StoredKey("1", {}, 0.0).name) == ("default", "")
