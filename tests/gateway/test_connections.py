"""How many connections one worker takes, in all and from one address."""

from __future__ import annotations

import json

from support.gateway import POLICY
from support.streams import opened, received
from support.waiting import until

from router.gateway.connections import SURPLUS, Connections, address_of

GET = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


def test_one_address_does_not_use_up_what_is_there_for_all():
    connections = Connections(10, 2)
    assert connections.opened("a") is None and connections.opened("a") is None
    refused = connections.opened("a")
    assert refused is not None and "from this address" in refused.message
    assert connections.opened("b") is None
    connections.closed("a")
    connections.closed("a")
    assert connections.opened("a") is None


def test_those_that_are_far_too_many_are_not_even_told():
    connections = Connections(1, 1000)
    connections.opened("a")
    for _ in range(SURPLUS):
        refused = connections.opened("a")
        assert refused is not None and "This worker" in refused.message and not connections.hopeless()
    connections.opened("a")
    assert connections.hopeless()


def test_nothing_is_remembered_of_addresses_that_left():
    connections = Connections(10, 2)
    connections.opened("a")
    connections.closed("a")
    assert not connections._by_address


def test_an_ipv6_site_counts_as_one():
    assert address_of("2001:db8::1") == address_of("2001:db8::ffff:2") != address_of("2001:db8:0:1::1")
    assert address_of("fe80::1%eth0") == address_of("fe80::2")
    assert address_of("192.0.2.1") == "192.0.2.1" and address_of("") == ""


async def test_a_connection_too_many_is_told_so_and_the_others_go_on(serve):
    gateway = await serve(POLICY + "server: {max_connections_per_address: 2}\n")
    pairs = [await opened(gateway.port) for _ in range(3)]
    for reader, writer in pairs[:2]:
        writer.write(GET)
        assert (await received(reader))[0] == 200
    reader, writer = pairs[2]
    writer.write(GET)
    status, headers, body = await received(reader)
    assert (status, json.loads(body)["error"]["code"]) == (503, "too_many_connections")
    assert headers["connection"] == "close" and headers["x-should-retry"] == "true"
    assert await reader.read() == b""
    pairs[0][1].close()
    await until(lambda: len(gateway.service.clients) <= 2)
    writer.close()
    await until(lambda: len(gateway.service.clients) == 1)
    reader, writer = await opened(gateway.port)
    writer.write(GET)
    assert (await received(reader))[0] == 200
