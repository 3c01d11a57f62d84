"""What every route has from the application around it: decoding, refusals in one shape, headers, an end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from msgspec import Struct
from support.control import ADMIN, VIEWER

from router.admin.assemble import make_control
from router.admin.errors import ApiError
from router.admin.routes import Access, Route
from router.admin.server import LARGEST_BODY, SECURITY_HEADERS, application, as_json


class Question(Struct, forbid_unknown_fields=True):
    text: str = ""
    days: int = 1


async def echo(control, ask):
    return Question(*((ask.query or ask.body).text, (ask.query or ask.body).days))


async def refuse(control, ask):
    raise ApiError(409, "not_now", "try later", headers={"retry-after": "5"})


async def fail(control, ask):
    raise ZeroDivisionError("of sk-a-secret")


async def page(control, ask):
    return web.Response(text="a page", headers={"cache-control": "max-age=60"})


OPEN, READ = Access.OPEN, Access.VIEWER
ROUTES = (
    Route("GET", "/ask", OPEN, echo, "", Question, query=Question),
    Route("POST", "/ask", OPEN, echo, "", Question, body=Question),
    Route("GET", "/refuse", OPEN, refuse, "", Question),
    Route("GET", "/fail/{name}", OPEN, fail, "", Question),
    Route("GET", "/page", READ, page, "", page=True),
    Route("GET", "/data", READ, page, ""),
    Route("GET", "/write", Access.ADMIN, page, "", page=True),
    Route("GET", "/anywhere", OPEN, page, "", any_host=True),
)
ELSEWHERE = {"host": "rebound.example"}


@pytest.fixture
def session_valkey() -> str:
    """No server is there: none of these routes asks the ledger."""
    return "redis://127.0.0.1:1/0"


@pytest.fixture
def control(settings, clock):
    return make_control(settings, lambda plan: "", clock)


@asynccontextmanager
async def served(control) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(application(control, ROUTES))) as client:
        yield client


@pytest.fixture
async def client(control):
    async with served(control) as client:
        yield client


async def code_of(response) -> tuple[int, str]:
    return response.status, (await response.json())["error"]["code"]


async def test_a_query_is_decoded_to_the_routes_type_with_numbers_from_their_text(client):
    response = await client.get("/ask?text=hi&days=7")
    assert response.content_type == "application/json" and await response.json() == {"text": "hi", "days": 7}


@pytest.mark.parametrize("query", ["days=soon", "colour=red"])
async def test_a_query_of_another_shape_is_refused(query, client):
    assert await code_of(await client.get(f"/ask?{query}")) == (400, "bad_query")


async def test_a_body_is_decoded_to_the_routes_type(client):
    assert await (await client.post("/ask", json={"text": "hi"})).json() == {"text": "hi", "days": 1}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"days": "7"}', b'{"colour": 1}', b"\xff"])
async def test_a_body_of_another_shape_is_refused(body, client):
    response = await client.post("/ask", data=body, headers={"content-type": "application/json"})
    assert await code_of(response) == (400, "bad_body")


async def test_a_body_that_does_not_say_that_it_is_json_is_refused(client):
    """Pages of other origins can send text without being asked."""
    response = await client.post("/ask", data=b"{}", headers={"content-type": "text/plain"})
    assert await code_of(response) == (415, "json_needed")


async def test_a_body_that_is_too_large_is_refused_in_the_same_shape(client):
    response = await client.post("/ask", data=b" " * (LARGEST_BODY + 1), headers={"content-type": "application/json"})
    assert await code_of(response) == (413, "request_entity_too_large")


async def test_what_a_handler_refuses_is_answered_with_its_headers(client):
    response = await client.get("/refuse")
    assert await code_of(response) == (409, "not_now") and response.headers["retry-after"] == "5"


async def test_a_defect_is_logged_with_its_route_and_tells_whoever_asked_nothing(client, caplog):
    response = await client.get("/fail/somebody")
    assert await code_of(response) == (500, "internal") and "sk-a-secret" not in await response.text()
    [record] = [each for each in caplog.records if each.name == "breakeven.admin"]
    assert record.path == "/fail/{name}" and record.exc_info[0] is ZeroDivisionError


async def test_a_path_that_is_not_there_and_a_method_that_is_not_are_told_apart(client):
    assert await code_of(await client.get("/nothing")) == (404, "not_found")
    response = await client.delete("/ask")
    assert await code_of(response) == (405, "method_not_allowed") and response.headers["allow"] == "GET,HEAD,POST"


@pytest.mark.parametrize("path", ["/ask", "/nothing"])
async def test_under_a_name_that_is_not_its_own_not_even_paths_are_told(path, client):
    assert await code_of(await client.get(path, headers=ELSEWHERE)) == (421, "unknown_host")


async def test_but_what_tells_nothing_is_answered_under_any_name(client):
    assert (await client.get("/anywhere", headers=ELSEWHERE)).status == 200


async def test_people_are_sent_to_the_sign_in_page_and_programs_are_refused(client):
    response = await client.get("/page", allow_redirects=False)
    assert (response.status, response.headers["location"]) == (303, "/sign-in?next=%2Fpage")
    assert (await client.get("/data", allow_redirects=False)).status == 401


async def test_whoever_may_not_is_refused_and_not_sent_to_sign_in(client):
    response = await client.get("/write", headers={"authorization": f"Bearer {VIEWER}"}, allow_redirects=False)
    assert response.status == 403
    assert (await client.get("/write", headers={"authorization": f"Bearer {ADMIN}"})).status == 200


@pytest.mark.parametrize("path", ["/ask", "/refuse", "/fail/x", "/nothing", "/page", "/anywhere"])
async def test_every_answer_has_the_headers_that_protect_a_browser(path, client):
    headers = (await client.get(path, allow_redirects=False)).headers
    assert headers.items() >= SECURITY_HEADERS.items() and "server" not in headers


async def test_nothing_is_kept_unless_the_handler_says_so(client):
    assert (await client.get("/ask")).headers["cache-control"] == "no-store"
    assert (await client.get("/anywhere")).headers["cache-control"] == "max-age=60"


async def test_when_it_ends_whoever_follows_a_stream_is_let_go(control, monkeypatch):
    ended = []
    monkeypatch.setattr(control.live, "end", lambda: ended.append(True))
    async with served(control) as client:
        await client.get("/ask")
        assert ended == []
    assert ended == [True]


async def test_an_answer_is_json_with_its_status_and_headers():
    answer = as_json(Question("hi"), 201, {"x-a": "b"})
    assert (answer.status, answer.body, answer.headers["x-a"]) == (201, b'{"text":"hi","days":1}', "b")
