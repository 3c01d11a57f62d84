"""People who are signed in from the start: their sessions stand in the control plane's file before it reads it."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

import msgspec

from router.admin.auth.oidc.settings import OidcSettings
from router.admin.auth.roles import Role
from router.admin.auth.session_cookie import COOKIE
from router.admin.auth.sessions import Sessions
from router.admin.auth.tokens import Tokens

_LIFETIME = 3600.0
_PROVIDER = OidcSettings(
    "http://127.0.0.1:9", "bench", "http://127.0.0.1:9", roles={"admin": ("admins",)}, teams={"team-3": ("third",)}
)
"""Nobody asks it: who is signed in has a session already."""
_TOLD = ("issuer", "client_id", "address", "roles", "teams")
FILE = msgspec.json.encode({name: getattr(_PROVIDER, name) for name in _TOLD}).decode()
"""Names it to a gateway."""


class People:
    """Each has a session, as a provider of names would have opened it."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(exist_ok=True)
        self._sessions = Sessions(data_dir / "admin-sessions.json", Tokens("", ""), time.time, _PROVIDER.fingerprint())

    def sign_in(self, name: str, role: Role, teams: Collection[str] | None = None) -> str:
        """The cookie that their browser sends."""
        of = None if teams is None else frozenset(teams)
        value, _ = self._sessions.open(role, name, teams=of, lifetime=_LIFETIME)
        return f"{COOKIE}={value}"
