"""Signing in with a provider, from the button to the page that was wanted."""

from __future__ import annotations

import logging
from hashlib import sha256
from urllib.parse import urlencode

import pytest
from support.oidc_provider import SECRET, Visitor, problem_of

from router.admin.auth.sign_in_attempts import MOST_FAILURES
from router.core.audit.entry import read_entry
from router.ledger.redis_keys import AUDIT_KEY


async def test_a_name_a_role_and_the_page_that_was_wanted(anna):
    answer = await anna.sign_in("/requests?model=chat&range=7d")
    assert (answer.status, answer.headers["refresh"]) == (200, "0;url=/requests?model=chat&range=7d")
    session = await anna.session()
    assert (session["user"], session["role"]) == ("anna", "admin") and session["csrf"]
    assert session["expires"] == anna.plane.clock.now + 8 * 3600


async def test_the_cookie_on_the_way_is_lax_short_and_gone_afterwards(anna):
    began = await anna.plane.ask("GET", "/sign-in/begin")
    cookie = began.headers["set-cookie"]
    assert cookie.startswith("breakeven_sign_in_") and "SameSite=Lax" in cookie and "HttpOnly" in cookie
    assert "Max-Age=600" in cookie and "Path=/sign-in" in cookie and "Secure" not in cookie
    await anna.sign_in()
    assert list(anna.cookies) == ["breakeven_session"]


async def test_behind_tls_the_cookie_stays_there(plane):
    began = await plane.ask("GET", "/sign-in/begin", headers={"x-forwarded-proto": "https"})
    assert "Secure" in began.headers["set-cookie"]


async def test_the_session_cookie_is_as_strict_as_that_of_a_token(anna):
    way_back = await anna.begin()
    cookies = {"cookie": "; ".join(f"{name}={value}" for name, value in anna.cookies.items())}
    async with anna.plane.client.get(anna.plane.url + way_back, headers=cookies) as response:
        said = [each for each in response.headers.getall("set-cookie") if each.startswith("breakeven_session=")]
    assert len(said) == 1 and "HttpOnly" in said[0] and "SameSite=Strict" in said[0]


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "/sign-in/begin"])
async def test_it_leads_to_no_other_place(elsewhere, anna):
    assert (await anna.sign_in(elsewhere)).headers["refresh"] == "0;url=/"


async def test_a_long_link_survives_and_of_one_that_has_no_room_the_sign_in_page_says_so_before(anna):
    teams = "/spend?" + "&".join(f"team=department-of-affairs-{number}" for number in range(250))
    ways = (await anna.plane.ask("GET", f"/api/sign-in?{urlencode({'next': teams})}")).json
    assert not ways["forgets"] and (await anna.sign_in(teams)).headers["refresh"] == f"0;url={teams}"
    too_long = f"/requests?tag={LETTERS}"
    ways = (await anna.plane.ask("GET", f"/api/sign-in?{urlencode({'next': too_long})}")).json
    assert ways["forgets"] and ways["begin"].endswith("/sign-in/begin") and ways["onward"] == too_long
    assert (await Visitor(anna.plane).sign_in(too_long)).headers["refresh"] == "0;url=/"


async def test_another_browser_cannot_finish_what_was_begun_here(anna):
    way_back = await anna.begin()
    other = Visitor(anna.plane)
    assert problem_of(await other.open(way_back)) == "begin_again"
    await other.begin()
    assert problem_of(await other.open(way_back)) == "begin_again"
    assert "breakeven_session" not in other.cookies


async def test_what_is_begun_in_one_tab_takes_nothing_from_another(anna):
    first, second = await anna.begin("/spend"), await anna.begin("/keys")
    assert (await anna.open(first)).headers["refresh"] == "0;url=/spend"
    assert (await anna.open(second)).headers["refresh"] == "0;url=/keys"
    assert list(anna.cookies) == ["breakeven_session"]


async def test_a_way_back_that_was_not_begun_here_ends_nothing_that_was(anna):
    way_back = await anna.begin()
    assert problem_of(await anna.open("/sign-in/callback?code=x&state=y")) == "begin_again"
    assert (await anna.open(way_back)).status == 200


LETTERS = "".join(sha256(b"%d" % number).hexdigest() for number in range(200))
"""That hardly pack."""


@pytest.mark.parametrize(("onward", "most"), [("/", 8), (f"/requests?tag={LETTERS[:3800]}", 1)])
async def test_so_many_are_kept_as_a_browser_can_send_and_the_oldest_give_way(anna, clock, onward, most):
    ways_back = []
    for _ in range(10):
        ways_back.append(await anna.begin(onward))
        clock.now += 1
    assert len(anna.cookies) == most
    assert sum(len(name) + len(value) for name, value in anna.cookies.items()) < 4000
    assert problem_of(await anna.open(ways_back[-most - 1])) == "begin_again"
    for way_back in ways_back[-most:]:
        assert (await anna.open(way_back)).status == 200


async def test_a_way_back_is_good_once(anna, provider):
    way_back = await anna.begin()
    kept = dict(anna.cookies)
    assert (await anna.open(way_back)).status == 200
    anna.cookies = kept
    asked = len(provider.asked)
    assert problem_of(await anna.open(way_back)) == "begin_again"
    assert len(provider.asked) == asked


async def test_it_takes_minutes_at_most(anna, clock):
    way_back = await anna.begin()
    clock.now += 600
    assert problem_of(await anna.open(way_back)) == "begin_again"


@pytest.mark.parametrize(
    ("error", "problem"), [("access_denied", "access_denied"), ("server_error", "provider_refused")]
)
async def test_an_error_of_the_provider_is_told_in_our_words(error, problem, anna, provider, caplog):
    provider.error = error
    assert problem_of(await anna.sign_in()) == problem
    assert "words of the provider" not in caplog.text


async def test_an_error_that_nobody_asked_for_is_not_shown(plane):
    answer = await plane.ask("GET", "/sign-in/callback?error=access_denied&state=x")
    assert problem_of(answer) == "begin_again"


async def test_without_a_provider_there_is_no_such_way(start):
    plain = await start()
    assert problem_of(await plain.ask("GET", "/sign-in/begin")) == "no_provider"
    assert problem_of(await plain.ask("GET", "/sign-in/callback?code=x&state=y")) == "no_provider"


async def test_the_log_has_the_name_and_none_of_what_is_secret(anna, provider, caplog):
    caplog.set_level(logging.DEBUG)
    way_back = await anna.begin()
    provider.user["groups"] = ["none-that-counts"]
    await anna.open(way_back)
    provider.user["groups"] = ["finance"]
    other_way_back = await anna.begin()
    await anna.open(other_way_back)
    logged = [str(vars(record)) for record in caplog.records if record.name.startswith("breakeven")]
    assert any("signed in" in line and "anna" in line and "viewer" in line for line in logged)
    assert any("refused" in line and "anna" in line for line in logged)
    secrets = [SECRET, anna.cookies["breakeven_session"], "none-that-counts"]
    secrets += [part.partition("=")[2] for way in (way_back, other_way_back) for part in way.split("&")[:1]]
    secrets += [
        part.partition("=")[2]
        for way in (way_back, other_way_back)
        for part in way.split("?")[1].split("&")
        if part.startswith(("code=", "state="))
    ]
    assert not [secret for secret in secrets if any(secret in line for line in logged)]


async def test_the_audit_has_who_came_and_who_was_refused_and_cannot_be_filled(anna, provider, valkey):
    await anna.sign_in()
    provider.user["groups"] = []
    for _ in range(MOST_FAILURES + 2):
        assert problem_of(await anna.sign_in()) == "no_role"
    await anna.open("/sign-in/callback?code=x&state=y")
    came, *refused = map(read_entry, valkey.lrange(AUDIT_KEY, 0, -1))
    assert (came.action, came.who, came.role) == ("sign-in", f"anna [{provider.user['sub']}]", "admin")
    assert {each.action for each in refused} == {"sign-in.refused"} and len(refused) == MOST_FAILURES
    assert "no group of anna has a role" in refused[0].note


async def test_the_audit_tells_namesakes_apart(anna, provider, valkey):
    for subject, name in (("1", "anna"), ("666", "anna"), ("667", "an\u200bna")):
        provider.user |= {"sub": subject, "preferred_username": name}
        await anna.sign_in()
    entries = map(read_entry, valkey.lrange(AUDIT_KEY, 0, -1))
    assert [each.who for each in entries] == ["anna [1]", "anna [666]", "667"]
