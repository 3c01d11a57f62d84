"""What the API says of who is signed in, and how to."""

from __future__ import annotations

from msgspec import Struct

from router.admin.auth.roles import Role


class Session(Struct, frozen=True):
    role: Role
    csrf: str = ""
    """To send as `x-csrf-token` with every write; empty for a bearer token, which needs none."""
    expires: float | None = None
    version: str = ""
    """Of Breakeven."""
    simulated: bool = False
    """The backends only pretend: nothing that is shown was paid."""
    user: str = ""
    """Their name; empty for a token, which is nobody's."""


class SignInWays(Struct, frozen=True):
    provider: str = ""
    """What people sign in with beside tokens, as they call it; empty when there is nothing else."""
    begin: str = ""
    """The address to go to for that."""
    trouble: str = ""
    """Why that cannot work now."""
    forgets: bool = False
    """The page that was wanted has too long an address to be gone on to from there."""
    signed_in: bool = False
    onward: str = "/"
    """The page that was wanted, a path of the dashboard."""
