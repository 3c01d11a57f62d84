"""One credential, one key: the policy's, or one that is stored in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256

from router.core.values import KeyGrant, Permits
from router.gateway.errors import ApiError
from router.gateway.playground import NoTickets
from router.gateway.request import Request

ANONYMOUS = KeyGrant("anonymous", "default", Permits())
"""Everybody, when no key is needed; `serve` allows that on loopback only."""
_UNREAD = "Keys cannot be looked up now, so it is not known whether this one is good. Try again shortly."


def _all_read() -> str:
    return ""


class Keyring:
    """The keys that work now. Headers that were good are remembered: hashing each costs more than looking it up.

    `needed` says whether nobody gets in without a key, also while there is none. `unread` tells why there may be keys
    that are not among these. `tickets` are what stands for a key on the control plane's page, see `playground`.
    """

    def __init__(
        self,
        keys: Mapping[str, KeyGrant],
        *,
        needed: bool = False,
        unread: Callable[[], str] = _all_read,
        tickets: NoTickets | None = None,
    ) -> None:
        self._keys = keys
        self.open = not keys and not needed
        """Everybody gets in."""
        self._unread = unread
        self._known: dict[str, KeyGrant] = {}
        self._tickets = tickets or NoTickets()

    def identify(self, request: Request) -> KeyGrant:
        """The request's key.

        Raises ApiError: 400 for contradicting credentials, 401 for none or a wrong one, 503 when it cannot be known
        whether it is wrong.
        """
        if self.open:
            return self._tickets.narrowed(request, ANONYMOUS)
        if request.credentials == 1:
            known = self._known.get(request.headers.get("authorization", ""))
            if known is not None:
                return known
        token = _credential(request)
        grant = self._keys.get(sha256(token.encode("latin-1")).hexdigest()) if token else None
        if grant is None and token:
            grant = self._tickets.grant(token, self._keys.values())
            if grant is not None:  # not remembered: it is good for one request
                return grant
        if grant is None and token and self._unread():
            raise ApiError(503, "keys_unavailable", _UNREAD, retry_after=2, retryable=True)
        if grant is None:
            raise ApiError(401, "invalid_api_key", _wrong_key(token), retryable=False)
        self._remember(request, grant)
        return grant

    def _remember(self, request: Request, grant: KeyGrant) -> None:
        """There are as many good headers as keys, give or take spaces."""
        bearer = request.headers.get("authorization")
        if bearer is not None and request.credentials == 1 and len(self._known) < 2 * len(self._keys):
            self._known[bearer] = grant


def _credential(request: Request) -> str:
    bearer = request.headers.get("authorization", "")
    scheme, _, token = bearer.partition(" ")
    if bearer and scheme.lower() != "bearer":
        raise ApiError(401, "invalid_api_key", 'The authorization header must be "Bearer <key>".')
    token = token.strip()
    other = request.headers.get("x-api-key", "").strip()
    if request.credentials > 1 and token != other:
        raise ApiError(400, "conflicting_credentials", "The request carries more than one credential; send one.")
    return token or other


def _wrong_key(token: str) -> str:
    if not token:
        return "No API key was given. Send it as `Authorization: Bearer <key>`."
    return "The API key is not known here. Ask whoever runs this gateway for one; provider keys do not work."
