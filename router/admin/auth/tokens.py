"""The tokens that open the control plane: given in a file or the environment, or made at the first start."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from router.admin.auth.roles import Role
from router.system.atomic_file import replacing

ADMIN_VARIABLE = "BREAKEVEN_ADMIN_TOKEN"
VIEWER_VARIABLE = "BREAKEVEN_VIEWER_TOKEN"
ADMIN_FILE = "admin-token"
NOT_SHOWN = "admin-token-not-shown"
"""A file that is there until a token that was made here was shown."""
SHORTEST = 16
_USABLE = re.compile(r"[\x21-\x7e]+")
_LARGEST_FILE = 4096


class TokenUnusable(Exception):
    """The text says why and what to do; it never holds the token."""


class Taken(Struct, frozen=True):
    """Tokens to serve with. They are kept out of `repr`, which may end up in a log."""

    admin: str
    viewer: str = ""
    """Empty: there is no viewer."""
    kept_in: str = ""
    """The file of a token that was made here."""
    fresh: bool = False
    """Made here and not shown to anybody yet."""

    def __repr__(self) -> str:
        return "Taken(…)"


class Tokens:
    """What is kept of them while serving: digests, compared in constant time."""

    def __init__(self, admin: str, viewer: str = "") -> None:
        self._digests: tuple[tuple[Role, bytes], ...] = (("admin", _digest(admin)),)
        if viewer:
            self._digests += (("viewer", _digest(viewer)),)

    def role_of(self, token: str) -> Role | None:
        """Whose it is. Takes as long whichever it is."""
        given, found = _digest(token), None
        for role, digest in self._digests:
            if hmac.compare_digest(given, digest):
                found = found or role
        return found

    def fingerprint(self, role: Role) -> str:
        """Changes with the token; empty for a role that nobody has. It does not give the token away."""
        digests = [digest for each, digest in self._digests if each == role]
        return hashlib.sha256(b"session" + digests[0]).hexdigest()[:16] if digests else ""


def take_tokens(data_dir: Path, admin_file: str, viewer_file: str, environment: MutableMapping[str, str]) -> Taken:
    """Files go before variables. The variables are removed: no other process of the gateway needs them.

    Raises TokenUnusable.
    """
    named = environment.pop(ADMIN_VARIABLE, ""), environment.pop(VIEWER_VARIABLE, "")
    viewer = _given(viewer_file, named[1], VIEWER_VARIABLE)
    admin = _given(admin_file, named[0], ADMIN_VARIABLE)
    if admin and admin == viewer:
        raise TokenUnusable("the admin's and the viewer's token are the same: give the viewer another")
    return Taken(admin, viewer) if admin else _own(data_dir / ADMIN_FILE, viewer)


def was_shown(data_dir: Path) -> None:
    """The token of the first start: from now on only the name of its file is told."""
    with suppress(OSError):
        (data_dir / NOT_SHOWN).unlink(missing_ok=True)


def _given(file: str, variable: str, name: str) -> str:
    if file:
        return _checked(_read(Path(file).expanduser()), file)
    return _checked(variable.strip(), name) if variable else ""


def _own(path: Path, viewer: str) -> Taken:
    if path.exists():
        try:
            kept = _checked(_read(path), str(path))
        except TokenUnusable as error:
            raise TokenUnusable(f"{error}; or delete {path}, and the next start makes a new one") from None
        return Taken(kept, viewer, str(path), path.with_name(NOT_SHOWN).exists())
    token = f"ba-{secrets.token_urlsafe(32)}"
    try:
        path.with_name(NOT_SHOWN).touch(mode=0o600)
        with replacing(path, durable=True) as file:  # half of one would end every start to come
            file.write(f"{token}\n".encode())
    except OSError as error:
        raise TokenUnusable(f"the admin token cannot be kept in {path}: {error.strerror}") from None
    return Taken(token, viewer, str(path), fresh=True)


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_LARGEST_FILE).strip()
    except UnicodeDecodeError:
        raise TokenUnusable(f"{path} is no text file: put one line with the token into it") from None
    except OSError as error:
        raise TokenUnusable(f"the token file {path} cannot be read: {error.strerror}") from None


def _checked(token: str, where: str) -> str:
    if not _USABLE.fullmatch(token):
        raise TokenUnusable(f"the token in {where} must be one line of plain characters without spaces")
    if len(token) < SHORTEST:
        raise TokenUnusable(f"the token in {where} is too short: use at least {SHORTEST} random characters")
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
