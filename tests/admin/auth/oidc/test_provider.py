"""A provider that is down, slow, large, or says something else than the standard."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp import web
from msgspec.structs import replace
from support.control import ADMIN
from support.oidc_provider import SECRET, Visitor, but, problem_of, without

from router.admin.auth.oidc import connect
from router.admin.auth.oidc import provider as asking
from router.admin.auth.oidc.provider import KEPT_SECONDS, RENEW_SECONDS, REST_SECONDS, Provider, ProviderUnavailable
from router.admin.auth.oidc.refused import SignInRefused

KNOWN = "/.well-known/openid-configuration"


@pytest.fixture
def asked(provider, clock) -> Provider:
    return Provider(provider.settings(), clock)


async def trouble(asked: Provider) -> str:
    with pytest.raises(ProviderUnavailable) as unavailable:
        await asked.endpoints()
    return str(unavailable.value)


async def test_where_it_is_is_asked_once_in_a_while(asked, provider, clock):
    assert (await asked.endpoints()).token == f"{provider.issuer}/token"
    await asked.endpoints()
    assert provider.asked == [KNOWN]
    clock.now += KEPT_SECONDS
    await asked.endpoints()
    clock.now -= 10 * KEPT_SECONDS
    await asked.endpoints()
    assert provider.asked == [KNOWN] * 3


async def test_keys_that_did_not_sign_are_asked_for_anew_and_no_more_often_than_that(asked, provider, clock):
    await asked.keys()
    for _ in range(20):
        await asked.keys(anew=True)
    assert provider.asked.count("/keys") == 2
    clock.now += RENEW_SECONDS
    await asked.keys(anew=True)
    assert provider.asked.count("/keys") == 3


async def test_many_who_ask_at_once_have_it_asked_once(asked, provider):
    await asyncio.gather(*(asked.keys() for _ in range(20)))
    assert provider.asked == [KNOWN, "/keys"]


async def test_one_that_failed_rests_for_some_seconds(asked, provider, clock):
    provider.before = lambda path: provider.broken()
    assert await trouble(asked) == "it answers with status 503"
    provider.before = lambda path: None
    assert await trouble(asked) == "it answers with status 503" and provider.asked == [KNOWN]
    clock.now += REST_SECONDS
    assert (await asked.endpoints()).authorize == f"{provider.issuer}/authorize"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda: web.Response(status=302, headers={"location": "/elsewhere"}), "status 302"),
        (lambda: web.Response(text="<html>"), "not what OpenID Connect asks for"),
        (lambda: web.json_response({"issuer": 1}), "not what OpenID Connect asks for"),
        (lambda: web.json_response([]), "not what OpenID Connect asks for"),
        (lambda: web.Response(body=b" " * 600_000), "too large"),
        (lambda: web.Response(body=b"\x1f\x8b" + b"x" * 10, headers={"content-encoding": "gzip"}), "not what OpenID"),
    ],
)
async def test_another_answer_than_the_standards(answer, says, asked, provider):
    provider.before = lambda path: answer()
    assert says in await trouble(asked)
    assert provider.asked == [KNOWN]


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
async def test_an_address_without_tls(name, asked, provider):
    provider.change_metadata = but(**{name: "http://evil.example/x"})
    assert await trouble(asked) == "it names an address without TLS"


async def test_one_that_has_another_name_is_told_which(asked, provider):
    provider.change_metadata = but(issuer="https://login.example/")
    assert "calls itself https://login.example/: put this" in await trouble(asked)


async def test_one_that_is_not_there(clock, provider):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    gone = Provider(provider.settings(issuer=f"http://127.0.0.1:{port}"), clock)
    assert await trouble(gone) == "it cannot be reached (ClientConnectorError)"


async def test_one_that_does_not_answer(asked, provider, monkeypatch):
    monkeypatch.setattr(asking, "TIMEOUT_SECONDS", 0.05)
    provider.before = lambda path: asyncio.sleep(30)
    assert await trouble(asked) == "it does not answer in time"


async def test_one_without_a_key_that_could_sign(asked, provider):
    provider.published = []
    with pytest.raises(ProviderUnavailable, match="names no key"):
        await asked.keys()


async def test_no_proxy_of_the_environment_is_used(asked, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    await asked.endpoints()


# --- the secret


@pytest.mark.parametrize(
    "change",
    [
        without("token_endpoint_auth_methods_supported"),
        but(token_endpoint_auth_methods_supported=["client_secret_post", "client_secret_basic"]),
        but(token_endpoint_auth_methods_supported=["client_secret_post"]),
    ],
)
async def test_it_is_sent_as_the_provider_takes_it(change, anna, provider):
    provider.change_metadata = change
    assert (await anna.sign_in()).status == 200


async def test_a_wrong_one_is_told_in_the_log_and_not_repeated(provider, clock):
    wrong = Provider(provider.settings(client_secret="wrong-of-these-tests"), clock)
    with pytest.raises(SignInRefused) as refused:
        await wrong.redeem("code", "verifier")
    assert refused.value.why == "the provider did not take the code: invalid_client"
    assert SECRET not in refused.value.why


@pytest.mark.parametrize("error", [{"error": "<script>" * 10}, {"error": 1}, [], "text"])
async def test_other_words_of_the_provider_are_not_repeated(error, asked, provider):
    provider.before = lambda path: web.json_response(error, status=400) if path == "/token" else None
    with pytest.raises(SignInRefused, match="it does not say why"):
        await asked.redeem("code", "verifier")


# --- what people see


async def test_down_at_the_start_tokens_work_and_the_page_says_why(start, settings, provider, clock):
    provider.before = lambda path: provider.broken()
    plane = await start(given=replace(settings, oidc=provider.settings()))
    ways = (await plane.ask("GET", "/api/sign-in")).json
    assert (ways["provider"], ways["trouble"]) == ("Example", "it answers with status 503")
    assert ways["begin"] == f"{plane.url}/sign-in/begin"
    assert problem_of(await plane.ask("GET", "/sign-in/begin")) == "provider_unavailable"
    await plane.sign_in(ADMIN)
    provider.before = lambda path: None
    clock.now += REST_SECONDS
    assert (await plane.ask("GET", "/api/sign-in")).json["trouble"] == ""
    assert (await Visitor(plane).sign_in()).status == 200


async def test_the_page_does_not_wait_for_one_that_is_slow(plane, provider, monkeypatch):
    monkeypatch.setattr(connect, "PATIENCE_SECONDS", 0.05)
    released = asyncio.Event()
    provider.before = lambda path: released.wait()
    assert (await plane.ask("GET", "/api/sign-in")).json["trouble"] == "", "its button may work all the same"
    provider.before = lambda path: None
    released.set()
    assert (await Visitor(plane).sign_in()).status == 200


@pytest.mark.parametrize("path", ["/token", "/keys"])
async def test_down_amid_a_sign_in(path, anna, provider):
    way_back = await anna.begin()
    provider.before = lambda asked: provider.broken() if asked == path else None
    assert problem_of(await anna.open(way_back)) == "provider_unavailable"
    provider.before = lambda asked: None
