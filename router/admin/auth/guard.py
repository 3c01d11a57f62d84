"""Who is asking? Host, origin, credential, role, and whether a browser was tricked into a write.

host        the name it was called by must be known, so that a name which an attacker points here opens nothing
origin      a page of somebody else's may not even ask
credential  a bearer token, or the cookie of a session
role        as the table of routes says
forgery     a write with a cookie carries the session's own token in a header, which other pages cannot know
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable

from aiohttp import web

from router.admin.auth.roles import may
from router.admin.auth.session_cookie import COOKIE
from router.admin.auth.sign_in import WRONG, WRONG_TOKEN, slow_down
from router.admin.errors import ApiError
from router.admin.handler_context import HandlerContext, Who
from router.admin.routes import Route
from router.core.origin import LOOPBACK_NAMES, host_name, origin_of, plain_host

CSRF_HEADER = "x-csrf-token"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104
_FROM_HERE = ("same-origin", "none")


def known_hosts(bound: str, allowed: Iterable[str]) -> frozenset[str]:
    """Names that it may be called by, in lower case and without a port."""
    named = [*LOOPBACK_NAMES, *allowed, *([] if bound in EVERYWHERE else [bound])]
    return frozenset(map(plain_host, named))


def check_host(control: HandlerContext, request: web.Request) -> None:
    """Raises ApiError."""
    name = host_name(request.headers.get("host", ""))
    if name in control.hosts or (control.any_address and _is_address(name)):
        return
    raise ApiError(
        421,
        "unknown_host",
        "the control plane does not answer to this name: use its address, or start with --admin-allowed-host NAME",
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def check_origin(control: HandlerContext, request: web.Request, *, writes: bool) -> None:
    """Raises ApiError for what another page sends."""
    origin = request.headers.get("origin")
    if origin is not None and not _is_own(control, origin, request.headers.get("host", "")):
        raise ApiError(403, "foreign_origin", "pages of other origins may not use the control plane")
    if writes and request.headers.get("sec-fetch-site", "same-origin") not in _FROM_HERE:
        raise ApiError(403, "foreign_origin", "pages of other origins may not use the control plane")


def _is_own(control: HandlerContext, origin: str, host: str) -> bool:
    """That of the very host that was asked; behind a proxy that gives another host, a name that was allowed."""
    place = origin_of(origin)
    if place is None:
        return False
    return origin.partition("://")[2].lower() == host.lower() or place.host in control.proxied_as


def admit(control: HandlerContext, request: web.Request, route: Route) -> Who:
    """Whoever asks, if the route is for them. Raises ApiError."""
    who = identify(control, request)
    if who is None:
        raise ApiError(401, "sign_in", "sign in, or send a token", headers={"www-authenticate": "Bearer"})
    if not may(who.role, route.access):
        raise ApiError(403, "not_allowed", f"this needs the role {route.access}; yours is {who.role}")
    if route.writes and who.session is not None:
        _check_forgery(request, who.session.csrf)
    return who


def identify(control: HandlerContext, request: web.Request) -> Who | None:
    """By the bearer token if there is one, else by the cookie. Raises ApiError for a token that is wrong."""
    address = control.address_of(request)
    authorization = request.headers.get("authorization")
    if authorization is not None:
        return _bearer(control, authorization, address)
    session = control.sessions.find(request.cookies.get(COOKIE, ""))
    if session is None:
        return None
    return Who(session.role, session, address, session.user, session.teams, session.subject)


def _bearer(control: HandlerContext, authorization: str, address: str) -> Who:
    scheme, _, token = authorization.partition(" ")
    role = control.tokens.role_of(token.strip()) if scheme.lower() == "bearer" else None
    if role is not None:
        return Who(role, None, address)
    slow_down(control.bearers, address)
    raise ApiError(401, WRONG_TOKEN, WRONG, headers={"www-authenticate": "Bearer"})


def _check_forgery(request: web.Request, csrf: str) -> None:
    if not hmac.compare_digest(request.headers.get(CSRF_HEADER, "").encode(), csrf.encode()):
        raise ApiError(403, "csrf", f"a write with a session needs its token in the header {CSRF_HEADER}")
