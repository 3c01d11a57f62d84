from __future__ import annotations

import socket

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from support.certificates import self_signed

from router.admin.errors import ApiError
from router.admin.playground.gateway import AT_ONCE, Playground, Rate, playground_of
from router.system.certificate import certificate_of


def test_so_many_in_a_minute_for_each(clock):
    rate = Rate(clock)
    assert [rate.take("ann", 2) for _ in range(2)] == [0.0, 0.0]
    clock.now += 15
    assert rate.take("ann", 2) == 45.0 and rate.take("ben", 2) == 0.0
    clock.now += 45
    assert rate.take("ann", 2) == 0.0


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8080"), ("0.0.0.0", "http://127.0.0.1:8080"), ("::", "http://[::1]:8080")],
)
def test_the_gateway_is_asked_on_this_machine(settings, clock, host, url):
    given = msgspec.structs.replace(settings, gateway_host=host, gateway_port=8080, playground_secret="s")
    made = playground_of(given, clock)
    assert made._url == url and made.available
    assert not playground_of(settings, clock).available


async def test_a_gateway_that_is_not_there_is_said(clock):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(ApiError) as refused:
        async with Playground(f"http://127.0.0.1:{port}", "s", clock).post("/v1", {}, b""):
            pass
    assert refused.value.status == 503


async def test_no_more_than_some_at_once(clock):
    playground = Playground("http://127.0.0.1:9", "s", clock)
    playground._running = AT_ONCE
    with pytest.raises(ApiError) as refused:
        async with playground.post("/v1", {}, b""):
            pass
    assert refused.value.status == 429


async def test_over_tls_the_gateways_own_certificate_is_trusted_whatever_its_name_and_no_other(clock, tmp_path):
    for name in ("own", "other"):
        (tmp_path / name).mkdir()
    own, other = (self_signed(tmp_path / name, "gateway.example") for name in ("own", "other"))

    async def here(request: web.Request) -> web.Response:
        return web.Response(text="here")

    app = web.Application()
    app.router.add_post("/v1", here)
    server = TestServer(app, host="127.0.0.1", scheme="https")
    await server.start_server(ssl=certificate_of(str(own.chain), str(own.key)).context)
    try:
        url = f"https://127.0.0.1:{server.port}"
        async with Playground(url, "s", clock, str(own.chain)).post("/v1", {}, b"") as answer:
            assert await answer.text() == "here"
        with pytest.raises(ApiError) as refused:
            async with Playground(url, "s", clock, str(other.chain)).post("/v1", {}, b""):
                pass
        assert refused.value.status == 503
    finally:
        await server.close()
