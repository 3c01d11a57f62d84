"""Hosts, origins, credentials and forged writes."""

from __future__ import annotations

import msgspec
import pytest
from support.control import ADMIN, VIEWER

from router.admin.auth.guard import known_hosts
from router.admin.auth.sign_in_attempts import MOST_FAILURES, WINDOW_SECONDS

APPLY = "/api/policy/apply"


def test_loopback_the_bound_address_and_given_names_are_known():
    assert known_hosts("10.0.0.5", ["Gate.Example."]) == {"localhost", "127.0.0.1", "::1", "10.0.0.5", "gate.example"}
    assert "0.0.0.0" not in known_hosts("0.0.0.0", [])


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:9", "breakeven.example:443"])
async def test_a_known_name_is_answered(host, plane):
    assert (await plane.get("/api/session", headers={"host": host})).status == 200


@pytest.mark.parametrize("host", ["10.1.2.3", "localhost.evil.example", "127.0.0.1.evil.example", ""])
async def test_another_name_is_not(host, plane):
    answer = await plane.get("/api/session", headers={"host": host})
    assert answer.status == 421 and "--admin-allowed-host" in answer.json["error"]["message"]


async def test_on_every_address_of_the_machine_an_address_will_do_but_no_name(start, settings):
    plane = await start(given=msgspec.structs.replace(settings, host="0.0.0.0"))
    assert (await plane.get("/api/session", headers={"host": "10.1.2.3:8081"})).status == 200
    assert (await plane.get("/api/session", headers={"host": "rebound.example"})).status == 421


@pytest.mark.parametrize("token", ["wrong-token-of-nobody", "", "ä"])
async def test_a_wrong_token_opens_nothing_and_is_not_repeated(token, plane):
    answer = await plane.ask("GET", "/api/session", headers={"authorization": f"Bearer {token}"})
    assert (answer.status, answer.code) == (401, "wrong_token")
    assert not token or token.encode() not in answer.body


async def test_a_token_counts_before_a_cookie(plane):
    page = await plane.sign_in(ADMIN)
    assert (await plane.get("/api/session", VIEWER, headers=page)).json["role"] == "viewer"


async def test_guesses_are_slowed_down_and_the_right_token_is_not(plane, clock):
    wrong = {"authorization": "Bearer wrong-token-of-nobody"}
    for _ in range(MOST_FAILURES):
        assert (await plane.ask("GET", "/api/session", headers=wrong)).status == 401
    slowed = await plane.ask("GET", "/api/session", headers=wrong)
    assert (slowed.status, slowed.code, slowed.headers["retry-after"]) == (429, "too_many_attempts", "61")
    assert (await plane.get("/api/session", ADMIN)).status == 200
    await plane.sign_in(ADMIN)
    clock.now += WINDOW_SECONDS
    assert (await plane.ask("GET", "/api/session", headers=wrong)).status == 401


async def test_a_write_from_a_page_needs_the_sessions_own_token(plane):
    page = await plane.sign_in()
    csrf = (await plane.ask("GET", "/api/session", headers=page)).json["csrf"]
    body = {"json": {"text": "x"}}
    for forged in ({}, {"x-csrf-token": ""}, {"x-csrf-token": "guess"}, {"x-csrf-token": "ä"}):
        answer = await plane.ask("POST", APPLY, headers=page | forged, **body)
        assert (answer.status, answer.code) == (403, "csrf")
    other = (await plane.ask("GET", "/api/session", headers=await plane.sign_in())).json["csrf"]
    assert (await plane.ask("POST", APPLY, headers=page | {"x-csrf-token": other}, **body)).code == "csrf"
    real = await plane.ask("POST", APPLY, headers=page | {"x-csrf-token": csrf}, **body)
    assert real.code == "version_needed"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
async def test_pages_of_other_origins_may_not_ask(origin, method, plane):
    path = "/api/session" if method == "GET" else "/api/policy/check"
    answer = await plane.ask(method, path, ADMIN, {"origin": origin}, json={"text": ""} if method == "POST" else None)
    assert (answer.status, answer.code) == (403, "foreign_origin")


async def test_the_planes_own_pages_may(plane):
    own = {"origin": plane.url, "sec-fetch-site": "same-origin"}
    assert (await plane.post("/api/policy/check", {"text": "x"}, headers=own)).status == 200


async def test_so_may_those_that_come_by_a_name_that_was_allowed(plane):
    proxied = {"origin": "https://breakeven.example"}
    assert (await plane.post("/api/policy/check", {"text": "x"}, headers=proxied)).status == 200
    broken = {"origin": "http://[breakeven.example"}
    assert (await plane.post("/api/policy/check", {"text": "x"}, headers=broken)).code == "foreign_origin"


async def test_a_browser_that_says_cross_site_is_believed(plane):
    answer = await plane.post("/sign-in", {"token": ADMIN}, "", headers={"sec-fetch-site": "cross-site"})
    assert (answer.status, answer.code) == (403, "foreign_origin")


async def test_a_write_must_be_json(plane):
    answer = await plane.ask("POST", "/api/policy/check", ADMIN, data={"text": "x"})
    assert (answer.status, answer.code) == (415, "json_needed")


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/api/policy/check", {"txt": "x"}, "txt"),
        ("/api/policy/check", {}, "text"),
        ("/api/policy/check", [], "object"),
    ],
)
async def test_a_body_of_another_shape_is_named(path, body, says, plane):
    answer = await plane.post(path, body)
    assert (answer.status, answer.code) == (400, "bad_body") and says in answer.json["error"]["message"]


async def test_a_query_of_another_shape_is_named(plane):
    answer = await plane.get("/api/spend?by=colour")
    assert (answer.status, answer.code) == (400, "bad_query") and "by" in answer.json["error"]["message"]
