"""Pages of other origins: the header lines that browsers ask for, and a real browser that goes by them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.browser import MISSING, chromium
from support.gateway import POLICY, Gateway
from support.scripted import DONE, answer, completion, event, stream
from support.streams import opened

from router.gateway.cors import EXPOSED, Cors

PAGE = "https://app.example"
ASKED = {
    "origin": PAGE,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization, content-type, x-stainless-os, x-stainless-retry-count",
}
BODY = b'{"model":"chat","messages":[{"role":"user","content":"hi"}]}'
KEY = "bk-test-key"
KEYS = f"keys: [{{name: app, sha256: {sha256(KEY.encode()).hexdigest()!r}}}]\n"


def names(lines: bytes) -> list[str]:
    return [line.partition(": ")[0] for line in lines.decode().split("\r\n") if line]


def values(lines: bytes) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in lines.decode().split("\r\n") if line)


def test_no_line_is_sent_twice():
    cors = Cors((PAGE,))
    together = names(cors.lines(ASKED) + cors.preflight(ASKED))
    assert len(set(together)) == len(together) == 6


def test_a_preflight_is_granted_what_it_asks_for():
    granted = values(Cors((PAGE,)).preflight(ASKED))
    assert granted["access-control-allow-headers"] == ASKED["access-control-request-headers"]
    assert "POST" in granted["access-control-allow-methods"].split(", ")


@pytest.mark.parametrize("origin", [None, "https://evil.example", "https://app.example.evil", "null"])
def test_other_origins_get_nothing(origin):
    cors, headers = Cors((PAGE,)), {} if origin is None else {"origin": origin}
    assert cors.lines(headers) == cors.preflight(headers) == b""


def test_the_answer_depends_on_the_origin_and_caches_are_told():
    assert values(Cors((PAGE,)).lines(ASKED))["vary"] == "origin"
    everybody = values(Cors(("*",)).lines(ASKED))
    assert everybody["access-control-allow-origin"] == "*" and "vary" not in everybody


def test_without_origins_it_is_off():
    assert not Cors(()).enabled and Cors(()).lines(ASKED) == b""


def test_every_header_that_we_send_may_be_read():
    """Those that our code names, wherever it makes a line."""
    sources = (Path(__file__).parents[2] / "router" / "gateway").glob("*.py")
    made = re.compile(r'header\("([a-z-]+)"|b?"(x-[a-z-]+): ')
    sent = {name for source in sources for found in made.findall(source.read_text()) for name in found if name}
    assert {"x-breakeven-budget", "x-request-id", "x-should-retry", "retry-after"} <= sent
    assert {name for name in sent if not name.startswith("access-control-")} - {"allow"} <= set(EXPOSED)


async def test_a_preflight_needs_no_key_and_has_each_line_once(serve):
    gateway = await serve(f"{POLICY}{KEYS}server: {{cors_origins: [{PAGE!r}]}}\n")
    reader, writer = await opened(gateway.port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in ASKED.items())
    writer.write(f"OPTIONS /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{lines}connection: close\r\n\r\n".encode())
    head = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")[0]
    status, *answered = head.decode().lower().split("\r\n")
    assert " 204 " in status
    told = [line.partition(":")[0] for line in answered]
    assert len(set(told)) == len(told) and "access-control-allow-origin" in told


ASK_FROM_A_PAGE = """async ({url, method, headers, body}) => {
  const answer = await fetch(url, {method, headers, body});
  const reader = answer.body.getReader(), parts = [];
  for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(...part.value);
  return {status: answer.status, headers: Object.fromEntries(answer.headers), body: new TextDecoder().decode(
    new Uint8Array(parts))};
}"""


@pytest.fixture
async def elsewhere() -> AsyncIterator[str]:
    """The origin of an empty page."""

    async def serve_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        page = b"<!doctype html><title>elsewhere</title>"
        writer.write(
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/html\r\ncontent-length: %d\r\n\r\n%b"
            % (len(page), page)
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve_page, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


SDK = {"authorization": f"Bearer {KEY}", "content-type": "application/json", "x-stainless-lang": "js",
       "x-stainless-os": "Browser", "x-stainless-retry-count": "0"}  # fmt: skip


class Page:
    """A page in a browser, which asks the gateway as the SDK does."""

    def __init__(self, page: Any, gateway: Gateway) -> None:
        self.page, self.gateway = page, gateway

    async def ask(
        self, body: Any = None, path: str = "/v1/chat/completions", method: str = "POST", **headers: str
    ) -> Any:
        sent = {"url": self.gateway.url + path, "method": method, "headers": SDK | headers}
        if method != "GET":
            sent["body"] = json.dumps(body or json.loads(BODY))
        return await self.page.evaluate(ASK_FROM_A_PAGE, sent)


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
async def test_a_page_in_a_browser(serve, backends, elsewhere):
    """For the page everything is as for any other client: answers, streams, headers and errors."""
    key = f"keys: [{{name: app, sha256: {sha256(KEY.encode()).hexdigest()!r}, "
    limits = "budget: {requests_per_minute: 3, soft: 0.1}}]\n"
    gateway = await serve(f"{POLICY}{key}{limits}server: {{cors_origins: [{elsewhere!r}]}}\n")
    backends["gpu"].script.append(
        answer(200, completion(), "x-request-id: theirs\r\nx-ratelimit-limit-requests: 9\r\n")
    )
    events = (event("Hello"), event(None, "stop"), DONE)
    backends["gpu"].script.append(stream(*events))
    backends["gpu"].script.append(answer(418, b'{"error":{"message":"theirs"}}'))
    async with chromium(elsewhere) as browser:
        await browser.open("/")
        page = Page(browser.page, gateway)
        got = await page.ask()
        assert (got["status"], got["body"].encode()) == (200, completion())
        told = got["headers"]
        assert (told["x-breakeven-backend"], told["x-upstream-request-id"]) == ("gpu", "theirs")
        assert told["x-ratelimit-limit-requests"] == "9" and told["x-request-id"].startswith("req_")
        got = await page.ask(json.loads(BODY) | {"stream": True})
        assert (got["status"], got["body"].encode()) == (200, b"".join(events))
        assert "requests_per_minute" in got["headers"]["x-breakeven-budget"]
        got = await page.ask()
        assert (got["status"], json.loads(got["body"])["error"]["message"]) == (418, "theirs")
        got = await page.ask()
        assert (got["status"], json.loads(got["body"])["error"]["code"]) == (429, "rate_limit_exceeded")
        assert got["headers"]["retry-after"] and got["headers"]["x-should-retry"]
        got = await page.ask(authorization="Bearer wrong")
        assert (got["status"], json.loads(got["body"])["error"]["code"]) == (401, "invalid_api_key")
        assert (await page.ask(path="/v1/nowhere"))["status"] == 404
        assert (await page.ask(path="/v1/models"))["status"] == 405
        got = await page.ask(path="/v1/models", method="GET")
        assert got["status"] == 200 and json.loads(got["body"])["data"]


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
async def test_a_page_of_another_origin_in_a_browser(serve, backends, elsewhere):
    gateway = await serve(f"{POLICY}{KEYS}server: {{cors_origins: [{PAGE!r}]}}\n")
    async with chromium(elsewhere) as browser:
        await browser.open("/")
        with pytest.raises(Exception, match="Failed to fetch"):
            await Page(browser.page, gateway).ask()
    assert not backends["gpu"].received
