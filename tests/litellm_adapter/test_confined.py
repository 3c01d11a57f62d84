"""Clients of the library, confined: where they go, what they never see, and that nothing is sent twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from inspect import isawaitable
from typing import Any

import httpx2 as httpx
import pytest

from router.litellm_adapter.confined import Call, Confinement, Destination, RefusedByProvider
from router.litellm_adapter.faithful import Faith, LostError, Wanted

HERE = Destination(("api.example:443",))
URL = "https://api.example/v1"

Ask = Callable[..., Awaitable[Any]]


class Wire:
    """What lies beyond the pools: keeps every request, and answers as told."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.pools: list[dict[str, Any]] = []
        self.answers: Callable[[httpx.Request], httpx.Response] = lambda request: httpx.Response(200, text="fine")

    def pool(self, **settings: Any) -> httpx.MockTransport:
        self.pools.append(settings)
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answers(request)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    made = Wire()
    for pool in ("HTTPTransport", "AsyncHTTPTransport"):
        monkeypatch.setattr(httpx, pool, made.pool)
    return made


@pytest.fixture
def confinement(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Iterator[Confinement]:
    """What is installed for good in the adapter is taken off again here."""
    for client in (httpx.Client, httpx.AsyncClient):
        monkeypatch.setattr(client, "__init__", client.__init__)
    made = Confinement(httpx)
    made.install()
    return made


async def plainly(url: str = URL, **settings: Any) -> httpx.Response:
    with httpx.Client(**settings) as client:
        return client.get(url)


async def awaited(url: str = URL, **settings: Any) -> httpx.Response:
    async with httpx.AsyncClient(**settings) as client:
        return await client.get(url)


@pytest.fixture(params=[plainly, awaited])
def ask(request: pytest.FixtureRequest, confinement: Confinement) -> Ask:
    """A GET by a client made just now, of either kind; its settings may be given."""
    return request.param


async def test_a_request_goes_to_the_hosts_of_its_backend_alone(ask: Ask, confinement: Confinement, wire: Wire) -> None:
    with confinement.towards(HERE):
        assert (await ask()).text == "fine"
    for url in ("https://other.example/v1", "http://api.example/v1", "https://api.example:444/v1"):
        with confinement.towards(HERE) as call:
            with pytest.raises(httpx.TransportError, match="is no host of this backend"):
                await ask(url)
            assert call.lost is None
    assert [str(each.url) for each in wire.requests] == [URL]


async def test_outside_of_a_call_nothing_is_sent(ask: Ask, confinement: Confinement, wire: Wire) -> None:
    with confinement.towards(HERE):
        pass
    with pytest.raises(httpx.TransportError, match="is no host"):
        await ask()
    assert wire.requests == []


async def test_a_redirect_is_lost_and_so_is_all_that_follows(ask: Ask, confinement: Confinement, wire: Wire) -> None:
    wire.answers = lambda request: httpx.Response(307, headers={"location": f"{URL}/again"})
    with confinement.towards(HERE) as call:
        for _ in range(2):
            with pytest.raises(httpx.TransportError, match="redirected with 307"):
                await ask(follow_redirects=True)
    assert len(wire.requests) == 1
    assert "redirected" in str(call.failure())


async def test_a_connection_that_broke_is_not_tried_again_in_the_same_call(
    ask: Ask, confinement: Confinement, wire: Wire
) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    wire.answers = broken
    for sent in (1, 2):
        with confinement.towards(HERE) as call:
            for _ in range(2):
                with pytest.raises(httpx.ConnectError):
                    await ask()
        assert isinstance(call.failure(), httpx.ConnectError)
        assert len(wire.requests) == sent


async def test_a_refusal_is_heard_again_without_being_asked_for(ask: Ask, confinement: Confinement, wire: Wire) -> None:
    wire.answers = lambda request: httpx.Response(429, text="too many", headers={"retry-after": "7"})
    with confinement.towards(HERE) as call:
        answers = [await ask() for _ in range(3)]
    assert [(each.status_code, each.text, each.headers["retry-after"]) for each in answers] == [
        (429, "too many", "7")
    ] * 3
    assert len(wire.requests) == 1
    failure = call.failure()
    assert isinstance(failure, RefusedByProvider)
    assert (failure.status_code, str(failure)) == (429, "too many")


class Endless(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Says the same again and again, in parts of 64 KiB."""

    closed = False

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield b"x" * (64 << 10)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


async def test_an_error_that_does_not_end_is_cut(ask: Ask, confinement: Confinement, wire: Wire) -> None:
    endless = Endless()
    wire.answers = lambda request: httpx.Response(500, stream=endless)
    with confinement.towards(HERE) as call:
        assert (await ask()).status_code == 500
    assert 1 << 20 < len(call.refused) <= (1 << 20) + (64 << 10)
    assert endless.closed


@pytest.mark.parametrize(
    "wish",
    [
        {"proxy": "http://proxy.example:3128"},
        {"mounts": {"all://": httpx.MockTransport(lambda request: httpx.Response(500))}},
        {"transport": httpx.MockTransport(lambda request: httpx.Response(500))},
        {"trust_env": True},
    ],
    ids=lambda wish: next(iter(wish)),
)
async def test_no_client_chooses_its_way(
    ask: Ask, confinement: Confinement, wire: Wire, wish: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    with confinement.towards(HERE):
        assert (await ask(**wish)).status_code == 200
    ((request,), (pool,)) = wire.requests, wire.pools
    assert str(request.url) == URL
    assert (pool["trust_env"], pool["proxy"]) == (False, None)


async def test_a_class_that_inherits_from_a_client_is_confined_too(confinement: Confinement, wire: Wire) -> None:
    class Theirs(httpx.Client):
        def __init__(self) -> None:
            super().__init__(base_url=URL, follow_redirects=True)

    wire.answers = lambda request: httpx.Response(302, headers={"location": "https://other.example/"})
    with confinement.towards(HERE), Theirs() as client, pytest.raises(httpx.TransportError, match="redirected"):
        client.get("/models")
    assert len(wire.requests) == 1


async def test_a_pool_outlives_its_clients_and_belongs_to_one_destination(
    ask: Ask, confinement: Confinement, wire: Wire
) -> None:
    there = Destination(HERE.hosts, proxy="http://proxy.example:3128")
    for destination in (HERE, there, HERE, there):
        with confinement.towards(destination):
            await ask()
    assert [pool["proxy"] for pool in wire.pools] == [None, there.proxy]


def test_a_call_from_which_nothing_came_says_so() -> None:
    assert isinstance(Call(HERE).failure(), LookupError)


# --- whether the provider may be at work on a call


@pytest.mark.parametrize(
    ("status", "at_work"), [(200, True), (204, True), (307, False), (400, False), (429, False), (500, False)]
)
async def test_a_provider_is_at_work_on_what_it_did_not_refuse(
    ask: Ask, confinement: Confinement, wire: Wire, status: int, at_work: bool
) -> None:
    wire.answers = lambda request: httpx.Response(status, headers={"location": URL} if status == 307 else {})
    with confinement.towards(HERE) as call:
        assert not call.at_work
        with suppress(httpx.TransportError):
            await ask()
        assert call.at_work is at_work


@pytest.mark.parametrize(
    ("error", "at_work"),
    [
        (httpx.ConnectError, False),
        (httpx.ConnectTimeout, False),
        (httpx.PoolTimeout, False),
        (httpx.ProxyError, False),
        (httpx.UnsupportedProtocol, False),
        (httpx.LocalProtocolError, False),
        (httpx.ReadTimeout, True),
        (httpx.ReadError, True),
        (httpx.WriteError, True),
        (httpx.RemoteProtocolError, True),
    ],
)
async def test_it_is_not_where_nothing_was_sent(
    ask: Ask, confinement: Confinement, wire: Wire, error: type[httpx.TransportError], at_work: bool
) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise error("broken", request=request)

    wire.answers = broken
    with confinement.towards(HERE) as call:
        for _ in range(2):
            with pytest.raises(error):
                await ask()
            assert call.at_work is at_work


async def test_it_is_not_where_the_host_is_refused(ask: Ask, confinement: Confinement) -> None:
    with confinement.towards(HERE) as call:
        with pytest.raises(httpx.TransportError):
            await ask("https://other.example/v1")
        assert not call.at_work


class Breaking(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"half": '
        raise httpx.ReadError("reset")


@pytest.mark.parametrize(("status", "at_work"), [(200, True), (500, False)])
async def test_an_answer_that_breaks_off_is_not_asked_for_again_in_the_same_call(
    confinement: Confinement, wire: Wire, status: int, at_work: bool
) -> None:
    wire.answers = lambda request: httpx.Response(status, stream=Breaking())
    with confinement.towards(HERE) as call:
        for _ in range(2):
            with pytest.raises(httpx.ReadError):
                await awaited()
        assert call.at_work is at_work
    assert len(wire.requests) == 1


async def test_what_does_not_say_all_that_was_asked_is_not_sent(confinement: Confinement, wire: Wire) -> None:
    faith = Faith((Wanted("seed", frozenset({"seed"})),))
    for client in (httpx.Client(), httpx.AsyncClient()):
        with confinement.towards(HERE, faith=faith) as call:
            for sent in ({"messages": []}, {"messages": [], "seed": 1}):  # nor anything after it
                with pytest.raises(LostError, match="seed"):
                    answer = client.post(URL, json=sent)
                    await answer if isawaitable(answer) else None
            assert not call.at_work
        with confinement.towards(HERE, faith=faith):
            answer = client.post(URL, json={"messages": [], "seed": 1})
            assert (await answer if isawaitable(answer) else answer).status_code == 200
    assert len(wire.requests) == 2


async def test_a_call_may_go_on_later(ask: Ask, confinement: Confinement) -> None:
    with confinement.towards(HERE) as call:
        pass
    with confinement.going_on(call):
        assert (await ask()).text == "fine"
    with pytest.raises(httpx.TransportError):
        await ask()
