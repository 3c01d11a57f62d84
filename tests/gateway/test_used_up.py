"""A key that has used up its rate of requests has no large body read, not even waited for."""

from __future__ import annotations

import json

import pytest
from support.compiled import interpreted_only
from support.gateway import POLICY, parse
from support.scripted import answer
from support.streams import opened
from support.waiting import until

from router.gateway.auth import ANONYMOUS, Keyring
from router.gateway.body_reader import SHORT
from router.gateway.errors import ApiError
from router.gateway.request import Request
from router.gateway.used_up import check_again

LIMITED = POLICY + "budget: {requests_per_minute: 1}\nledger: {holds: worst_case}\n"


def ask(size: int = 0) -> bytes:
    return json.dumps({"model": "chat", "messages": [{"role": "user", "content": "x" * size}]}).encode()


def head(told: str) -> bytes:
    return f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{told}\r\n\r\n".encode()


@pytest.fixture
async def used_up(serve):
    gateway = await serve(LIMITED)
    assert (await gateway.post(json.loads(ask())))[0] == 200
    return gateway


@pytest.mark.parametrize("told", ["content-length: 100000", "transfer-encoding: chunked"])
async def test_it_is_refused_by_its_head_as_it_would_be_by_its_body(used_up, told):
    status, headers, body = await used_up.post(json.loads(ask(SHORT)))
    assert (status, headers["x-should-retry"]) == (429, "true")
    reader, writer = await opened(used_up.port)
    writer.write(head(told))
    early = parse(await reader.read())
    assert (early[0], early[2]) == (429, body)
    assert early[1]["connection"] == "close"
    for name in ("retry-after", "x-should-retry", "x-breakeven-reason", "content-type"):
        assert early[1][name] == headers[name]
    writer.close()
    records = [each for each in used_up.ledger.records if each.kind == "refused"]
    assert [each.reason for each in records] == ["rate_limit_exceeded"] * 2


async def test_what_is_short_goes_the_usual_way_and_its_connection_stays(used_up):
    await used_up.post(json.loads(ask()))
    body = ask(SHORT)
    assert len(body) < 2 * SHORT
    reader, writer = await opened(used_up.port)
    writer.write(head(f"content-length: {len(body)}") + body)
    assert b" 429 " in await reader.readline()
    writer.write(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert b"HTTP/1.1 200 " in await reader.read()
    writer.close()


async def test_in_the_next_minute_and_with_another_limit_it_is_read_again(used_up, clock, backends):
    assert (await used_up.post(json.loads(ask(SHORT))))[0] == 429
    clock.now += 60
    backends["gpu"].default = answer()
    assert (await used_up.post(json.loads(ask(SHORT))))[0] == 200


async def test_while_the_ledger_is_lost_nothing_is_known(used_up):
    assert (await used_up.post(json.loads(ask(SHORT))))[0] == 429
    used_up.ledger.available = False
    assert (await used_up.post(json.loads(ask(SHORT))))[0] == 200


async def test_what_came_meanwhile_is_not_read_when_its_turn_has_come(used_up):
    """It was not known to be used up when its head came."""
    body = ask(100_000)
    reader, writer = await opened(used_up.port)
    writer.write(head(f"content-length: {len(body)}") + body[:100])
    await until(lambda: any(each.reading_body for each in used_up.service.clients))
    assert (await used_up.post(json.loads(ask(SHORT // 2))))[0] == 429
    writer.write(body[100:])
    assert b" 429 " in await reader.readline()
    assert not used_up.service._reader._long.pid, "no process was started for it"
    writer.close()


@interpreted_only
async def test_a_key_that_ended_while_its_body_waited_has_it_not_read(gateway):
    request = Request("POST", "/v1/chat/completions", "", {}, b"", keep_alive=False, http10=False)
    request.keyring = gateway.state.keyring
    check_again(gateway.state, request, ANONYMOUS)
    gateway.state.keyring = Keyring({}, needed=True)
    with pytest.raises(ApiError) as refused:
        check_again(gateway.state, request, ANONYMOUS)
    assert refused.value.status == 401
