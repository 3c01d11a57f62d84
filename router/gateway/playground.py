"""Tickets of the control plane, that stand for a key when somebody tries a request there; see `core.playground`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from router.core.playground import SCHEME, narrowed, opened
from router.core.policy import Zone
from router.core.values import KeyGrant
from router.gateway.errors import ApiError


class NoTickets:
    """Where nobody may try requests."""

    def grant(self, token: str, grants: Iterable[KeyGrant]) -> KeyGrant | None:
        """What a token allows, of what these allow; None for what is no ticket. Raises ApiError 401 for one that is
        not good, or whose key is gone."""
        return None


class Tickets(NoTickets):
    def __init__(self, secret: str, zones: Mapping[str, Zone], clock: Callable[[], float]) -> None:
        self._secret = secret.encode()
        self._zones = zones
        self._clock = clock

    def grant(self, token: str, grants: Iterable[KeyGrant]) -> KeyGrant | None:
        if not token.startswith(SCHEME):
            return None
        ticket = opened(token, self._secret, self._clock())
        if ticket is None:
            raise ApiError(401, "invalid_api_key", "This credential of the playground is not good any more.")
        for grant in grants:
            if grant.name == ticket.key:
                return narrowed(grant, ticket.side, self._zones)
        raise ApiError(401, "invalid_api_key", "The key whose eyes the playground was to have is not in force here.")
