"""An OpenID Connect provider by the standard, on loopback, that can be told to lie."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import html
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey
from support.control import Answer, Clock, Plane

from router.admin.auth.oidc.settings import OidcSettings

CLIENT = "breakeven"
SECRET = "secret/of these+tests"
ANNA = {"sub": "248289761001", "preferred_username": "anna", "email": "anna@example.com", "groups": ["gateway-admins"]}


def rsa_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)


def ec_key() -> ECKey:
    return ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)


def nothing(value: Any) -> Any:
    return value


class OidcProvider:
    """Whoever comes is signed in as `user` at once. `change_*` are for lies."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.issuer = ""
        self.user: dict[str, Any] = dict(ANNA)
        self.key: Key = rsa_key()
        self.algorithm = "RS256"
        self.published: list[Key] = [self.key]
        self.asked: list[str] = []
        """Paths, in order."""
        self.codes: dict[str, dict[str, str]] = {}
        self.asks = False
        """It shows a page of its own first, from which one goes on by a link; to a browser, it is the one that sends it
        back then."""
        self.error = ""
        """What it sends browsers back with instead of a code."""
        self.change_metadata: Callable[[dict[str, Any]], Any] = nothing
        self.change_claims: Callable[[dict[str, Any]], dict[str, Any]] = nothing
        self.change_token: Callable[[str], str] = nothing
        self.change_return: Callable[[dict[str, str]], dict[str, str]] = nothing
        self.before: Callable[[str], Any] = nothing
        """Called with each path; an answer that it gives is sent in place of the right one."""

    def rotate(self, key: Key, algorithm: str = "RS256") -> None:
        self.key, self.algorithm, self.published = key, algorithm, [key]

    def settings(self, **changed: Any) -> OidcSettings:
        given: dict[str, Any] = {
            "issuer": self.issuer,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "address": "http://127.0.0.1:1",
            "name": "Example",
            "roles": {
                "admin": ("gateway-admins",),
                "editor": ("policy-editors",),
                "viewer": ("finance", "operators"),
                "member": ("everyone",),
            },
            "teams": {"search": ("search-devs",), "legal": ("legal", "counsel")},
        }
        return OidcSettings(**(given | changed))

    @staticmethod
    def page(markup: str) -> web.Response:
        return web.Response(
            text=f"<!doctype html><title>Mail</title><link rel=icon href=data:,>{markup}", content_type="text/html"
        )

    @staticmethod
    def broken() -> web.Response:
        return web.Response(status=503, text="down")

    # --- what it answers

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        said = self.before(request.path)
        if asyncio.iscoroutine(said):
            said = await said
        if isinstance(said, web.StreamResponse):
            return said
        handlers = {
            "/.well-known/openid-configuration": self._metadata,
            "/authorize": self._authorize,
            "/token": self._token,
            "/keys": self._keys,
        }
        return await handlers[request.path](request)

    async def _metadata(self, request: web.Request) -> web.Response:
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return web.json_response(self.change_metadata(said))

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert "openid" in asked["scope"].split() and asked["code_challenge_method"] == "S256"
        back = {"state": asked["state"], "iss": self.issuer}
        if self.error:
            back |= {"error": self.error, "error_description": "words of the provider"}
        else:
            code = secrets.token_urlsafe(16)
            self.codes[code] = asked
            back["code"] = code
        location = f"{asked['redirect_uri']}?{urlencode(self.change_return(back))}"
        if self.asks:
            return self.page(f'<a href="{html.escape(location)}">Let me in</a>')
        return web.Response(status=303, headers={"location": location})

    async def _token(self, request: web.Request) -> web.Response:
        """RFC 6749, sections 2.3.1 and 4.1.3; RFC 7636, section 4.6. A code is good once."""
        form = dict(await request.post())
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        given = tuple(map(unquote_plus, base64.b64decode(credentials).decode().split(":"))) if scheme else ()
        if (given or (form["client_id"], form.get("client_secret"))) != (CLIENT, SECRET):
            return web.json_response({"error": "invalid_client", "error_description": SECRET}, status=401)
        asked = self.codes.pop(str(form["code"]), None)
        verifier = str(form["code_verifier"]).encode()
        challenge = _text(hashlib.sha256(verifier).digest())
        if (
            asked is None
            or challenge != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
            or form["grant_type"] != "authorization_code"
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        token = self.change_token(self.id_token(asked["nonce"]))
        return web.json_response({"access_token": "a", "token_type": "Bearer", "id_token": token})

    def id_token(self, nonce: str) -> str:
        now = int(self.clock.now)
        times = {"iat": now, "exp": now + 300}
        claims = {"iss": self.issuer, "aud": CLIENT, "nonce": nonce, **times, **self.user}
        return self.signed(self.change_claims(claims))

    def signed(self, claims: dict[str, Any]) -> str:
        header = {"alg": self.algorithm, "kid": self.key.kid}
        return jwt.encode(header, claims, self.key, algorithms=[self.algorithm])

    async def _keys(self, request: web.Request) -> web.Response:
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.published]})


def without(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda claims: {name: value for name, value in claims.items() if name not in names}


def but(**changed: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda claims: claims | changed


def unsigned(token: str) -> str:
    """The same claims under `alg: none`, without a signature."""
    header = _text(b'{"alg":"none"}')
    return f"{header}.{token.split('.')[1]}."


def sealed_with_public_key(provider: OidcProvider) -> Callable[[str], str]:
    """The same claims under `alg: HS256`, with the public key, which everybody has, as the secret."""

    def change(token: str) -> str:
        header = _text(b'{"alg":"HS256"}')
        said = f"{header}.{token.split('.')[1]}"
        return f"{said}.{_text(hmac.digest(provider.key.as_pem(private=False), said.encode(), 'sha256'))}"

    return change


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@asynccontextmanager
async def serving(clock: Clock) -> AsyncIterator[OidcProvider]:
    provider = OidcProvider(clock)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", provider.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.issuer = f"http://localhost:{runner.addresses[0][1]}"
    yield provider
    await runner.cleanup()


class Visitor:
    """What a browser does, with the cookies that it keeps; it follows a redirect only when it is told to."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.cookies: dict[str, str] = {}

    async def open(self, path: str, **options: Any) -> Answer:
        cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = await self.plane.ask("GET", path, headers=cookie | options.pop("headers", {}), **options)
        self.cookies |= answer.cookies
        self.cookies = {name: value for name, value in self.cookies.items() if value}
        return answer

    async def begin(self, onward: str = "") -> str:
        """The way back from the provider: the path of the callback with all that it carries."""
        asked = f"?{urlencode({'next': onward})}" if onward else ""
        began = await self.open(f"/sign-in/begin{asked}")
        assert began.status == 303, began.body
        async with self.plane.client.get(began.headers["location"], allow_redirects=False) as response:
            assert response.status == 303, await response.text()
            back = urlsplit(response.headers["location"])
        return f"{back.path}?{back.query}"

    async def sign_in(self, onward: str = "") -> Answer:
        return await self.open(await self.begin(onward))

    async def session(self) -> dict[str, Any]:
        answer = await self.open("/api/session")
        assert answer.status == 200, answer.body
        return dict(answer.json)


def problem_of(answer: Answer) -> str:
    """The code that the sign-in page is given."""
    assert answer.status == 303, (answer.status, answer.body)
    place = urlsplit(answer.headers["location"])
    assert place.path == "/sign-in"
    return dict(parse_qsl(place.query))["problem"]
