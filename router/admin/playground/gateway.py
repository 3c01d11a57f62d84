"""The gateway beside this control plane, as one of its clients, and how often somebody may ask it."""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp

from router.admin.errors import ApiError
from router.admin.settings import AdminSettings

AT_ONCE = 8
"""Requests that run at the same time, for all who try some."""
MOST_PEOPLE = 1000
"""Whose last requests are remembered."""
_CONNECT_SECONDS, _SILENT_SECONDS = 5.0, 600.0
_WINDOW = 60.0


class Rate:
    """So many requests in a minute, by name."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lately: dict[str, deque[float]] = {}

    def take(self, name: str, most: int) -> float:
        """0 when this one may be made now; or else seconds until one may."""
        now = self._clock()
        lately = self._lately.setdefault(name, deque())
        while lately and lately[0] <= now - _WINDOW:
            lately.popleft()
        if len(lately) >= most:
            return lately[0] + _WINDOW - now
        lately.append(now)
        if len(self._lately) > MOST_PEOPLE:
            self._lately = {each: times for each, times in self._lately.items() if times and times[-1] > now - _WINDOW}
        return 0.0


class Playground:
    """`url` is empty where no gateway is beside it; `secret` is what tickets are signed with; `certificate` is the path
    of the gateway's, empty for plain HTTP."""

    def __init__(self, url: str, secret: str, clock: Callable[[], float], certificate: str = "") -> None:
        self.secret = secret.encode()
        self.rate = Rate(clock)
        self._url = url
        self._certificate = certificate
        self._running = 0

    @property
    def available(self) -> bool:
        return bool(self._url and self.secret)

    @asynccontextmanager
    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer as it comes; leaving ends the request. Raises ApiError."""
        if self._running >= AT_ONCE:
            raise ApiError(429, "busy", f"{AT_ONCE} requests are being tried already", headers={"retry-after": "5"})
        self._running += 1
        try:
            tls = _trusting(self._certificate) if self._certificate else True
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENT_SECONDS)
            async with (
                aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as session,
                session.post(self._url + path, data=body, headers=headers, allow_redirects=False, ssl=tls) as answer,
            ):
                yield answer
        except (aiohttp.ClientError, OSError):
            raise ApiError(503, "gateway_unreachable", "the gateway beside this page cannot be reached") from None
        finally:
            self._running -= 1


def playground_of(settings: AdminSettings, clock: Callable[[], float]) -> Playground:
    """Asks the gateway at the address that it listens on, which this machine always reaches by itself."""
    if not settings.gateway_port:
        return Playground("", "", clock)
    host = settings.gateway_host
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    scheme = "https" if settings.tls_cert else "http"
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.gateway_port}"
    return Playground(url, settings.playground_secret, clock, settings.tls_cert)


def _trusting(certificate: str) -> ssl.SSLContext:
    """That very certificate, as it is now, whatever name it has: the name is not the one that it is called by here."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    return context
