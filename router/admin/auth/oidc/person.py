"""Claims -> who it is, a name, a role, teams."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, get_args

from router.admin.auth.oidc.arrival import Person
from router.admin.auth.oidc.refused import SignInRefused
from router.admin.auth.oidc.settings import OidcSettings
from router.admin.auth.roles import Access, Role, may

LONGEST_NAME = 100
LONGEST_SUBJECT = 255
"""https://openid.net/specs/openid-connect-core-1_0.html#IDToken"""


def person_of(claims: Mapping[str, Any], settings: OidcSettings) -> Person:
    """Raises SignInRefused when none of their groups has a role here, and where the token does not say who it is."""
    user, subject = name_of(claims, settings.name_claim), f"{settings.issuer} {claims['sub']}"
    groups = groups_of(claims, settings.groups_claim)
    role = role_of(groups, settings)
    if role is None:
        raise SignInRefused("no_role", f"no group of {user} has a role: {_seen(groups, claims, settings)}")
    everything = may(role, Access.VIEWER)
    teams = frozenset(team for team, members in settings.teams.items() if not groups.isdisjoint(members))
    return Person(user, subject, role, None if everything else teams)


def role_of(groups: frozenset[str], settings: OidcSettings) -> Role | None:
    """The one that may most of those that the groups give; a team's group makes a member."""
    given: list[Collection[str]] = [*settings.teams.values()]
    granting = {
        **settings.roles,
        "member": (*settings.roles.get("member", ()), *(each for one in given for each in one)),
    }
    for role in reversed(get_args(Role)):
        if not groups.isdisjoint(granting.get(role, ())):
            found: Role = role
            return found
    return None


def groups_of(claims: Mapping[str, Any], path: str) -> frozenset[str]:
    """A text is one group. A claim of the whole name goes before the path into nested ones, since names of claims may
    have dots, too. Anybody can enter an address of somebody else with some providers, so one counts once it is
    verified."""
    if path == "email" and claims.get("email_verified") is not True:
        return frozenset()
    value = claims[path] if path in claims else _inside(claims, path)
    listed = value if isinstance(value, list) else [value]
    return frozenset(each for each in listed if isinstance(each, str))


def _inside(claims: Any, path: str) -> Any:
    for step in path.split("."):
        if not isinstance(claims, Mapping):
            return None
        claims = claims.get(step)
    return claims


def name_of(claims: Mapping[str, Any], claim: str) -> str:
    """To show: one line, and not too long. `sub`, which every token has, where there is no name, and in the place of
    one that cannot be shown whole: what is left of it could be somebody else's name."""
    subject = claims.get("sub")
    if not _is_plain(subject, LONGEST_SUBJECT):
        raise SignInRefused("not_trusted", "the ID token has no `sub` that can be shown")
    named = next((claims[each] for each in (claim, "email") if isinstance(claims.get(each), str) and claims[each]), "")
    return str(named if _is_plain(named, LONGEST_NAME) else subject)


def _is_plain(value: Any, longest: int) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= longest and value == value.strip()


def _seen(groups: frozenset[str], claims: Mapping[str, Any], settings: OidcSettings) -> str:
    if groups:
        return f"the claim {settings.groups_claim} has {len(groups)}, none of which is in the settings"
    if "_claim_names" in claims or "hasgroups" in claims:
        return "there are too many to be in the token; let the provider send app roles, or only assigned groups"
    return f"the ID token has no claim {settings.groups_claim} with groups in it"
