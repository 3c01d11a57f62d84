"""A budget that fills up by real traffic: two gateways on one ledger tell each crossing once, though one is killed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.engines import Server, redis_server
from support.receiver import Receiver
from support.serving import Serving
from support.waiting import until

pytestmark = pytest.mark.timeout(400)

SECRET = "a-secret-of-these-tests"
POLICY = """
version: 1
zones: {cloud: {}}
backends:
  api: {zone: cloud, kind: openai, url: "%(api)s", serves: {chat: {model: gpt-4o-mini, price: {input: 1, output: 2}}}}
models: {chat: {backends: [api]}}
budget: {requests_per_day: 10}
secrets: {"%(secret)s": ["127.0.0.1"]}
alerts:
  targets: {ops: {kind: webhook, url: "%(hook)s", secret: "file:%(secret)s"}}
  group: 0s
"""
SHARES = [f"global: requests_per_day: {what}" for what in ("50% of the limit used", "80% of the limit used")]
REACHED = "global: requests_per_day: limit reached"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis") as made:
        yield made


@pytest.fixture
def gateways(tmp_path: Path, server: Server) -> Iterator[list[Serving]]:
    path = str(tmp_path / "policy.yaml")
    made = [Serving(tmp_path / f"data{number}", ("--policy", path, "--redis", server.url)) for number in range(2)]
    yield made
    for each in made:
        if each.process is not None:
            each.stop()


async def test_each_crossing_is_told_once_by_two_gateways_one_of_which_is_killed(
    gateways: list[Serving], tmp_path: Path, pretended: dict[str, str]
) -> None:
    receiver = await Receiver().start()
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    given = {"api": pretended["api"], "hook": receiver.url, "secret": secret}
    (tmp_path / "policy.yaml").write_text(POLICY % given)
    for each in gateways:
        await asyncio.to_thread(each.start)

    async def ask(times: int) -> None:
        for number in range(times):
            answer = await asyncio.to_thread(gateways[number % 2].ask)
            assert answer.status == 200, answer.body

    await ask(5)
    await until(lambda: receiver.told() == SHARES[:1], 60)
    receiver.answers = [500]
    await ask(3)
    for each in gateways[0].children("router.app.control_plane"):
        each.kill()
    await until(lambda: set(receiver.told()) == set(SHARES), 60)
    await ask(2)
    assert (await asyncio.to_thread(gateways[0].ask)).status == 429
    await until(lambda: REACHED in receiver.told(), 60)
    # Those that came again, after a 500, are the same by their id.
    ids = {alert["id"]: alert["title"] for alert in receiver.alerts}
    assert sorted(ids.values()) == sorted([*SHARES, REACHED])
    assert SECRET not in "".join(each.log_path.read_text() for each in gateways)
    await receiver.stop()


SERVES = "serves: {chat: {model: gpt-4o-mini, price: {input: 1, output: 2}}}"
DOWN = f'  gpu: {{zone: cloud, kind: vllm, url: "http://127.0.0.1:9/v1", {SERVES}}}'
ALONE = (
    POLICY.replace("budget: {requests_per_day: 10}\n", "")
    .replace("\nmodels: {chat: {backends: [api]}}", f"\n{DOWN}\nmodels: {{chat: {{backends: [api, gpu]}}}}")
    .replace("  group: 0s\n", "  group: 0s\n  clear: 0s\n")
    + "  backend_down: {after: 0s}\n  ledger_lost: {after: 0s}\n"
)


async def test_a_backend_that_is_down_a_refused_edit_and_a_lost_ledger_are_told_and_what_is_over(
    gateways: list[Serving], server: Server, tmp_path: Path, pretended: dict[str, str]
) -> None:
    receiver = await Receiver().start()
    secret, policy = tmp_path / "secret", tmp_path / "policy.yaml"
    secret.write_text(SECRET)
    good = ALONE % {"api": pretended["api"], "hook": receiver.url, "secret": secret}
    policy.write_text(good)
    gateway = gateways[0]
    await asyncio.to_thread(gateway.start)
    await until(lambda: "Backend gpu is down" in receiver.told(), 60)
    policy.write_text(good + "kez: sk-pasted-by-mistake\n")
    await until(lambda: any("refused" in title for title in receiver.told()), 60)
    policy.write_text(good)
    await until(lambda: any("refused" in title for title in receiver.told("resolved")), 60)
    with server.frozen():
        await until(lambda: any("ledger is lost" in title for title in receiver.told()), 60)
    await until(lambda: any("ledger is lost" in title for title in receiver.told("resolved")), 60)
    ids = [alert["id"] for alert in receiver.alerts]
    assert len(set(ids)) == len(ids) and receiver.told().count("Backend gpu is down") == 1
    assert "pasted" not in str(receiver.alerts)
    await receiver.stop()
