"""The provider that people sign in with, and what its groups may."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from router.admin.auth.roles import Role
from router.core.origin import is_loopback, origin_of

CALLBACK = "/sign-in/callback"


def is_safe_address(url: str) -> bool:
    """Whether nobody on the way can read or change what is said there: TLS, or this machine."""
    place = origin_of(url)
    return place is not None and (place.scheme == "https" or (place.scheme == "http" and is_loopback(place.host)))


class OidcSettings(Struct, frozen=True):
    """Handed over on standard input, because it may hold a secret, which `repr` leaves out."""

    issuer: str
    client_id: str
    address: str
    """Of the dashboard, as browsers reach it: scheme, host and port, without a path."""
    client_secret: str = ""
    """Empty for a public client, which PKCE alone protects."""
    name: str = "single sign-on"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    roles: Mapping[Role, tuple[str, ...]] = {}
    """Groups by the role that they give."""
    teams: Mapping[str, tuple[str, ...]] = {}
    """Groups by the team whose members they are."""
    session_seconds: float = 8 * 3600.0

    def __repr__(self) -> str:
        return f"OidcSettings({self.issuer})"

    @property
    def callback(self) -> str:
        """Where the provider sends browsers back to."""
        return self.address + CALLBACK

    def fingerprint(self) -> str:
        """Changes with whatever decides who somebody is and what they may; a new secret is no reason to sign out."""
        decisive = msgspec.structs.replace(self, client_secret="", name="")
        return hashlib.sha256(b"provider" + msgspec.json.encode(decisive, order="sorted")).hexdigest()[:16]
