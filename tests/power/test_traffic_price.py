"""Of two models that share a GPU, the dear one makes most of the traffic here, and so the price."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from router.core.values import Cell, Row
from router.ledger.redis_keys import SHARED_KEY
from router.ledger.shared_status import read_price
from router.power.traffic_price import TrafficPrice
from tests.power.test_demand import count


@pytest.fixture
async def told(server):
    """Tells, and gives what workers read."""
    keeper = TrafficPrice(server.url)

    async def tell() -> float:
        await keeper.tell()
        return read_price(server.client.hgetall(SHARED_KEY))[1]

    yield tell
    keeper._link.close()


async def test_it_is_the_mean_of_what_each_request_could_have_cost(server, told):
    hour = int(server.client.time()[0] // 3600)
    dear = Row(Cell("gpu", "local", "dear", "team", "key"), eligible_tokens=900_000, cloud_value=9_000_000_000)
    cheap = Row(Cell("api", "cloud", "cheap", "team", "key"), eligible_tokens=100_000, cloud_value=60_000_000)
    count(server, hour, dear)
    count(server, hour - 1, cheap)
    count(server, hour - 24, replace(dear, eligible_tokens=10**9))
    assert await told() == pytest.approx(9.06)


async def test_nothing_is_told_while_there_is_too_little_to_tell(server, told):
    server.client.hset(SHARED_KEY, "price", msgspec.msgpack.encode((0.0, 5.0)))
    assert await told() == 0.0
    assert not server.client.hexists(SHARED_KEY, "price")
