"""Tickets of the control plane, that stand for a key when somebody tries a request there; see `core.playground`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from router.core import playground
from router.core.policy import Zone
from router.core.values import KeyGrant
from router.gateway.errors import ApiError
from router.gateway.request import Request

_BEARER = "Bearer "


class NoTickets:
    """Where nobody may try requests."""

    def grant(self, token: str, grants: Iterable[KeyGrant]) -> KeyGrant | None:
        """What a token allows, of what these allow; None for what is no ticket. Raises ApiError 401 for one that is
        not good, or whose key is gone."""
        return None

    def narrowed(self, request: Request, grant: KeyGrant) -> KeyGrant:
        """What everybody may who comes without a ticket, or what the ticket leaves of it. Raises ApiError as `grant`
        does."""
        return grant


class Tickets(NoTickets):
    def __init__(self, secret: str, zones: Mapping[str, Zone], clock: Callable[[], float]) -> None:
        self._secret = secret.encode()
        self._zones = zones
        self._clock = clock

    def grant(self, token: str, grants: Iterable[KeyGrant]) -> KeyGrant | None:
        if not token.startswith(playground.SCHEME):
            return None
        ticket = playground.opened(token, self._secret, self._clock())
        if ticket is None:
            raise ApiError(401, "invalid_api_key", "This credential of the playground is not good any more.")
        for grant in grants:
            if grant.name == ticket.key and grant.team == ticket.team:
                return playground.narrowed(grant, ticket.side, self._zones)
        raise ApiError(401, "invalid_api_key", "The key whose eyes the playground was to have is not in force here.")

    def narrowed(self, request: Request, grant: KeyGrant) -> KeyGrant:
        shown = request.headers.get("authorization", "").removeprefix(_BEARER)
        return self.grant(shown, (grant,)) or grant
