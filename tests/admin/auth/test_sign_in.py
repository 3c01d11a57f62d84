"""Signing in and out."""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
import pytest
from support.control import ADMIN, VIEWER

from router.admin.audit.outbox import Outbox
from router.admin.auth.arrivals import MOST_NOTED
from router.admin.auth.own_path import LONGEST
from router.admin.auth.sessions import MOST_OF_ONE
from router.admin.auth.sign_in_attempts import MOST_FAILURES
from router.core.audit.entry import read_entry
from router.ledger.redis_keys import AUDIT_KEY


@pytest.mark.parametrize(("token", "role"), [(ADMIN, "admin"), (VIEWER, "viewer")])
async def test_a_token_opens_a_session_of_its_role(token, role, plane):
    page = await plane.sign_in(token)
    session = (await plane.ask("GET", "/api/session", headers=page)).json
    assert session["role"] == role and session["csrf"] and session["expires"] == plane.clock.now + 12 * 3600


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(plane):
    cookie = (await plane.post("/sign-in", {"token": ADMIN}, "")).headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie and "Secure" not in cookie
    assert ADMIN not in cookie


async def test_behind_tls_the_cookie_stays_there(plane):
    answer = await plane.post("/sign-in", {"token": ADMIN}, "", headers={"x-forwarded-proto": "https"})
    assert "Secure" in answer.headers["set-cookie"]


async def test_a_plain_form_will_do(plane):
    answer = await plane.ask("POST", "/sign-in", data={"token": f" {ADMIN}\n"})
    assert (answer.status, answer.headers["location"]) == (303, "/") and answer.cookies
    wrong = await plane.ask("POST", "/sign-in", data={"token": "wrong"})
    assert (wrong.status, wrong.headers["location"]) == (303, "/sign-in?problem=wrong_token") and not wrong.cookies


async def test_after_some_wrong_tokens_guesses_are_refused_for_a_while_and_the_right_one_never(plane):
    for _ in range(MOST_FAILURES):
        answer = await plane.post("/sign-in", {"token": "wrong"}, "")
        assert (answer.status, answer.code) == (401, "wrong_token")
    slowed = await plane.post("/sign-in", {"token": "wrong"}, "")
    assert (slowed.status, slowed.code) == (429, "too_many_attempts") and int(slowed.headers["retry-after"]) > 0
    assert (await plane.post("/sign-in", {"token": ADMIN}, "")).status == 200
    plane.clock.now += 61
    assert (await plane.post("/sign-in", {"token": "wrong"}, "")).status == 401


async def test_signing_out_ends_the_session_on_the_server(plane):
    page = await plane.sign_in()
    csrf = (await plane.ask("GET", "/api/session", headers=page)).json["csrf"]
    out = await plane.ask("POST", "/sign-out", headers=page | {"x-csrf-token": csrf})
    assert out.status == 200 and 'breakeven_session=""' in out.headers["set-cookie"]
    assert (await plane.ask("GET", "/api/session", headers=page)).status == 401


async def test_who_came_and_went_and_who_was_refused_is_in_the_audit(plane, valkey):
    page = await plane.sign_in(VIEWER)
    csrf = (await plane.ask("GET", "/api/session", headers=page)).json["csrf"]
    await plane.ask("POST", "/sign-out", headers=page | {"x-csrf-token": csrf})
    await plane.post("/sign-in", {"token": "wrong-token"}, "")
    lines = valkey.lrange(AUDIT_KEY, 0, -1)
    entries = [(each.action, each.role, each.via, each.address) for each in map(read_entry, lines)]
    assert entries == [
        ("sign-in", "viewer", "page", "127.0.0.1"),
        ("sign-out", "viewer", "page", "127.0.0.1"),
        ("sign-in.refused", "", "page", "127.0.0.1"),
    ]
    assert b"wrong-token" not in b"".join(lines) and VIEWER.encode() not in b"".join(lines)


async def test_whoever_signs_in_without_end_signs_nobody_else_out_and_does_not_fill_the_audit(plane, valkey):
    admin = await plane.sign_in(ADMIN)
    for _ in range(MOST_OF_ONE + 10):
        assert (await plane.post("/sign-in", {"token": VIEWER}, "")).status == 200
    assert (await plane.ask("GET", "/api/session", headers=admin)).status == 200
    entries = list(map(read_entry, valkey.lrange(AUDIT_KEY, 0, -1)))
    assert len(entries) == 1 + MOST_NOTED and "not noted one by one" in entries[-1].note


@pytest.mark.parametrize(("proxies", "counts"), [((), "127.0.0.1"), (("127.0.0.0/8",), "198.51.100.1")])
async def test_from_where_somebody_comes_is_what_a_trusted_proxy_says_and_nobody_else(
    start, settings, valkey, proxies, counts
):
    plane = await start(given=msgspec.structs.replace(settings, trusted_proxies=proxies))
    said = {"x-forwarded-for": "203.0.113.9, 198.51.100.1"}
    for _ in range(MOST_FAILURES + 1):
        await plane.post("/sign-in", {"token": "wrong"}, "", headers=said)
    first = read_entry(valkey.lindex(AUDIT_KEY, 0))
    assert (first.action, first.address) == ("sign-in.refused", counts)
    other = await plane.post("/sign-in", {"token": "wrong"}, "", headers={"x-forwarded-for": "198.51.100.2"})
    assert other.status == (401 if proxies else 429), "each is told to wait for their own guesses"


@pytest.mark.parametrize(
    ("header", "counts"), [(None, "127.0.0.1"), ("x-forwarded-for", "198.51.100.1"), ("forwarded", "203.0.113.9")]
)
async def test_of_two_headers_that_contradict_each_other_the_one_of_the_proxy_counts_or_none(
    start, settings, valkey, header, counts
):
    behind = msgspec.structs.replace(settings, trusted_proxies=("127.0.0.0/8",), proxy_header=header)
    plane = await start(given=behind)
    said = {"x-forwarded-for": "198.51.100.1", "forwarded": "for=203.0.113.9"}
    await plane.post("/sign-in", {"token": "wrong"}, "", headers=said)
    assert read_entry(valkey.lindex(AUDIT_KEY, 0)).address == counts


def longest_link() -> str:
    """To Requests, with every filter filled in, by names as long as they may be in any script."""
    names = dict.fromkeys(("id", "tag", "user"), "😀" * 200)
    names |= dict.fromkeys(("backend", "zone", "model", "key", "level"), "😀" * 128)
    names["metadata"] = "a" * 64 + "=" + "\N{GRINNING FACE}" * 135
    teams = [("team", "\N{GRINNING FACE}" * 128)] * 3
    return f"/requests?{urlencode([*names.items(), *teams])}"


async def test_the_longest_link_of_the_dashboard_survives_signing_in(plane):
    wanted = longest_link()
    assert 15_000 < len(wanted) <= LONGEST
    there = (await plane.ask("GET", wanted)).headers["location"]
    assert (await plane.ask("GET", there)).status == 200
    onward = (await plane.ask("POST", there, data={"token": ADMIN})).headers["location"]
    assert parse_qs(urlsplit(onward).query) == parse_qs(urlsplit(wanted).query)
    assert (await plane.get(onward, ADMIN)).status == 200
    assert (await plane.ask("GET", f"/api/sign-in?{urlencode({'next': wanted})}")).json["onward"] == onward


async def test_beyond_that_the_sign_in_page_says_that_the_link_is_to_be_opened_again(plane):
    there = (await plane.ask("GET", f"/requests?user={'a' * LONGEST}")).headers["location"]
    assert there == "/sign-in?problem=long_link"


async def test_while_the_ledger_is_lost_somebody_can_come_and_look_and_go(start, settings):
    lost = await start(given=msgspec.structs.replace(settings, redis="redis://127.0.0.1:1/0"))
    page = await lost.sign_in()
    csrf = (await lost.ask("GET", "/api/session", headers=page)).json["csrf"]
    assert (await lost.ask("POST", "/sign-out", headers=page | {"x-csrf-token": csrf})).status == 200
    waiting = Outbox(Path(settings.data_dir) / "audit-waiting.jsonl").notes()
    assert [each.action for each in waiting] == ["sign-in", "sign-out"]


async def test_a_session_ends_in_time(plane):
    page = await plane.sign_in()
    plane.clock.now += 12 * 3600
    assert (await plane.ask("GET", "/api/session", headers=page)).status == 401


async def test_tokens_and_cookies_never_reach_a_log(plane, caplog):
    caplog.set_level(logging.DEBUG)
    page = await plane.sign_in()
    await plane.post("/sign-in", {"token": "wrong-token-that-is-long"}, "")
    await plane.get("/api/session", ADMIN)
    logged = [str(vars(record)) for record in caplog.records if record.name.startswith("breakeven")]
    assert any("signed in" in line for line in logged) and any("refused" in line for line in logged)
    for secret in (ADMIN, VIEWER, "wrong-token-that-is-long", page["cookie"].partition("=")[2]):
        assert not any(secret in line for line in logged)


async def test_tokens_are_in_no_representation(plane, settings):
    shown = repr(plane.control) + repr(settings)
    assert ADMIN not in shown and VIEWER not in shown
