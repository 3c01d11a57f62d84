"""What goes out to the provider by way of a browser, and who comes back."""

from __future__ import annotations

from msgspec import Struct

from router.admin.auth.roles import Role


class Departure(Struct, frozen=True):
    location: str
    """Of the provider, with all that it is asked."""
    name: str
    """Of the cookie."""
    cookie: str


class Person(Struct, frozen=True):
    user: str
    """A name to show, which others may have as well."""
    subject: str
    """Who it is: the issuer, and who that says it is, with a space between them."""
    role: Role
    teams: frozenset[str] | None
    """That they see; None for all."""


class Arrival(Struct, frozen=True):
    person: Person
    onward: str
    """The page that was wanted: a path of ours."""
