"""Small requests of the control plane: to the API that scales, and to units. No redirects, and no proxy from the
environment: what is asked goes to where the policy says, or nowhere."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping

import aiohttp
from msgspec import Struct

MOST_BYTES = 1024 * 1024
"""Of an answer; what is longer is cut off."""
_NONE: Mapping[str, str] = {}


class NoAnswerError(Exception):
    """Its text says why, for people."""


class Refused(NoAnswerError):
    """Nothing listens there."""


class Answer(Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class HttpClient:
    """Connections are made when needed and kept for a while; `close` ends them."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self,
        method: str,
        url: str,
        timeout: float,
        *,
        headers: Mapping[str, str] = _NONE,
        body: bytes | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> Answer:
        """The whole answer within `timeout` seconds, whatever its status. Raises NoAnswerError."""
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False, auto_decompress=True)
        try:
            async with (
                asyncio.timeout(timeout),
                self._session.request(
                    method, url, headers=headers, data=body, ssl=tls or True, allow_redirects=False
                ) as answer,
            ):
                content = await _bounded(answer)
                return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, content)
        except TimeoutError:
            raise NoAnswerError(f"no answer within {timeout:g} s") from None
        except aiohttp.ClientConnectorCertificateError:
            raise NoAnswerError("its certificate is not one that is trusted here") from None
        except aiohttp.ClientConnectorError as error:
            kind = Refused if isinstance(error.os_error, ConnectionRefusedError) else NoAnswerError
            raise kind(f"no connection: {error.os_error.strerror or 'refused'}") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NoAnswerError(f"the connection was lost ({type(error).__name__})") from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in answer.content.iter_chunked(64 * 1024):
        content += chunk
        if len(content) >= MOST_BYTES:
            answer.close()
            return bytes(content[:MOST_BYTES])
    return bytes(content)
