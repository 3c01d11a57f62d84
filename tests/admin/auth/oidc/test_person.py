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
        ({"preferred_username": "an na"}, "an na"),
        ({"preferred_username": "a" * 100}, "a" * 100),
    ],
)
def test_a_name_is_one_line_that_can_be_shown(claims, name):
    assert name_of({"sub": "248289761001", **claims}, "preferred_username") == name


@pytest.mark.parametrize(
    "name", ["an\u200bna", " anna", "anna\n", "anna\u202e", "a\nb\x1b[31mc", "\u00a0anna", "a" * 101, "\u200b", " "]
)
def test_what_cannot_be_shown_whole_is_no_name_for_what_is_left_could_be_somebody_elses(name):
    claims = {"sub": "666", "preferred_username": name, "email": "anna@example.com", "groups": ["admins"]}
    other = person_of(claims, SETTINGS)
    assert (other.user, other.subject) == ("666", "https://login.example 666")


def test_who_it_is_the_issuer_says_whatever_the_name():
    one, other = (
        person_of({"sub": sub, "preferred_username": "anna", "groups": ["admins"]}, SETTINGS) for sub in ("1", "666")
    )
    assert one.user == other.user and one.subject != other.subject


@pytest.mark.parametrize("subject", ["\n", "", 7, None, "1" * 256])
def test_somebody_without_anything_that_identifies_them_is_nobody(subject):
    with pytest.raises(SignInRefused, match="no `sub`"):
        person_of({"sub": subject, "preferred_username": "anna", "groups": ["admins"]}, SETTINGS)
