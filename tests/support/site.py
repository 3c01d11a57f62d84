"""Gateways that share one ledger, each with two workers, and that ledger's counters of limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from support.engines import redis_server
from support.serving import Serving
from valkey import Valkey

from router.ledger.server.embedded import running_url


@dataclass
class Site:
    gateways: list[Serving]
    client: Valkey

    @property
    def ports(self) -> list[int]:
        return [int(gateway.url.rpartition(":")[2]) for gateway in self.gateways]

    def counters(self) -> dict[str, list[int]]:
        """By what is limited (`scope|name|…|measure`): used, held, and what running requests may take beyond that."""
        places = self.client.keys("be:*:limit:*")
        pairs = [pair for place in places for pair in self.client.hgetall(place).items()]
        return {name.decode(): msgspec.msgpack.decode(value) for name, value in pairs}

    def holds(self) -> int:
        return sum(map(self.client.hlen, self.client.keys("be:*:hold:*")))


StartSite = Callable[[str, int], Site]
"""Takes a policy, and how many gateways: one has its own ledger, several share a server."""


@contextmanager
def sites(folder: Path, redis_folder: Path) -> Iterator[StartSite]:
    started: list[Serving] = []
    with redis_server(redis_folder) as server:

        def start(policy: str, gateways: int) -> Site:
            path = folder / "policy.yaml"
            path.write_text(policy)
            shared = ("--redis", server.url) if gateways > 1 else ()
            for number in range(gateways):
                started.append(Serving(folder / f"data{number}", ("--policy", str(path), "--workers", "2", *shared)))
                started[-1].start()
            return Site(started, Valkey.from_url(server.url if shared else running_url(folder / "data0")))

        yield start
        for gateway in started:
            gateway.stop()
