"""Against a fake API server that speaks the scale over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import TypeAdapter
from support.fake_cluster import FakeCluster

from router.core.backend_kinds import Backend
from router.power.drivers import kubernetes
from router.power.drivers.cluster_access import ClusterAccess
from router.power.drivers.driver import DriverError, Seen
from router.power.drivers.kubernetes import KubernetesDriver


@pytest_asyncio.fixture
async def cluster() -> AsyncIterator[FakeCluster]:
    async with FakeCluster().served() as cluster:
        yield cluster


class Pods:
    """What stands behind a Service's address."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/health":
            return web.Response(status=self.status)
        return web.json_response({"data": [{"id": "m"}]})


@pytest_asyncio.fixture
async def pods() -> AsyncIterator[Pods]:
    pods = Pods()
    app = web.Application()
    app.router.add_get("/health", pods.answer)
    app.router.add_get("/v1/models", pods.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    pods.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield pods
    await runner.cleanup()


def driver(
    cluster: FakeCluster, token: Path | str, urls: tuple[str, ...] = ("http://127.0.0.1:9/v1",), **fields: Any
) -> KubernetesDriver:
    power = {"driver": "kubernetes", "name": "vllm", "units": 4, "timeout": "5s"} | fields
    vllm = {"zone": "local", "kind": "vllm", "urls": list(urls), "serves": {"chat": "m"}, "power": power}
    backend = TypeAdapter(Backend).validate_python(vllm)
    assert backend.power is not None and backend.power.driver == "kubernetes"

    def access() -> ClusterAccess:
        if isinstance(token, Path):
            return ClusterAccess(cluster.url, "inference", None, token_file=str(token))
        return ClusterAccess(cluster.url, "inference", None, token=token)

    return KubernetesDriver(backend, backend.power, access)


async def test_replicas_are_raised_and_lowered(cluster: FakeCluster) -> None:
    units = driver(cluster, "token-1")
    assert await units.look() == Seen(0, 0, "")
    await units.start(2)
    assert (await units.look()).units == 2, "those that are on their way count"
    cluster.ready = 2
    await units.start(1)
    assert cluster.replicas == 2
    await units.stop(3)
    assert cluster.replicas == 2
    await units.stop(0)
    assert cluster.replicas == 0 and (await units.look()).units == 2, "those that are not yet gone count"
    cluster.ready = 0
    assert await units.look() == Seen(0, 0, "")
    assert cluster.requests.count("PATCH") == 2
    await units.close()


async def test_what_answers_is_ready(cluster: FakeCluster, pods: Pods) -> None:
    units = driver(cluster, "token-1", (pods.url,))
    cluster.replicas, cluster.ready = 3, 1
    assert await units.look() == Seen(3, 1, "")
    cluster.ready = 3
    assert await units.look() == Seen(3, 3, "")
    pods.status = 503
    assert await units.look() == Seen(3, 0, "/health answered 503")
    await units.close()
    pods.status = 200
    of_each = driver(cluster, "token-1", (pods.url, "http://127.0.0.1:9/v1"))
    seen = await of_each.look()
    assert (seen.units, seen.ready) == (3, 1) and seen.why.startswith("it does not answer yet")
    await of_each.close()


async def test_a_token_that_was_replaced_is_read_again(cluster: FakeCluster, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("token-1\n")
    units = driver(cluster, token)
    assert (await units.look()).units == 0
    cluster.tokens = {"token-2"}
    seen = await units.look()
    assert seen.units is None and "answered 401" in seen.why and "token-1" not in seen.why
    token.write_text("token-2")
    await units.start(1)
    assert cluster.replicas == 1
    token.unlink()
    assert "the token cannot be read" in (await units.look()).why
    await units.close()


async def test_a_change_of_another_is_seen_before_ours(cluster: FakeCluster) -> None:
    units = driver(cluster, "token-1")
    cluster.faults = [None, cluster.refusal(409, "the object has been modified")]
    await units.start(1)
    assert cluster.replicas == 1 and cluster.requests == ["GET", "PATCH", "GET", "PATCH"]
    cluster.faults = [None, "race"]
    await units.start(2)
    assert cluster.replicas == 2
    cluster.faults = [each for _ in range(kubernetes.TRIES) for each in (None, cluster.refusal(409, "modified"))]
    with pytest.raises(DriverError, match="answered 409 for Deployment vllm: modified"):
        await units.stop(0)
    assert cluster.replicas == 2
    await units.close()


async def test_patience_that_is_asked_for_is_had(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    units = driver(cluster, "token-1")
    monkeypatch.setattr(kubernetes.asyncio, "sleep", rest)
    busy = cluster.refusal(429, "too many requests", **{"Retry-After": "3"})
    later = cluster.refusal(429, "too many requests", **{"Retry-After": "3600"})
    cluster.faults = [busy, None, later, None, cluster.refusal(503, "restarting")]
    await units.start(1)
    assert cluster.replicas == 1 and rests == [3.0, 10.0, 0.4]
    cluster.faults = [cluster.refusal(429, "too many requests") for _ in range(kubernetes.TRIES)]
    assert "answered 429" in (await units.look()).why
    assert not cluster.faults
    await units.close()


async def test_what_may_not_be_done_is_told_with_what_is_missing(cluster: FakeCluster) -> None:
    units = driver(cluster, "token-1")
    cluster.faults = [None, cluster.refusal(403, 'User "x" cannot patch resource "deployments/scale"')]
    with pytest.raises(DriverError) as failed:
        await units.start(1)
    assert str(failed.value) == (
        'the cluster answered 403 for Deployment vllm: User "x" cannot patch resource "deployments/scale"; '
        "it needs patch of deployments/scale"
    )
    assert cluster.replicas == 0
    await units.close()
    other = driver(cluster, "token-1", name="vlm", workload="StatefulSet", namespace="prod")
    seen = await other.look()
    assert seen.units is None and 'statefulsets.apps "vlm" not found; is there a StatefulSet vlm in' in seen.why
    await other.close()


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("hang", "no answer within 0.2 s"),
        ("cut", "the connection was lost"),
        ("html", "something that is no scale"),
        ("redirect", "answered 302"),
        ("broken", "answered 500"),
    ],
)
async def test_what_cannot_be_told_is_unknown(cluster: FakeCluster, fault: str, why: str) -> None:
    units = driver(cluster, "token-1", timeout="200ms")
    cluster.faults = [fault, fault]  # what asks may try once more by itself when its connection is lost
    seen = await units.look()
    assert (seen.units, seen.ready) == (None, 0) and why in seen.why
    cluster.faults = [fault, fault]
    with pytest.raises(DriverError, match=why):
        await units.start(1)
    assert cluster.replicas == 0
    await units.close()


async def test_a_cluster_that_is_not_there(cluster: FakeCluster) -> None:
    cluster.url = "http://127.0.0.1:9"
    units = driver(cluster, "token-1")
    assert "does not answer: no connection" in (await units.look()).why
    await units.close()
