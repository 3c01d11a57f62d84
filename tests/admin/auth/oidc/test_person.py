"""Claims give a name, a role and teams."""

from __future__ import annotations

import pytest

from router.admin.auth.oidc.person import groups_of, name_of, person_of
from router.admin.auth.oidc.refused import SignInRefused
from router.admin.auth.oidc.settings import OidcSettings

SETTINGS = OidcSettings(
    issuer="https://login.example",
    client_id="breakeven",
    address="https://breakeven.example",
    roles={"admin": ("admins",), "editor": ("editors",), "viewer": ("finance", "operators"), "member": ("everyone",)},
    teams={"search": ("search-devs",), "legal": ("legal", "counsel")},
)


@pytest.mark.parametrize(
    ("groups", "role", "teams"),
    [
        (["admins"], "admin", None),
        (["finance", "editors"], "editor", None),
        (["operators", "search-devs"], "viewer", None),
        (["everyone"], "member", set()),
        (["search-devs"], "member", {"search"}),
        (["counsel", "search-devs", "cafeteria"], "member", {"search", "legal"}),
    ],
)
def test_the_group_that_may_most_counts_and_members_see_their_teams(groups, role, teams):
    person = person_of({"sub": "1", "preferred_username": "anna", "groups": groups}, SETTINGS)
    assert (person.user, person.role, person.teams) == ("anna", role, teams)


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"groups": ["cafeteria", "Admins"]}, "the claim groups has 2, none of which is in the settings"),
        ({"groups": []}, "no claim groups with groups in it"),
        ({"groups": {"admins": True}}, "no claim groups with groups in it"),
        ({}, "no claim groups with groups in it"),
        ({"_claim_names": {"groups": "src1"}}, "too many to be in the token"),
        ({"hasgroups": True}, "too many to be in the token"),
    ],
)
def test_without_a_group_that_counts_nobody_enters(claims, says):
    with pytest.raises(SignInRefused, match=says) as refused:
        person_of({"sub": "1", "preferred_username": "anna", **claims}, SETTINGS)
    assert refused.value.code == "no_role" and "anna" in refused.value.why and "cafeteria" not in refused.value.why


@pytest.mark.parametrize(
    ("claims", "path", "groups"),
    [
        ({"groups": ["a", "b"]}, "groups", {"a", "b"}),
        ({"groups": "a"}, "groups", {"a"}),
        ({"email": "a@example.com", "email_verified": True}, "email", {"a@example.com"}),
        ({"email": "a@example.com", "email_verified": "true"}, "email", set()),
        ({"email": "a@example.com"}, "email", set()),
        ({"groups": ["a", 1, None, {"b": 2}]}, "groups", {"a"}),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", {"a"}),
        ({"https://example.com/groups": ["a"]}, "https://example.com/groups", {"a"}),
        ({"a.b": ["right"], "a": {"b": ["wrong"]}}, "a.b", {"right"}),
        ({"realm_access": "x"}, "realm_access.roles", set()),
        ({"realm_access": ["x"]}, "realm_access.roles", set()),
        ({}, "groups", set()),
    ],
)
def test_groups_are_a_text_a_list_or_further_in(claims, path, groups):
    assert groups_of(claims, path) == groups


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"preferred_username": "anna", "email": "a@example.com"}, "anna"),
        ({"email": "a@example.com"}, "a@example.com"),
        ({}, "248289761001"),
        ({"preferred_username": ""}, "248289761001"),
        ({"preferred_username": ["x"]}, "248289761001"),
        ({"preferred_username": "a\nb\x1b[31m\u202ec"}, "ab[31mc"),
        ({"preferred_username": "a" * 1000}, "a" * 100),
    ],
)
def test_a_name_is_one_line_that_can_be_shown(claims, name):
    assert name_of({"sub": "248289761001", **claims}, "preferred_username") == name


def test_somebody_without_a_name_is_nobody():
    with pytest.raises(SignInRefused, match="no name"):
        name_of({"sub": "\n"}, "preferred_username")
