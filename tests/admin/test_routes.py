"""Every route by credential and host, by the table."""

from __future__ import annotations

import asyncio
import inspect
import re
from typing import get_args

import msgspec
import pytest
from support.control import ADMIN, VIEWER, Plane

from router.admin.auth.oidc.settings import OidcSettings
from router.admin.auth.roles import Access, Role
from router.admin.routes import ROUTES, Route
from router.core.audit.actions import ACTIONS

NOBODY = ""
FORGED = "evil.example"


CALLERS = (NOBODY, *get_args(Role))


def path_of(route: Route) -> str:
    return re.sub(r"\{\w+\}", "nothing-there", route.path)


def admitted(route: Route, caller: str) -> bool:
    """The roles are spelt out, so that a changed order shows."""
    allowed = {
        Access.OPEN: CALLERS,
        Access.MEMBER: ("member", "viewer", "editor", "admin"),
        Access.VIEWER: ("viewer", "editor", "admin"),
        Access.EDITOR: ("editor", "admin"),
        Access.ADMIN: ("admin",),
    }
    return caller in allowed[route.access]


@pytest.fixture
async def plane(start, settings) -> Plane:
    named = OidcSettings("http://localhost:9", "breakeven", "http://127.0.0.1:1", roles={"viewer": ("all",)})
    return await start(given=msgspec.structs.replace(settings, oidc=named))


@pytest.fixture
def page_of(plane):
    """Headers of a page of somebody with that role, signed in by name."""

    def headers(caller: str, *, csrf: bool = True) -> dict[str, str]:
        if caller == NOBODY:
            return {}
        teams = frozenset({"search"}) if caller == "member" else None
        value, session = plane.control.sessions.open(caller, f"a {caller}", teams=teams)
        return {"cookie": f"breakeven_session={value}"} | ({"x-csrf-token": session.csrf} if csrf else {})

    return headers


@pytest.fixture
async def call(plane):
    """Status and code of a call, or where it leads; a stream is not waited for."""

    async def one(route: Route, headers: dict[str, str]) -> tuple[int, str]:
        body = {"json": {}} if route.body is not None else {}
        async with plane.client.request(
            route.method, plane.url + path_of(route), headers=headers, allow_redirects=False, **body
        ) as response:
            if response.status >= 400:
                return response.status, (await response.json())["error"]["code"]
            return response.status, response.headers.get("location", "")

    return one


every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")


# A control plane is started for each route, and asked by every caller.


@every_route
async def test_who_may_is_what_the_table_says(route, call, page_of):
    for caller in CALLERS:
        status, code = await call(route, page_of(caller))
        if admitted(route, caller):
            assert status not in (401, 403, 421, 500), (caller, code)
            assert route.access is Access.OPEN or not (status == 303 and code.startswith("/sign-in")), caller
        elif caller != NOBODY:
            assert (status, code) == (403, "not_allowed"), caller
        elif route.page:
            assert status == 303 and code.startswith("/sign-in"), caller
        else:
            assert (status, code) == (401, "sign_in"), caller


@every_route
async def test_a_token_may_what_its_role_may(route, call):
    for token, role in ((VIEWER, "viewer"), (ADMIN, "admin")):
        status, code = await call(route, {"authorization": f"Bearer {token}"})
        assert ((status, code) == (403, "not_allowed")) != admitted(route, role), role


@every_route
async def test_a_forged_host_opens_nothing(route, call, page_of):
    for caller in CALLERS:
        status, code = await call(route, page_of(caller) | {"host": FORGED})
        assert (status, code) == ((200, "") if route.any_host else (421, "unknown_host")), caller


@every_route
async def test_a_page_of_others_opens_nothing(route, call, page_of):
    for caller in CALLERS:
        status, code = await call(route, page_of(caller) | {"origin": f"https://{FORGED}"})
        assert (status, code) == ((200, "") if route.any_host else (403, "foreign_origin")), caller


@pytest.mark.parametrize("route", [each for each in ROUTES if each.writes], ids=lambda route: route.path)
async def test_a_session_without_its_own_token_writes_nothing(route, call, page_of):
    for caller in CALLERS:
        for guessed in ({}, {"x-csrf-token": "guess"}):
            status, code = await call(route, page_of(caller, csrf=False) | guessed)
            if route.access is Access.OPEN or caller == NOBODY:
                expected = (400, "bad_body") if route.access is Access.OPEN else (401, "sign_in")
            else:
                expected = (403, "csrf" if admitted(route, caller) else "not_allowed")
            assert (status, code) == expected, (caller, guessed)


def test_only_what_tells_nothing_answers_to_any_name_or_to_nobody():
    assert [route.path for route in ROUTES if route.any_host] == ["/healthz"]
    assert {route.path for route in ROUTES if route.access is Access.OPEN} == {
        "/healthz",
        "/sign-in",
        "/sign-in/begin",
        "/sign-in/callback",
        "/api/sign-in",
        "/assets/{name}",
    }


def test_what_changes_the_policy_is_for_editors_and_needs_the_version_that_was_seen():
    changing = {route.path for route in ROUTES if route.access is Access.EDITOR}
    assert changing == {"/api/policy/apply", "/api/policy/rollback"}
    assert changing <= {route.path for route in ROUTES if route.conditional}


def test_keys_are_changed_by_admins_and_an_edit_needs_the_version_that_was_seen():
    writes = [route for route in ROUTES if route.writes and route.path.startswith("/api/keys")]
    assert len(writes) == 4 and all(route.access is Access.ADMIN for route in writes)
    assert [route.method for route in writes if route.conditional] == ["PUT"]


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.writes or route.audit], ids=lambda route: route.path
)
def test_every_write_leaves_an_entry_in_the_audit_or_says_why_not(route):
    if " " not in route.audit:
        assert route.audit in ACTIONS
        assert f'"{route.audit}"' in inspect.getsource(inspect.getmodule(route.handler))


async def test_a_path_or_method_that_is_not_there_says_so_in_the_same_shape(plane):
    for method, path, status, code in (
        ("GET", "/api/nothing", 404, "not_found"),
        ("PUT", "/api/spend", 405, "method_not_allowed"),
    ):
        answer = await plane.ask(method, path, ADMIN)
        assert (answer.status, answer.code) == (status, code)
        assert (await plane.ask(method, path, ADMIN, {"host": FORGED})).status == 421


async def raw_head(plane: Plane, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and all that follows them, which a client would not look at."""
    reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
    lines = [f"{name}: {value}" for name, value in {"host": "localhost", "connection": "close", **headers}.items()]
    writer.write("\r\n".join([f"HEAD {path} HTTP/1.1", *lines, "", ""]).encode())
    head, _, rest = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    status, *fields = head.decode().split("\r\n")
    pairs = (field.partition(": ") for field in fields)
    return int(status.split()[1]), {name.lower(): value for name, _, value in pairs}, rest


SAID_WITHOUT_A_BODY = ("content-type", "etag", "cache-control", "vary", "location", "www-authenticate")


@pytest.mark.parametrize("caller", [NOBODY, "member", "admin"])
async def test_head_is_answered_as_get_without_a_body(caller, plane, page_of):
    headers = page_of(caller) | {"accept": "text/html", "accept-encoding": "identity"}
    for route in (each for each in ROUTES if "HEAD" in each.methods):
        path = path_of(route).replace("nothing-there", "base.css" if "assets" in route.path else "requests")
        async with plane.client.get(plane.url + path, headers=headers, allow_redirects=False) as got:
            status, said, rest = await raw_head(plane, path, headers)
            assert (status, rest) == (got.status, b""), path
            for name in SAID_WITHOUT_A_BODY:
                assert said.get(name) == got.headers.get(name), (path, name)
            if got.content_type == "text/html" and await got.read():
                assert said["content-length"] == got.headers["content-length"], path


async def test_looking_at_the_head_of_the_events_takes_no_pages_place(plane, page_of, monkeypatch):
    monkeypatch.setattr(plane.control.live, "join", lambda *_: pytest.fail("it joined"))
    status, _, _ = await raw_head(plane, "/api/events", page_of("admin"))
    assert status == 200


def test_a_get_that_does_something_is_not_answered_to_head():
    assert [route.path for route in ROUTES if route.method == "GET" and "HEAD" not in route.methods] == [
        "/sign-in/callback"
    ]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/spend", "GET,HEAD"),
        ("/healthz", "GET,HEAD"),
        ("/assets/base.css", "GET,HEAD"),
        ("/spend", "GET,HEAD"),
        ("/api/keys", "GET,HEAD,POST"),
        ("/api/keys/app", "GET,HEAD,PUT"),
        ("/sign-in", "GET,HEAD,POST"),
        ("/sign-in/callback", "GET"),
        ("/api/power", "POST"),
    ],
)
async def test_other_methods_are_told_which_ones_there_are(path, allowed, plane):
    answer = await plane.ask("PATCH", path, ADMIN)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("path", ["/", "/sign-in", "/healthz", "/api/spend", "/api/nothing", "/assets/base.css"])
async def test_every_answer_has_the_headers_that_keep_browsers_safe(path, plane):
    headers = (await plane.get(path, ADMIN)).headers
    csp = headers["content-security-policy"]
    assert "default-src 'none'" in csp and "unsafe" not in csp and "frame-ancestors 'none'" in csp
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


async def test_answers_of_the_api_are_not_kept(plane):
    assert (await plane.get("/api/spend")).headers["cache-control"] == "no-store"
