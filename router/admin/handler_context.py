"""What handlers work with. It names what stands below them, so that no handler is named by what it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from msgspec import Struct

from router.admin.alerts.books import AlertBooks
from router.admin.audit.recorder import Audit
from router.admin.auth.arrivals import Arrivals
from router.admin.auth.roles import Role
from router.admin.auth.sessions import Sessions, SignedIn, identified
from router.admin.auth.sign_in_attempts import Attempts
from router.admin.auth.sign_in_provider import SignInProvider
from router.admin.auth.tokens import Tokens
from router.admin.ledger_session import LedgerSession
from router.admin.playground.gateway import Playground
from router.admin.policy.service import Author, PolicyService
from router.admin.simulation.process import Simulations
from router.admin.sources.interface import Sources
from router.admin.static_files import Pages
from router.admin.telemetry.rising_totals import RisingRent, RisingTotals
from router.admin.time_limited import TimeLimited
from router.admin.views.live_streams import Live
from router.core.audit.entry import Actor
from router.core.client_address import TrustedProxies, client_address


@dataclass(frozen=True)
class HandlerContext:
    books: LedgerSession
    audit: Audit
    desk: PolicyService
    sources: Sources
    tokens: Tokens
    sessions: Sessions
    provider: SignInProvider
    """Of names, beside the tokens."""
    sign_ins: Attempts
    """Guesses on the sign-in page."""
    bearers: Attempts
    arrivals: Arrivals
    """Guesses by API clients: counted apart, so that a client with an old token keeps nobody from signing in."""
    hosts: frozenset[str]
    """Names that it may be called by; see `guard`."""
    proxied_as: frozenset[str]
    """Those of them that were given: its pages may come from there."""
    trusted_proxies: TrustedProxies
    any_address: bool
    """It listens on every address of the machine, so an IP address is as good as a name."""
    pages: Pages
    live: Live
    aside: TimeLimited
    """For work on what somebody sent."""
    simulations: Simulations
    alerts: AlertBooks
    playground: Playground
    totals: RisingTotals
    rent: RisingRent
    """For Prometheus."""
    simulated: bool
    """The backends only pretend."""
    openapi: bytes
    version: str
    clock: Callable[[], float]

    def address_of(self, request: web.Request) -> str:
        """Of whoever asks, as far as that is known."""
        listed, elements = (",".join(request.headers.getall(name, ())) for name in ("x-forwarded-for", "forwarded"))
        return client_address(request.remote or "", listed, elements, self.trusted_proxies)


class Who(Struct, frozen=True):
    """Who asks, once that is known."""

    role: Role
    session: SignedIn | None
    """None for a bearer token."""
    address: str
    user: str = ""
    """Their name; empty for a token, which is nobody's."""
    teams: frozenset[str] | None = None
    """That they see; None for all."""
    subject: str = ""
    """Who it is: the issuer, and who that says it is; empty for a token."""

    def sees(self, team: str) -> bool:
        return self.teams is None or team in self.teams

    @property
    def name(self) -> str:
        """For the history."""
        if self.user:
            return f"{identified(self.user, self.subject)} ({self.role}, {self.address})"
        return f"{self.role} ({'page' if self.session is not None else 'token'}, {self.address})"

    @property
    def actor(self) -> Actor:
        """For the audit."""
        name = identified(self.user, self.subject)
        return Actor(name, self.role, "page" if self.session is not None else "api", self.address)


@dataclass(frozen=True)
class HandlerRequest:
    """One request to a route, checked and decoded."""

    request: web.Request
    who: Who | None
    """None on routes that are open."""
    query: Any = None
    body: Any = None

    @property
    def asker(self) -> Who:
        assert self.who is not None
        return self.who

    def author(self, note: str) -> Author:
        return Author(self.asker.name, note)
