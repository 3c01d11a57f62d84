from __future__ import annotations

from pathlib import Path

import pytest
from support.control import POLICY

from router.admin.errors import ApiError
from router.admin.handler_context import Who
from router.admin.request_types import SpendQuery
from router.admin.views.own_spend import own_choices, own_query
from router.config.load import load
from router.ledger.stored_key import StoredKey


def member(*teams: str) -> Who:
    return Who("member", None, "", "ada", frozenset(teams))


def test_who_sees_all_asks_for_what_they_like():
    query = SpendQuery(team=("legal",))
    assert own_query(query, Who("viewer", None, "")) is query


def test_a_member_is_shown_the_teams_that_they_ask_for_or_all_of_theirs():
    who = member("search", "legal", "sales")
    assert own_query(SpendQuery(by="key"), who) == SpendQuery(by="key", team=("legal", "sales", "search"))
    assert own_query(SpendQuery(team=("search",)), who).team == ("search",)
    assert own_query(SpendQuery(team=("search", "legal")), who).team == ("search", "legal")


@pytest.mark.parametrize(("who", "code"), [(member("search"), "unknown_team"), (member(), "no_team")])
def test_a_team_that_is_not_theirs_is_not_there(who, code):
    for asked in (("legal",), ("search", "legal")):
        with pytest.raises(ApiError) as refused:
            own_query(SpendQuery(team=asked), who)
        assert (refused.value.status, refused.value.answer.error.code) == (404, code)


def test_names_of_other_teams_are_no_choices(tmp_path: Path):
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    stored = [StoredKey("a" * 64, {"name": name, "team": name}, 1.0) for name in ("legal", "sales")]
    plan = load(path)
    assert own_choices(plan, stored, frozenset({"legal"})).keys == ["legal"]
    assert own_choices(plan, stored, frozenset({"search", "sales"})).keys == ["app", "sales"]
    assert own_choices(plan, stored, frozenset({"legal"})).teams == ["legal"]
