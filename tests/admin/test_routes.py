"""Every route by credential and host, by the table."""

from __future__ import annotations

import re

import pytest
from support.control import ADMIN, VIEWER

from router.admin.auth.roles import Access
from router.admin.routes import ROUTES, Route

NOBODY = ""
FORGED = "evil.example"
STREAM = "/api/events"


def path_of(route: Route) -> str:
    return re.sub(r"\{\w+\}", "nothing-there", route.path)


def admitted(route: Route, token: str) -> bool:
    everybody, viewers = (NOBODY, VIEWER, ADMIN), (VIEWER, ADMIN)
    allowed = {Access.OPEN: everybody, Access.MEMBER: viewers, Access.VIEWER: viewers}
    return token in allowed.get(route.access, (ADMIN,))


@pytest.fixture
async def call(plane):
    """Status and code of a call; a stream is not waited for."""

    async def one(route: Route, token: str, host: str | None = None) -> tuple[int, str]:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        headers |= {"host": host} if host else {}
        body = {"json": {}} if route.body is not None else {}
        async with plane.client.request(
            route.method, plane.url + path_of(route), headers=headers, allow_redirects=False, **body
        ) as response:
            if response.status >= 400:
                return response.status, (await response.json())["error"]["code"]
            return response.status, response.headers.get("location", "")

    return one


@pytest.mark.parametrize("token", [NOBODY, VIEWER, ADMIN], ids=["nobody", "viewer", "admin"])
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_who_may_is_what_the_table_says(route, token, call):
    status, code = await call(route, token)
    if admitted(route, token):
        assert status not in (401, 403, 421, 500), code
        assert (status, code) != (303, "/sign-in")
    elif token == NOBODY:
        assert (status, code) == ((303, "/sign-in") if route.page else (401, "sign_in"))
    else:
        assert (status, code) == (403, "not_allowed")


@pytest.mark.parametrize("token", [NOBODY, VIEWER, ADMIN], ids=["nobody", "viewer", "admin"])
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_a_forged_host_opens_nothing(route, token, call):
    status, code = await call(route, token, FORGED)
    assert (status, code) == ((200, "") if route.any_host else (421, "unknown_host"))


def test_only_what_tells_nothing_answers_to_any_name_or_to_nobody():
    assert [route.path for route in ROUTES if route.any_host] == ["/healthz"]
    assert {route.path for route in ROUTES if route.access is Access.OPEN} == {
        "/healthz",
        "/sign-in",
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


async def test_a_path_or_method_that_is_not_there_says_so_in_the_same_shape(plane):
    for method, path, status, code in (
        ("GET", "/api/nothing", 404, "not_found"),
        ("PUT", "/api/spend", 405, "method_not_allowed"),
    ):
        answer = await plane.ask(method, path, ADMIN)
        assert (answer.status, answer.code) == (status, code)
        assert (await plane.ask(method, path, ADMIN, {"host": FORGED})).status == 421


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
