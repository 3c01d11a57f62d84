from __future__ import annotations

import pytest

from router.ledger.key_changes import KEPT_SECONDS, added_to, edited, ended, latest, outdated, replaced, revoked
from router.ledger.stored_key import KeyChanged, KeyProblem, StoredKey

APP = {"name": "app", "team": "search", "models": ["chat"]}
NOW = 50.0


def key(sha256: str = "1" * 64, **fields) -> StoredKey:
    return StoredKey(**{"sha256": sha256, "entry": APP, "created": 0.0} | fields)


def test_a_rotation_never_prolongs_a_key():
    old = StoredKey("1", APP, created=0.0, expires=100.0)
    new, former = replaced([old], 50.0, old.id, "2", 3600)
    assert (new.expires, former.expires) == (100.0, 100.0)


def test_what_has_not_worked_for_long_is_outdated():
    revoked = StoredKey("1", APP, created=0.0, expires=1e12, revoked=10.0)
    assert outdated([revoked, StoredKey("2", APP, created=0.0)], 10.0 + KEPT_SECONDS) == []
    assert outdated([revoked], 11.0 + KEPT_SECONDS) == [revoked]


def test_of_thousands_of_names_an_error_tells_a_few():
    keys = [StoredKey(str(n), {"name": f"app-{n:04}"}, created=0.0) for n in range(1000)]
    with pytest.raises(KeyProblem, match=r"there are: app-0000, .*, app-0019 and 980 more\)"):
        revoked(keys, 1.0, "gone")


def test_an_edit_replaces_what_a_key_may_and_leaves_whose_it_is():
    old = key()
    (changed,) = edited([old], NOW, old.id, old.version, {"zones": ["local"]}, 100.0)
    assert changed.entry == {"name": "app", "team": "search", "zones": ["local"]}
    assert (changed.expires, changed.created, changed.sha256) == (100.0, old.created, old.sha256)


def test_an_edit_of_what_somebody_else_changed_is_refused_with_what_it_is_now():
    old = key()
    (other,) = edited([old], NOW, old.id, old.version, {"zones": ["local"]}, None)
    with pytest.raises(KeyChanged) as refused:
        edited([other], NOW, old.id, old.version, {}, None)
    assert refused.value.version == other.version != old.version


def test_what_a_key_replaced_is_narrowed_with_it_and_ends_as_it_was_to_end():
    old = key("a" * 64, replaced_by="b" * 64, expires=80.0)
    new, over = key("b" * 64), key("c" * 64, revoked=10.0)
    found = edited([old, new, over], NOW, new.id, new.version, {"models": []}, None)
    assert [(each.sha256, each.entry["models"], each.expires) for each in found] == [
        (new.sha256, [], None),
        (old.sha256, [], 80.0),
    ]
    with pytest.raises(KeyProblem, match="was replaced: edit the one in its place"):
        edited([old, new], NOW, old.id, old.version, {}, None)


@pytest.mark.parametrize(
    ("fields", "said"), [({"revoked": 10.0}, "it is revoked"), ({"expires": 10.0}, "it is expired")]
)
def test_what_does_not_work_any_more_is_neither_edited_nor_ended_nor_replaced(fields, said):
    old = key(**fields)
    for change in (
        lambda: edited([old], NOW, old.id, old.version, {}, None),
        lambda: ended([old], NOW, old.id),
        lambda: replaced([old], NOW, old.id, "2", 0.0),
    ):
        with pytest.raises(KeyProblem, match=said):
            change()


def test_with_a_key_ends_what_it_replaced_and_an_old_one_may_end_alone():
    old, new = key("a" * 64, replaced_by="b" * 64, expires=80.0), key("b" * 64)
    assert [each.sha256 for each in ended([old, new], NOW, old.id)] == [old.sha256]
    assert {each.sha256 for each in ended([old, new], NOW, new.id)} == {old.sha256, new.sha256}


def test_a_key_is_replaced_once():
    old, new = key("a" * 64, replaced_by="b" * 64, expires=80.0), key("b" * 64)
    with pytest.raises(KeyProblem, match="was replaced already"):
        replaced([old, new], NOW, old.id, "c" * 64, 0.0)
    assert [each.sha256 for each in replaced([old, new], NOW, new.id, "c" * 64, 9.0)] == ["c" * 64, new.sha256]


def test_the_latest_of_a_name_is_the_one_that_was_not_replaced():
    old, new, other = key("a" * 64, replaced_by="b" * 64), key("b" * 64), key("c" * 64, entry={"name": "other"})
    assert latest([new, old, other], NOW, "app") == new
    assert latest([key("b" * 64, revoked=1.0), old], NOW, "app") == old
    with pytest.raises(KeyProblem, match="no stored key gone"):
        latest([new], NOW, "gone")


def test_no_key_is_made_or_edited_to_have_ended_already():
    old = key()
    with pytest.raises(KeyProblem, match="give a later time"):
        added_to([], NOW, "2", {"name": "other"}, NOW)
    with pytest.raises(KeyProblem, match="give a later time"):
        edited([old], NOW, old.id, old.version, {}, NOW - 1)
