"""One POST to a target: to the host that the policy names, and nowhere else.

No redirect is followed, no proxy is used, and a name that leads into one's own network is refused unless the policy
says that it may: whoever controls a name could otherwise have this machine call its neighbours.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from router.admin.alerts.targets.target import MayBeRefused, NotDelivered, Refused

LARGEST_ANSWER = 65_536
"""Bytes that are read of an answer; what it says does not matter."""
OF_THE_MESSAGE: Mapping[int, type[NotDelivered]] = {400: MayBeRefused, 413: Refused, 422: Refused}
"""The statuses that speak of what a message says. All others speak of the address, of who asks and of the time: so one
answers in a target's place while that is put in anew, and when a channel was archived."""


class NotPublic(OSError):
    """The name leads to an address of one's own network."""


def check_address(address: str, *, private: bool) -> None:
    """Raises NotPublic."""
    if not private and not ip_address(address.partition("%")[0]).is_global:
        raise NotPublic("its name leads into an own network: private: true permits that")


def is_written_out(host: str) -> bool:
    """Whether the policy itself says that it is an address, or this machine."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return host.lower() == "localhost"
    return True


async def addresses_of(host: str, port: int, *, private: bool) -> list[tuple[int, str]]:
    """Families and addresses of a host, all of which may be connected to. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [(int(family), str(place[0])) for family, _, _, _, place in found]
    for _, address in addresses:
        check_address(address, private=private or is_written_out(host))
    return addresses


class _Resolver(AbstractResolver):
    def __init__(self, private: bool) -> None:
        self._private = private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=kind, proto=0, flags=int(socket.AI_NUMERICHOST)
            )
            for kind, address in await addresses_of(host, port, private=self._private)
        ]

    async def close(self) -> None:
        pass


async def post(url: str, body: bytes, headers: Mapping[str, str], timeout: float, *, private: bool) -> None:
    """Returns when it was answered with 2xx. Raises NotDelivered, and Refused where that is for the body."""
    limits = aiohttp.ClientTimeout(total=timeout)
    connector = aiohttp.TCPConnector(resolver=_Resolver(private), force_close=True, ssl=ssl.create_default_context())
    options: dict[str, Any] = {"allow_redirects": False, "auto_decompress": False}
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=limits, trust_env=False) as session,
            session.post(url, data=body, headers=headers, **options) as answer,
        ):
            if not 200 <= answer.status < 300:
                raise OF_THE_MESSAGE.get(answer.status, NotDelivered)(f"answered with {answer.status}")
            await answer.content.read(LARGEST_ANSWER)
    except TimeoutError:
        raise NotDelivered(f"no answer within {timeout:g} s") from None
    except aiohttp.ClientConnectorError as error:
        raise NotDelivered(_why(error.os_error)) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # Not its message: that may hold the address.
        raise NotDelivered(f"the connection failed ({type(error).__name__})") from None


def _why(error: OSError) -> str:
    if isinstance(error, NotPublic):
        return str(error)
    if isinstance(error, ssl.SSLError):
        return "its certificate or TLS is refused"
    if isinstance(error, socket.gaierror):
        return "its name leads nowhere"
    return f"no connection: {error.strerror or type(error).__name__}"
