from __future__ import annotations

from pathlib import Path

import pytest
from support.control import POLICY

from router.admin.keys.answers import KeysQuery
from router.admin.keys.listing import NOT_TAKEN, checked, row_of, rows_of, visible, wanted
from router.config.load import load
from router.core.values import Plan
from router.ledger.stored_key import StoredKey

NOW = 100.0


@pytest.fixture
def plan_of(tmp_path: Path):
    def make(rest: str = "server: {stored_keys: true}\n") -> Plan:
        path = tmp_path / "policy.yaml"
        path.write_text(POLICY + rest)
        return load(path)

    return make


def stored(name: str, sha: str = "a", created: float = 1.0, **fields) -> StoredKey:
    entry = {"name": name, "team": fields.pop("team", "search")} | fields.pop("entry", {})
    return StoredKey(sha * 64, entry, created, **fields)


def test_keys_stand_by_name_and_the_one_that_counts_first(plan_of):
    keys = [
        stored("batch", "b", created=1.0, revoked=50.0),
        stored("batch", "c", created=2.0),
        stored("app", "d"),
    ]
    found = [(row.name, row.source, row.state) for row in rows_of(plan_of(), keys, NOW)]
    assert found == [
        ("app", "policy", "active"),
        ("app", "ledger", "active"),
        ("batch", "ledger", "active"),
        ("batch", "ledger", "revoked"),
    ]


def test_only_what_somebody_sees_is_visible(plan_of):
    rows = rows_of(plan_of(), [stored("a", team="legal"), stored("b", "b")], NOW)
    assert [row.name for row in visible(rows, {"legal"}.__contains__)] == ["a"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["app", "Übung", "zeta"]),
        ({"search": " ÜB "}, ["Übung"]),
        ({"search": "LEGAL"}, ["zeta"]),
        ({"search": "b" * 10}, ["zeta"]),
        ({"team": "search"}, ["app", "Übung"]),
        ({"state": "working"}, ["app", "Übung"]),
        ({"state": "expired"}, ["zeta"]),
        ({"source": "ledger"}, ["Übung", "zeta"]),
    ],
)
def test_what_is_asked_for(plan_of, query, names):
    keys = [stored("Übung"), stored("zeta", "b", team="legal", expires=NOW)]
    found = wanted(rows_of(plan_of(), keys, NOW), KeysQuery(**query))
    assert sorted(row.name for row in found) == sorted(names)


def test_a_key_says_why_it_may_less_than_it_says(plan_of):
    keys = [stored("odd", entry={"models": ["gone"]}), stored("app", "b"), stored("old", "c", revoked=5.0)]
    rows = {row.id[0]: row for row in checked(plan_of(), rows_of(plan_of(), keys, NOW), keys)}
    assert 'there is no model "gone"' in rows["a"].problems[0]
    assert "which counts" in rows["b"].problems[0]
    assert rows["c"].problems == rows["0"].problems == []
    (row,) = checked(plan_of(""), [row_of(keys[0], NOW)], keys)
    assert row.problems == [NOT_TAKEN]


def test_whatever_stands_in_the_ledger_is_shown_as_something(plan_of):
    entry = {"models": "chat", "zones": [1], "tags": None, "budget": 7, "sensitivity": 3}
    row = row_of(stored("odd", entry=entry), NOW)
    assert (row.models, row.zones, row.tags, row.budget, row.sensitivity) == (None, ["1"], [], None, "3")
    (row,) = checked(plan_of(), [row], [stored("odd", entry=entry)])
    assert "is refused" in row.problems[0]
