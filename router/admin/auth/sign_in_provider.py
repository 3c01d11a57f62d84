"""What signing in asks of a provider of names, and the one that is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from router.admin.auth.oidc.arrival import Arrival, Departure
from router.admin.auth.oidc.refused import SignInRefused


class SignInProvider(Protocol):
    name: str
    """As people call it; empty when there is none."""
    address: str
    """Of the dashboard, where it sends browsers back to."""
    session_seconds: float
    fingerprint: str
    """Of its settings: when they change, the sessions that were opened by it end."""

    async def trouble(self) -> str:
        """Why nobody can sign in with it now; empty when they can."""

    def keeps(self, onward: str) -> bool:
        """Whether who signs in with it gets to that page, which may have too long an address."""

    async def begin(self, onward: str) -> Departure:
        """Raises SignInRefused."""

    async def finish(self, cookie: str, said: Mapping[str, str]) -> Arrival:
        """`said`: what the provider's redirect carries. Raises SignInRefused."""


class NoProvider:
    """Tokens are all that there is."""

    name = ""
    address = ""
    session_seconds = 0.0
    fingerprint = ""

    async def trouble(self) -> str:
        return ""

    def keeps(self, onward: str) -> bool:
        return True

    async def begin(self, onward: str) -> Departure:
        raise SignInRefused("no_provider", "no provider is set")

    async def finish(self, cookie: str, said: Mapping[str, str]) -> Arrival:
        raise SignInRefused("no_provider", "no provider is set")
