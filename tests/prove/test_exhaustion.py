"""A worker that may write no more, or open nothing more: own backends serve on, it is said, and nothing is lost."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest
from prove.books import read
from prove.load import KEY
from prove.provider import INPUT, Provider
from support.servers import RedisServer
from support.serving import Serving, connected, eventually, request
from valkey import Valkey

from router.core.money import NANO_PER_MICRO
from router.ledger.journal.segments import SEGMENT_SUFFIX

POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: openai, url: "%(own)s", serves: {own: m}, cost: {usd_per_hour: 1.0}}
  api: {zone: cloud, kind: openai, url: "%(cloud)s", serves: {cloud: {model: m, price: {input: 1, output: 2}}}}
models: {cloud: {backends: [api]}, own: {backends: [gpu]}}
keys: [{name: app, sha256: "%(key)s", budget: {usd_per_day: 1000}}]
"""
UNLIMITED = resource.RLIM_INFINITY


@dataclass
class Stage:
    serving: Serving
    own: Provider
    cloud: Provider
    server: RedisServer
    connection: HTTPConnection
    asked: int = 0

    @property
    def worker(self) -> int:
        return self.serving.workers()[0].pid

    def ask(self, model: str, times: int = 1) -> list[int]:
        """Statuses, all on one connection."""
        return [self._ask(model) for _ in range(times)]

    def _ask(self, model: str) -> int:
        self.asked += 1
        body = {"model": model, "messages": [], "max_tokens": 2 * self.asked + 1}
        return request(self.connection, "POST", "/v1/chat/completions", body, {"authorization": f"Bearer {KEY}"}).status

    def journal(self) -> int:
        """Bytes of the longest file that is appended to."""
        files = (self.serving.data_dir / "journal").rglob(f"*{SEGMENT_SUFFIX}")
        return max((file.stat().st_size for file in files if file.is_file()), default=0)

    def equals_the_bill(self) -> bool:
        """Each request once, with what it cost."""
        with Valkey.from_url(self.server.url) as client:
            ledger = read(client)
        counted = {marker: [each.cost for each in account.settled] for marker, account in ledger.accounts.items()}
        bills = {
            marker: [NANO_PER_MICRO * (INPUT + 2 * each.output) for each in bills]
            for marker, bills in self.cloud.billed.items()
        }
        bills |= {marker: [0 for _ in bills] for marker, bills in self.own.billed.items()}
        return counted == bills and ledger.sums == ledger.totals


@pytest.fixture
async def stage(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    own, cloud = Provider(), Provider()
    for provider in (own, cloud):
        await provider.start()
    server = RedisServer(tmp_path_factory.mktemp("redis"), "always")
    key = hashlib.sha256(KEY.encode()).hexdigest()
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY % {"own": own.url, "cloud": cloud.url, "key": key})
    serving = Serving(tmp_path / "data", ("--policy", str(policy), "--redis", server.url))
    await asyncio.to_thread(serving.start)
    with connected(serving.url) as connection:
        yield Stage(serving, own, cloud, server, connection)
    await asyncio.to_thread(serving.stop)
    server.kill()
    for provider in (own, cloud):
        await provider.stop()


async def test_a_full_disk_keeps_it_in_memory_until_the_server_has_it(stage: Stage) -> None:
    await asyncio.to_thread(_fill_the_disk, stage)


def _fill_the_disk(stage: Stage) -> None:
    while stage.journal() < stage.serving.log_path.stat().st_size + 16_384:
        assert stage.ask("own", 20) == [200] * 20
    # Whatever is longer already cannot become longer: the journal, not the log.
    resource.prlimit(stage.worker, resource.RLIMIT_FSIZE, (stage.journal(), UNLIMITED))
    stage.server.kill()
    eventually(lambda: stage.serving.ready()["ledger"] == "lost")
    assert stage.ask("own", 50) == [200] * 50
    assert stage.ask("cloud") == [503]
    eventually(lambda: stage.serving.log("kept in memory only"))
    resource.prlimit(stage.worker, resource.RLIMIT_FSIZE, (UNLIMITED, UNLIMITED))
    stage.server.start()
    eventually(lambda: stage.serving.ready()["ledger"] == "available")
    assert stage.ask("cloud", 5) == [200] * 5
    eventually(stage.equals_the_bill)


async def test_without_file_descriptors_what_is_connected_goes_on(stage: Stage) -> None:
    await asyncio.to_thread(_use_up_descriptors, stage)


def _use_up_descriptors(stage: Stage) -> None:
    assert stage.ask("own") + stage.ask("cloud") == [200, 200]
    stage.server.kill()
    eventually(lambda: stage.serving.ready()["ledger"] == "lost")
    soft, hard = resource.prlimit(stage.worker, resource.RLIMIT_NOFILE)
    resource.prlimit(stage.worker, resource.RLIMIT_NOFILE, (_lowest_free(stage.worker), hard))
    stage.server.start()
    eventually(lambda: stage.serving.log("Too many open files"))
    assert stage.ask("own", 20) == [200] * 20
    assert stage.ask("cloud") == [503]
    resource.prlimit(stage.worker, resource.RLIMIT_NOFILE, (soft, hard))
    eventually(lambda: stage.serving.ready()["ledger"] == "available")
    assert stage.ask("cloud") == [200]
    eventually(stage.equals_the_bill)


def _lowest_free(pid: int) -> int:
    """The lowest that was free at some moment: attempts to connect have one in between."""
    lowest = []
    for _ in range(50):
        used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
        lowest.append(next(fd for fd in range(len(used) + 1) if fd not in used))
        time.sleep(0.002)
    return min(lowest)
