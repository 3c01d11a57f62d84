"""Two gateways on one Redis server of the organisation's own: they count together, and tell each other things."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.serving import Serving, clean_environment, eventually

from router.config.load import load
from router.core.resilience.worker_status import BackendStatus, WorkerStatus
from router.ledger.shared_status import statuses_at


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a redis-server on a unix socket."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    folder = tmp_path_factory.mktemp("redis")
    path = folder / "s"
    command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--dir", str(folder), "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    eventually(path.exists)
    yield f"unix://{path}"
    process.terminate()
    process.wait(10)


def test_gateways_on_one_server_count_together(redis: str, policy: Path, tmp_path: Path) -> None:
    arguments = ("--policy", str(policy), "--redis", redis)
    gateways = [Serving(tmp_path / name, arguments, {}).start() for name in ("one", "two")]
    try:
        tokens = sum(gateway.ask().json["usage"]["total_tokens"] for gateway in gateways)
        assert all(gateway.valkey() is None for gateway in gateways)
        assert gateways[0].ready()["ledger"] == "available"
    finally:
        for gateway in gateways:
            gateway.stop()
    command = [sys.executable, "-m", "router", "usage", "--json"]
    environment = clean_environment({"BREAKEVEN_REDIS": redis, "PATH": os.environ["PATH"]})
    told = json.loads(subprocess.run(command, capture_output=True, env=environment, check=True).stdout)
    assert told["total"]["requests"] == 2
    assert told["total"]["input"] + told["total"]["output"] == tokens


@contextmanager
def two_gateways(redis: str, policy: Path, folder: Path) -> Iterator[list[Serving]]:
    """Two workers each; every gateway has a copy of the policy, `one.yaml` and `two.yaml`."""
    gateways = []
    for name in ("one", "two"):
        copy = folder / f"{name}.yaml"
        copy.write_text(policy.read_text())
        arguments = ("--policy", str(copy), "--redis", redis, "--workers", "2")
        gateways.append(Serving(folder / name, arguments, {}))
    try:
        for gateway in gateways:
            gateway.start()
        yield gateways
    finally:
        for gateway in gateways:
            if gateway.process is not None:
                gateway.stop()


def workers(redis: str) -> list[WorkerStatus]:
    """What every worker of every gateway says of itself."""
    return asyncio.run(statuses_at(redis))


def backend(worker: WorkerStatus, name: str) -> BackendStatus:
    return next(each for each in worker.backends if each.name == name)


def resting(redis: str, name: str) -> list[WorkerStatus]:
    """The workers that send nothing to this backend."""
    return [worker for worker in workers(redis) if not backend(worker, name).healthy]


def test_a_backend_that_failed_for_one_worker_rests_for_all_of_both(redis, policy, pretended, tmp_path):
    gone = 'kind: openai, url: "http://127.0.0.1:1/v1"'
    text = policy.read_text().replace(f'kind: vllm, url: "{pretended["gpu"]}"', gone)
    policy.write_text(text.replace("probe_interval: 100ms", "failures_to_open: 2, cooldown: 10m"))
    with two_gateways(redis, policy, tmp_path) as (one, _):
        eventually(lambda: len(workers(redis)) == 4)
        assert resting(redis, "gpu") == []
        eventually(lambda: one.ask().backend == "api" and resting(redis, "gpu"))
        eventually(lambda: len(resting(redis, "gpu")) == 4)
        replicas = [backend(worker, "gpu").replicas[0] for worker in resting(redis, "gpu")]
        assert max(each.until for each in replicas) - min(each.until for each in replicas) < 60
        assert sum("seen by another worker" in each.why for each in replicas) >= 2  # no request went to the other one
        assert resting(redis, "api") == []


def test_a_stored_key_works_on_every_worker_until_it_is_revoked(redis, policy, tmp_path):
    policy.write_text(policy.read_text() + "server: {stored_keys: true}\n")

    def key(*arguments: str) -> str:
        command = [sys.executable, "-m", "router", "key", *arguments, "--redis", redis]
        return subprocess.run(command, capture_output=True, text=True, env=clean_environment(), check=True).stdout

    def all_have_read() -> bool:
        """Whether no worker has yet to read the last change, which `before` came before."""
        versions = {worker.keys for worker in workers(redis)}
        return len(versions) == 1 and versions != before

    with two_gateways(redis, policy, tmp_path) as gateways:
        eventually(lambda: len(workers(redis)) == 4)
        before = {worker.keys for worker in workers(redis)}
        assert [gateway.ask().status for gateway in gateways] == [401, 401]
        (secret,) = re.findall(r"bk-[\w-]{43}", key("new", "app", "--store"))
        headers = {"authorization": f"Bearer {secret}"}
        eventually(all_have_read)
        assert {gateway.ask(headers).status for gateway in gateways for _ in range(8)} == {200}
        before = {worker.keys for worker in workers(redis)}
        key("revoke", "app")
        eventually(all_have_read)
        assert {gateway.ask(headers).status for gateway in gateways for _ in range(8)} == {401}


def test_every_gateway_knows_which_policies_are_served(redis, policy, tmp_path):
    with two_gateways(redis, policy, tmp_path) as (one, two):
        old = load(policy).version
        eventually(lambda: one.ready()["policies"] == two.ready()["policies"] == {old: 4})
        edited = policy.read_text().replace("local_first", "cloud_first")
        (tmp_path / "two.yaml").write_text(edited)
        new = load(tmp_path / "two.yaml").version
        eventually(lambda: one.ready()["policies"] == two.ready()["policies"] == {old: 2, new: 2})
        (tmp_path / "one.yaml").write_text(edited)
        eventually(lambda: one.ready()["policies"] == two.ready()["policies"] == {new: 4})
        assert all(worker.reload is not None and not worker.reload.problems for worker in workers(redis))
