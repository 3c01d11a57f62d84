"""The way to the provider, and what came back: the steps in their order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from router.admin.auth.oidc.arrival import Arrival, Departure, Person
from router.admin.auth.oidc.id_token import UnknownKey, check, claims_of
from router.admin.auth.oidc.person import person_of
from router.admin.auth.oidc.provider import Endpoints, Provider, ProviderUnavailable
from router.admin.auth.oidc.refused import SignInRefused
from router.admin.auth.oidc.round_trip import RoundTrip, RoundTrips, challenge, cookie_name, keeps
from router.admin.auth.oidc.settings import OidcSettings

LONGEST_CODE = 4096
PATIENCE_SECONDS = 2.0
"""That a page waits to hear whether the provider is there."""


class OpenIdConnect:
    """A `SignInProvider`."""

    def __init__(self, settings: OidcSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._provider = Provider(settings, clock)
        self._trips = RoundTrips(clock)
        self._asking: asyncio.Task[str] | None = None
        self.name = settings.name
        self.address = settings.address
        self.session_seconds = settings.session_seconds
        self.fingerprint = settings.fingerprint()

    async def trouble(self) -> str:
        """Why nobody can sign in with it now; empty when they can, or when it has not answered so soon: it is asked on,
        and the next page knows."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._trouble())
        await asyncio.wait({self._asking}, timeout=PATIENCE_SECONDS)
        return self._asking.result() if self._asking.done() else ""

    async def _trouble(self) -> str:
        try:
            await self._provider.endpoints()
        except ProviderUnavailable as error:
            return str(error)
        return ""

    def keeps(self, onward: str) -> bool:
        return keeps(onward)

    async def begin(self, onward: str) -> Departure:
        """OpenID Connect Core 1.0, section 3.1.2.1. Raises SignInRefused."""
        endpoints = await self._endpoints()
        cookie, trip = self._trips.begin(onward)
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._settings.callback,
            "scope": " ".join(self._settings.scopes),
            "state": trip.state,
            "nonce": self._trips.nonce(trip),
            "code_challenge": challenge(self._trips.verifier(trip)),
            "code_challenge_method": "S256",
        }
        joined = "&" if "?" in endpoints.authorize else "?"
        return Departure(endpoints.authorize + joined + urlencode(asked), cookie_name(trip), cookie)

    async def finish(self, cookie: str, said: Mapping[str, str]) -> Arrival:
        """`said`: what the provider's redirect carries. Raises SignInRefused.

        What was begun is looked at first, so that nobody but the browser that began it can have anything asked of the
        provider, or an error of theirs shown.
        """
        trip = self._trips.end(cookie, said.get("state", ""))
        endpoints = await self._endpoints()
        _check_sender(said.get("iss"), self._settings.issuer, endpoints)
        if "error" in said:
            denied = said["error"] == "access_denied"
            raise SignInRefused(
                "access_denied" if denied else "provider_refused", "the provider came back with an error"
            )
        code = said.get("code", "")
        if not 0 < len(code) <= LONGEST_CODE:
            raise SignInRefused("provider_refused", "the provider came back without a code")
        return Arrival(await self._redeem(code, trip), trip.onward)

    async def _redeem(self, code: str, trip: RoundTrip) -> Person:
        try:
            token = await self._provider.redeem(code, self._trips.verifier(trip))
            claims = await self._claims(token)
        except ProviderUnavailable as error:
            raise SignInRefused("provider_unavailable", str(error)) from None
        settings, nonce = self._settings, self._trips.nonce(trip)
        check(claims, issuer=settings.issuer, client_id=settings.client_id, nonce=nonce, now=self._clock())
        return person_of(claims, settings)

    async def _claims(self, token: str) -> dict[str, object]:
        """Keys are asked for anew once, since the provider may have changed them a moment ago."""
        try:
            return claims_of(token, await self._provider.keys())
        except UnknownKey:
            pass
        try:
            return claims_of(token, await self._provider.keys(anew=True))
        except UnknownKey:
            raise SignInRefused("not_trusted", "the ID token is signed by no key of the provider") from None

    async def _endpoints(self) -> Endpoints:
        try:
            return await self._provider.endpoints()
        except ProviderUnavailable as error:
            raise SignInRefused("provider_unavailable", str(error)) from None


def _check_sender(named: str | None, issuer: str, endpoints: Endpoints) -> None:
    """RFC 9207: with several providers, one could hand on the code of another."""
    if named != issuer and (named is not None or endpoints.names_itself):
        raise SignInRefused("not_trusted", "the answer is of another issuer")
