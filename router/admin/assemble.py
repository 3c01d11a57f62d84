"""Settings -> what handlers work with."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import msgspec

from router.admin.alerts.books import AlertBooks
from router.admin.alerts.local_book import LocalAlerts
from router.admin.audit.recorder import Audit
from router.admin.auth.arrivals import Arrivals
from router.admin.auth.guard import EVERYWHERE, known_hosts
from router.admin.auth.oidc.settings import OidcSettings
from router.admin.auth.sessions import Sessions
from router.admin.auth.sign_in_attempts import Attempts
from router.admin.auth.sign_in_provider import NoProvider, SignInProvider
from router.admin.auth.tokens import Tokens
from router.admin.handler_context import HandlerContext
from router.admin.ledger_session import LedgerSession
from router.admin.openapi import document
from router.admin.playground.gateway import playground_of
from router.admin.policy.history import PolicyHistory
from router.admin.policy.service import PolicyLocation, PolicyService, Servable
from router.admin.routes import ROUTES
from router.admin.settings import AdminSettings
from router.admin.simulation.process import Simulations
from router.admin.sources.interface import Sources
from router.admin.static_files import Pages
from router.admin.telemetry.rising_totals import RisingRent, RisingTotals
from router.admin.time_limited import TimeLimited
from router.admin.views.live_streams import Live
from router.core.client_address import TrustedProxies, network_of
from router.ledger.alerts import AlertsAt


def make_control(
    settings: AdminSettings, servable: Servable, clock: Callable[[], float], sources: Sources | None = None
) -> HandlerContext:
    """Raises PolicyError when neither the policy nor the last good copy can be used."""
    data_dir = Path(settings.data_dir)
    place = PolicyLocation(Path(settings.policy), Path(settings.last_good), settings.generated)
    desk = PolicyService(place, PolicyHistory(data_dir / "policy-history"), servable, clock)
    desk.start()
    tokens = Tokens(settings.admin_token, settings.viewer_token)
    provider = _provider(settings.oidc, clock)
    release = version("breakeven")
    return HandlerContext(
        books=LedgerSession(settings.redis, clock),
        audit=Audit(settings.redis, data_dir, clock),
        desk=desk,
        sources=sources or Sources(),
        tokens=tokens,
        sessions=Sessions(data_dir / "admin-sessions.json", tokens, clock, provider.fingerprint),
        provider=provider,
        sign_ins=Attempts(clock),
        bearers=Attempts(clock),
        arrivals=Arrivals(clock),
        hosts=known_hosts(settings.host, settings.allowed_hosts),
        proxied_as=frozenset(name.lower() for name in settings.allowed_hosts),
        trusted_proxies=TrustedProxies(tuple(map(network_of, settings.trusted_proxies)), settings.proxy_header),
        any_address=settings.host in EVERYWHERE,
        pages=Pages(),
        live=Live(),
        aside=TimeLimited(),
        simulations=Simulations(),
        alerts=AlertBooks(AlertsAt(settings.redis), LocalAlerts(data_dir / "alerts.bin", clock)),
        playground=playground_of(settings, clock),
        totals=RisingTotals(),
        rent=RisingRent(),
        simulated=settings.simulated,
        openapi=msgspec.json.encode(document(ROUTES, release)),
        version=release,
        clock=clock,
    )


def _provider(settings: OidcSettings | None, clock: Callable[[], float]) -> SignInProvider:
    """What checks signatures is read only where somebody has to be checked: it is 17 MB of files."""
    if settings is None:
        return NoProvider()
    from router.admin.auth.oidc.connect import OpenIdConnect

    return OpenIdConnect(settings, clock)
