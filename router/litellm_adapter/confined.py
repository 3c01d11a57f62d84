"""httpx's clients confined: a request goes to the hosts of the backend that it is made for, through a pool of its own.

litellm makes clients of its own in many places, and its providers' libraries others; what they have in common is httpx.
So its clients get a transport of ours, whatever they ask for: it knows the backend from the context of the call,
refuses other hosts, and never lets a redirect be seen, let alone followed. Proxies are the policy's alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from msgspec import Struct

from router.core.host_patterns import permits
from router.litellm_adapter.bounded import bounded_stream
from router.litellm_adapter.faithful import TRUSTING, Faith, LostError

_REDIRECTS = range(300, 400)
_FRAMING = frozenset({"content-length", "content-encoding", "transfer-encoding"})
_LONGEST_ERROR = 1 << 20
_PORTS = {"http": 80, "https": 443}
_LEFT_OUT = ("proxy", "proxies", "mounts", "transport", "trust_env", "follow_redirects", "app")


class Destination(Struct, frozen=True):
    hosts: tuple[str, ...]
    """Patterns as in `core.host_patterns`."""
    proxy: str | None = None


NOWHERE = Destination(())


class RefusedByProvider(Exception):
    """The provider's own answer, where the library made nothing of it."""

    def __init__(self, status_code: int, text: str) -> None:
        super().__init__(text)
        self.status_code = status_code


class Call:
    """One call of the library. Once a request of it failed, the next ones fail in the same way without being sent:
    whether something is tried again is the gateway's decision."""

    def __init__(self, destination: Destination, *, streams: bool = False, faith: Faith = TRUSTING) -> None:
        self.destination = destination
        self.faith = faith
        """What its requests must say."""
        self.streams = streams
        """Whether the answer is read line by line, whatever it says that it is."""
        self.at_work = False
        """The provider may be at work on it, or was: a request was sent, and not answered with an error status or a
        redirect."""
        self.lost: Exception | None = None
        self.refusal: Any = None
        """A response with status 400 or more; its content is `refused`."""
        self.refused = b""

    def lose(self, error: Exception) -> None:
        self.lost = error

    def failure(self) -> Exception:
        """Of a call from which nothing came back."""
        if self.refusal is None:
            return self.lost or LookupError("nothing came back")
        return RefusedByProvider(self.refusal.status_code, self.refused.decode("utf-8", "replace"))


class Confinement:
    """Of one module: httpx, or one that is like it."""

    def __init__(self, httpx: Any) -> None:
        self._httpx = httpx
        self._current: ContextVar[Call] = ContextVar("call")
        self._pools: dict[tuple[Destination, bool], Any] = {}

    @contextmanager
    def towards(self, destination: Destination, *, streams: bool = False, faith: Faith = TRUSTING) -> Iterator[Call]:
        """What is sent inside goes there."""
        call = Call(destination, streams=streams, faith=faith)
        with self.going_on(call):
            yield call

    @contextmanager
    def going_on(self, call: Call) -> Iterator[None]:
        """What is sent inside belongs to a call that began before: some requests are made when a stream is read."""
        token = self._current.set(call)
        try:
            yield
        finally:
            self._current.reset(token)

    def install(self) -> None:
        """Before anything makes a client or inherits from one. For good."""
        plain, awaited = _transports(self._httpx, self._call, self._pool)
        _confine(self._httpx.Client, plain)
        _confine(self._httpx.AsyncClient, awaited)

    def _call(self) -> Call:
        return self._current.get(None) or Call(NOWHERE)

    def _pool(self, destination: Destination, *, awaited: bool) -> Any:
        pool = self._pools.get((destination, awaited))
        if pool is None:
            make = self._httpx.AsyncHTTPTransport if awaited else self._httpx.HTTPTransport
            tls = self._httpx.create_ssl_context()
            pool = self._pools[destination, awaited] = make(verify=tls, trust_env=False, proxy=destination.proxy)
        return pool


def _confine(client: Any, transport: Callable[[], Any]) -> None:
    original = client.__init__

    def initialise(self: Any, *arguments: Any, **named: Any) -> None:
        for name in _LEFT_OUT:
            named.pop(name, None)
        original(self, *arguments, **named, transport=transport(), trust_env=False, follow_redirects=False)

    client.__init__ = initialise


def _transports(httpx: Any, call_of: Callable[[], Call], pool_of: Callable[..., Any]) -> tuple[type, type]:
    """Classes of transports, plain and awaited. The pools outlive the clients that use them."""

    class DestinationRefusedError(httpx.TransportError):  # type: ignore[misc]
        pass

    class RedirectRefusedError(httpx.TransportError):  # type: ignore[misc]
        pass

    bounded = bounded_stream(httpx)
    not_sent = (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.ProxyError,
        httpx.UnsupportedProtocol,
        httpx.LocalProtocolError,
    )

    def may_go(request: Any) -> Call:
        call, url = call_of(), request.url
        if call.lost is not None:
            raise call.lost
        if not permits(call.destination.hosts, url.host, url.port or _PORTS.get(url.scheme, 0)):
            raise DestinationRefusedError(f"{url.host} is no host of this backend", request=request)
        return call

    def faithful(call: Call, content: bytes) -> None:
        try:
            call.faith.check(content)
        except LostError as error:
            call.lose(error)
            raise

    def redirected(response: Any, request: Any) -> Exception:
        return RedirectRefusedError(f"redirected with {response.status_code}", request=request)

    def lost(call: Call, error: Exception) -> None:
        if isinstance(error, not_sent):
            call.at_work = False
        call.lose(error)

    def answered(call: Call, request: Any) -> Any:
        kept = {name: value for name, value in call.refusal.headers.items() if name not in _FRAMING}
        return httpx.Response(call.refusal.status_code, headers=kept, content=call.refused, request=request)

    class Plain(httpx.BaseTransport):  # type: ignore[misc]
        def handle_request(self, request: Any) -> Any:
            call = may_go(request)
            if call.refusal is not None:
                return answered(call, request)
            faithful(call, request.read())
            pool = pool_of(call.destination, awaited=False)
            call.at_work = True
            try:
                response = pool.handle_request(request)
                call.at_work = response.status_code < 300
                if response.status_code in _REDIRECTS:
                    response.close()
                    raise redirected(response, request)
                if response.status_code >= 400:
                    call.refused = _beginning(response.iter_bytes())
                    call.refusal = response
                    response.close()
            except httpx.TransportError as error:
                lost(call, error)
                raise
            return response if call.refusal is None else answered(call, request)

    class Awaited(httpx.AsyncBaseTransport):  # type: ignore[misc]
        async def handle_async_request(self, request: Any) -> Any:
            call = may_go(request)
            if call.refusal is not None:
                return answered(call, request)
            faithful(call, await request.aread())
            pool = pool_of(call.destination, awaited=True)
            call.at_work = True
            try:
                response = await pool.handle_async_request(request)
                call.at_work = response.status_code < 300
                if response.status_code in _REDIRECTS:
                    await response.aclose()
                    raise redirected(response, request)
                response.stream = bounded(response.stream, call.lose, lines=call.streams)
                if response.status_code >= 400:
                    call.refused = await _awaited_beginning(response.aiter_bytes())
                    call.refusal = response
                    await response.aclose()
            except httpx.TransportError as error:
                lost(call, error)
                raise
            return response if call.refusal is None else answered(call, request)

    return Plain, Awaited


def _beginning(parts: Iterable[bytes]) -> bytes:
    """Errors are short; one that is not is cut."""
    read = bytearray()
    for part in parts:
        read += part
        if len(read) > _LONGEST_ERROR:
            break
    return bytes(read)


async def _awaited_beginning(parts: AsyncIterator[bytes]) -> bytes:
    read = bytearray()
    async for part in parts:
        read += part
        if len(read) > _LONGEST_ERROR:
            break
    return bytes(read)
