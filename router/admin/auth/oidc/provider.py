"""What is asked of the provider: where it is, its keys, a code for an ID token.

Every address speaks TLS or is on this machine. No redirect is followed, since the standard needs none here, and no
proxy is used; an answer has to come in time and to be small.
"""

from __future__ import annotations

import asyncio
import math
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar
from urllib.parse import quote_plus

import aiohttp
import msgspec
from joserfc.jwk import Key
from msgspec import Struct

from router.admin.auth.oidc.id_token import keys_of
from router.admin.auth.oidc.refused import SignInRefused
from router.admin.auth.oidc.settings import OidcSettings, is_safe_address

WELL_KNOWN = "/.well-known/openid-configuration"
TIMEOUT_SECONDS = 10.0
LARGEST_ANSWER = 512_000
KEPT_SECONDS = 600.0
"""What the provider said of itself, and its keys: a key that it gave up is not taken for longer."""
REST_SECONDS = 5.0
"""Between two questions to a provider that failed: anybody who opens the sign-in page has it asked."""
RENEW_SECONDS = 5.0
"""Between two times that keys are asked for early: whoever sends wrong tokens has it asked no more often."""
_PLAIN_CODE = re.compile(r"[a-z_]{1,40}")

T = TypeVar("T")


class ProviderUnavailable(Exception):
    """Says what is wrong with the provider, for people who want to sign in."""


class _Metadata(Struct, frozen=True):
    """OpenID Connect Discovery 1.0, section 3; `authorization_response_iss_parameter_supported` is of RFC 9207."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _TokenAnswer(Struct, frozen=True):
    id_token: str


class _ErrorAnswer(Struct, frozen=True):
    error: str


class Endpoints(Struct, frozen=True):
    authorize: str
    token: str
    keys: str
    secret_in_body: bool
    """The provider takes no secret in a header."""
    names_itself: bool
    """It says who it is when it sends a browser back."""


class Provider:
    def __init__(self, settings: OidcSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._endpoints = _Recent(self._discover, clock)
        self._keys = _Recent(self._read_keys, clock)
        self._clock = clock
        self._renewed = -math.inf

    async def endpoints(self) -> Endpoints:
        """Raises ProviderUnavailable."""
        return await self._endpoints.get()

    async def keys(self, *, anew: bool = False) -> tuple[Key, ...]:
        """`anew`: those that are known did not sign; just after that was asked for, they are the same. Raises
        ProviderUnavailable."""
        now = self._clock()
        if anew and not 0 <= now - self._renewed < RENEW_SECONDS:
            self._renewed = now
            self._keys.forget()
        return await self._keys.get()

    async def redeem(self, code: str, verifier: str) -> str:
        """The ID token. Raises ProviderUnavailable, and SignInRefused when the provider does not take the code."""
        endpoints = await self.endpoints()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.callback,
            "client_id": self._settings.client_id,
            "code_verifier": verifier,
        }
        headers = {}
        secret = self._settings.client_secret
        if secret and endpoints.secret_in_body:
            form["client_secret"] = secret
        elif secret:
            headers["authorization"] = _basic(self._settings.client_id, secret)
        status, content = await _exchange("POST", endpoints.token, data=form, headers=headers)
        if status in (400, 401):
            raise SignInRefused("provider_refused", f"the provider did not take the code: {_error_in(content)}")
        return _decoded(status, content, _TokenAnswer).id_token

    async def _discover(self) -> Endpoints:
        issuer = self._settings.issuer
        said = _decoded(*await _exchange("GET", issuer.rstrip("/") + WELL_KNOWN), _Metadata)
        if said.issuer != issuer:
            raise ProviderUnavailable(f"it calls itself {said.issuer:.200}: put this into its settings as the issuer")
        for address in (said.authorization_endpoint, said.token_endpoint, said.jwks_uri):
            if not is_safe_address(address):
                raise ProviderUnavailable("it names an address without TLS")
        methods = said.token_endpoint_auth_methods_supported
        return Endpoints(
            authorize=said.authorization_endpoint,
            token=said.token_endpoint,
            keys=said.jwks_uri,
            secret_in_body="client_secret_basic" not in methods and "client_secret_post" in methods,
            names_itself=said.authorization_response_iss_parameter_supported,
        )

    async def _read_keys(self) -> tuple[Key, ...]:
        address = (await self.endpoints()).keys
        keys = keys_of(_decoded(*await _exchange("GET", address), dict[str, Any]))
        if not keys:
            raise ProviderUnavailable("it names no key that could sign")
        return keys


class _Recent(Generic[T]):
    """What was asked not long ago, whether an answer came or not; whoever asks meanwhile waits for the same one."""

    def __init__(self, ask: Callable[[], Awaitable[T]], clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self._asking = asyncio.Lock()
        self.forget()

    def forget(self) -> None:
        self._at = -math.inf
        self._value: T | None = None
        self._why = ""

    async def get(self) -> T:
        """Raises ProviderUnavailable."""
        async with self._asking:
            age = self._clock() - self._at
            if self._value is not None and 0 <= age < KEPT_SECONDS:
                return self._value
            if self._why and 0 <= age < REST_SECONDS:
                raise ProviderUnavailable(self._why)
            self.forget()
            try:
                self._value = await self._ask()
            except ProviderUnavailable as error:
                self._why = str(error)
                raise
            finally:
                self._at = self._clock()
            return self._value


def _basic(client_id: str, secret: str) -> str:
    """RFC 6749, section 2.3.1: both are encoded as in a form before they are joined."""
    return "Basic " + b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()


async def _exchange(method: str, address: str, **sent: Any) -> tuple[int, bytes]:
    """Status and content. Raises ProviderUnavailable."""
    headers = {"accept": "application/json", "accept-encoding": "identity"} | sent.pop("headers", {})
    try:
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
                trust_env=False,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            ) as client,
            client.request(method, address, headers=headers, allow_redirects=False, **sent) as response,
        ):
            return response.status, await _bounded(response.content)
    except TimeoutError:
        raise ProviderUnavailable("it does not answer in time") from None
    except aiohttp.ClientSSLError:
        raise ProviderUnavailable("its certificate cannot be trusted") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise ProviderUnavailable(f"it cannot be reached ({type(error).__name__})") from None


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    read = bytearray()
    async for part in content.iter_any():
        read += part
        if len(read) > LARGEST_ANSWER:
            raise ProviderUnavailable("its answer is too large")
    return bytes(read)


def _decoded(status: int, content: bytes, kind: type[T]) -> T:
    if status != 200:
        raise ProviderUnavailable(f"it answers with status {status}")
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError:
        raise ProviderUnavailable("its answer is not what OpenID Connect asks for") from None


def _error_in(content: bytes) -> str:
    """The code of RFC 6749, section 5.2, and nothing else that it says."""
    try:
        code = msgspec.json.decode(content, type=_ErrorAnswer).error
    except msgspec.DecodeError:
        return "it does not say why"
    return code if _PLAIN_CODE.fullmatch(code) else "it does not say why"
