"""Who is signed in. Sessions are kept in a file, so that a restart signs nobody out and a sign-out stays one."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from router.admin.auth.roles import Role
from router.admin.auth.tokens import Tokens
from router.system.atomic_file import replace_file

LIFETIME_SECONDS = 12 * 3600.0
MOST_OF_ONE = 64
"""Sessions of one person, or by one token; the oldest of the same owner gives way to a new one."""
MOST_SESSIONS = 5000
"""Of all; then the oldest of whoever has most gives way."""

log = logging.getLogger("breakeven.admin")


class SignedIn(Struct, frozen=True):
    digest: str
    """SHA-256 of the cookie's value, which is kept nowhere."""
    role: Role
    csrf: str
    expires: float
    fingerprint: str
    """Of the token, or of the provider, that it was opened with: a changed one ends its sessions."""
    user: str = ""
    """The name that a provider gave, which others may have as well; empty for a token."""
    teams: frozenset[str] | None = None
    """That they see; None for all."""
    subject: str = ""
    """Who it is: the issuer, and who that says it is. Empty for a token, and for a session of before it was kept."""

    @property
    def owner(self) -> tuple[str, str]:
        """Whose it is: a person's, or everybody's who has the token of the role."""
        if self.subject:
            return "person", self.subject
        return ("user", self.user) if self.user else ("token", self.role)

    def __repr__(self) -> str:
        return f"SignedIn({self.role})"


class Sessions:
    def __init__(self, path: Path, tokens: Tokens, clock: Callable[[], float], provider: str = "") -> None:
        """`provider`: the fingerprint of its settings, empty when there is none."""
        self._path = path
        self._tokens = tokens
        self._provider = provider
        self._clock = clock
        self._open: dict[str, SignedIn] = {each.digest: each for each in _load(path)}
        """The oldest first."""

    def open(
        self,
        role: Role,
        user: str = "",
        *,
        subject: str = "",
        teams: frozenset[str] | None = None,
        lifetime: float = LIFETIME_SECONDS,
    ) -> tuple[str, SignedIn]:
        """The cookie's value, and the session. `user` and `subject`: the name that a provider gave, and who it says it
        is; empty for a token."""
        value = secrets.token_urlsafe(32)
        expires = self._clock() + lifetime
        session = SignedIn(
            digest=_digest(value),
            role=role,
            csrf=secrets.token_urlsafe(24),
            expires=expires,
            fingerprint=self._fingerprint(role, user),
            user=user,
            teams=teams,
            subject=subject,
        )
        self._open = {each.digest: each for each in self._open.values() if self.holds(each)}
        self._make_room(session.owner)
        self._open[session.digest] = session
        self._save()
        return value, session

    def _make_room(self, owner: tuple[str, str]) -> None:
        """So that nobody signs out anybody but themselves, however often they sign in."""
        counts = Counter(each.owner for each in self._open.values())
        while counts[owner] >= MOST_OF_ONE or len(self._open) >= MOST_SESSIONS:
            most = owner if counts[owner] >= MOST_OF_ONE else counts.most_common(1)[0][0]
            oldest = next(digest for digest, each in self._open.items() if each.owner == most)
            del self._open[oldest]
            counts[most] -= 1

    def find(self, value: str) -> SignedIn | None:
        session = self._open.get(_digest(value))
        return session if session is not None and self.holds(session) else None

    def holds(self, session: SignedIn) -> bool:
        """Whether it is still good."""
        return (
            session.digest in self._open
            and self._clock() < session.expires
            and session.fingerprint == self._fingerprint(session.role, session.user)
        )

    def _fingerprint(self, role: Role, user: str) -> str:
        return self._provider if user else self._tokens.fingerprint(role)

    def close(self, session: SignedIn) -> None:
        if self._open.pop(session.digest, None) is not None:
            self._save()

    def _save(self) -> None:
        try:
            replace_file(self._path, msgspec.json.encode(list(self._open.values())))
        except OSError as error:
            log.error("sessions cannot be kept, a restart will end them", extra={"why": error.strerror})


def identified(user: str, subject: str) -> str:
    """A name as it is written down: with what the provider knows them by, since others may have the same name."""
    _, _, known_as = subject.partition(" ")
    return f"{user} [{known_as}]" if known_as not in ("", user) else user


def _load(path: Path) -> list[SignedIn]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[SignedIn])
    except (OSError, msgspec.DecodeError):  # nobody is signed in then
        return []


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode(errors="surrogateescape")).hexdigest()
