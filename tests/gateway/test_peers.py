"""Gateways in this process that share one real server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from support.gateway import POLICY, Clock, Gateway, start_gateway, stop_gateway
from support.scripted import answer
from support.waiting import until
from valkey import Valkey as Client

from router.config.load import load
from router.core.resilience.circuit_breaker import State
from router.core.resilience.replica_load import ReplicaLoad
from router.core.resilience.worker_status import PowerState
from router.ledger.redis_keys import SHARED_KEY
from router.ledger.server.embedded import EmbeddedServer
from router.ledger.stored_keys import open_keys
from router.ledger.stored_teams import open_teams
from router.system.wake_files import WakeFiles

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
STORED = POLICY + "server: {stored_keys: true}\nhealth: {failures_to_open: 2}\n"
APP = {"authorization": "Bearer app"}


def digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


class Valkey:
    def __init__(self, server: EmbeddedServer) -> None:
        self.url = server.start()
        self._pid = server.pid

    @contextmanager
    def frozen(self) -> Iterator[None]:
        assert self._pid is not None
        os.kill(self._pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._pid, signal.SIGCONT)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = EmbeddedServer(tmp_path / "valkey")
    yield Valkey(server)
    server.stop()


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.ledger.shared_status.POLL_SECONDS", 0.02)
    monkeypatch.setattr("router.ledger.shared_status.STATUS_SECONDS", 0.05)


@pytest.fixture
async def join(tmp_path: Path, backends, valkey: Valkey) -> AsyncIterator[Callable[..., Awaitable[Gateway]]]:
    """`await join()`: one more gateway on the server."""
    joined: list[Gateway] = []

    async def start(policy: str = STORED, **urls: str) -> Gateway:
        folder = tmp_path / f"gateway-{len(joined)}"
        folder.mkdir()
        known = {name: backend.url for name, backend in backends.items()} | urls
        joined.append(await start_gateway(folder, policy, known, Clock(), redis=valkey.url))
        return joined[-1]

    yield start
    for gateway in joined:
        await stop_gateway(gateway)


async def store(valkey: Valkey, secret: str, **entry: object) -> None:
    async with open_keys(valkey.url) as keys:
        await keys.add(digest(secret), {"name": secret, **entry})


def circuit(gateway: Gateway, backend: str = "gpu") -> State:
    return gateway.fleet.backends[backend].replicas[0].breaker.state


async def ready(gateway: Gateway) -> dict:
    """What /readyz reports."""
    _, _, body = await gateway.exchange(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    return json.loads(body)


async def asked(gateway: Gateway, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Status, and the backend or the error's code."""
    status, answered, body = await gateway.post(ASK, headers)
    return status, answered["x-breakeven-backend"] if status == 200 else json.loads(body)["error"]["code"]


# --- circuits

OPEN_TO_ALL = POLICY + "health: {failures_to_open: 2}\n"


async def test_a_backend_that_failed_for_one_worker_rests_for_all(join, backends):
    one, two = await join(OPEN_TO_ALL), await join(OPEN_TO_ALL)
    backends["gpu"].default = answer(500, b"{}")
    assert [await asked(one) for _ in range(2)] == [(200, "api")] * 2
    await until(lambda: circuit(two) is State.OPEN)
    sent = len(backends["gpu"].requests)
    assert await asked(two) == (200, "api")
    assert len(backends["gpu"].requests) == sent
    told, heard = (gateway.fleet.backends["gpu"].replicas[0].breaker for gateway in (one, two))
    assert heard.until == pytest.approx(told.until, abs=0.5)
    assert circuit(two, "api") is State.CLOSED


async def test_a_rest_that_the_provider_asked_for_is_kept_by_all(join, backends):
    one, two = await join(OPEN_TO_ALL), await join(OPEN_TO_ALL)
    await asked(two)
    backends["gpu"].script.append(answer(429, b"{}", "retry-after: 300\r\n"))
    await asked(one)
    await until(lambda: circuit(two) is State.OPEN)
    assert "as asked (HTTP 429, seen by another worker)" in two.fleet.states["gpu"].why
    assert await asked(two) == (200, "api")


async def test_the_same_name_in_another_policy_is_another_backend(join, backends):
    one = await join(OPEN_TO_ALL)
    other = await join(OPEN_TO_ALL, gpu=backends["api"].url)
    same = await join(OPEN_TO_ALL)
    backends["gpu"].default = answer(500, b"{}")
    for _ in range(2):
        await asked(one)
    await until(lambda: circuit(same) is State.OPEN)
    assert circuit(other) is State.CLOSED


async def test_after_a_reload_what_the_others_said_is_heard_again(join, backends, tmp_path):
    one, two = await join(OPEN_TO_ALL), await join(OPEN_TO_ALL)
    backends["gpu"].default = answer(500, b"{}")
    for _ in range(2):
        await asked(one)
    await until(lambda: circuit(two) is State.OPEN)
    policy = tmp_path / "gateway-1" / "policy.yaml"
    text = policy.read_text()
    policy.write_text(text.replace("failures_to_open: 2", "failures_to_open: 3"))
    two.adopt(load(policy))
    assert circuit(two) is State.CLOSED
    await until(lambda: circuit(two) is State.OPEN)


# --- policies


async def test_readyz_counts_the_workers_of_each_policy(join, caplog, monkeypatch):
    caplog.set_level("INFO")
    monkeypatch.setattr("router.gateway.peers.DIFFERENCE_SECONDS", 0.1)
    one, other = await join(OPEN_TO_ALL), await join()
    await join(OPEN_TO_ALL)
    await until(lambda: len(one.shared.statuses) == len(other.shared.statuses) == 2)
    for gateway in (one, other):
        assert (await ready(gateway))["policies"] == {one.state.plan.version: 2, other.state.plan.version: 1}
    await until(lambda: caplog.text.count("workers serve different policies") == 3)
    other.adopt(one.state.plan)
    await until(lambda: caplog.text.count("all workers serve the same policy again") == 3)
    assert caplog.text.count("workers serve different policies") == 3


async def test_readyz_mentions_an_edit_that_was_refused_until_one_is_adopted(join):
    """Where the mistake is may be nobody's business who can reach the port."""
    gateway = await join(OPEN_TO_ALL)
    assert "policy_edit" not in await ready(gateway)
    gateway.peers.reloaded(["policy.yaml:4:5: backends.gpu.zone: there is no zone", "policy.yaml:9:1: keys: no"])
    told = (await ready(gateway))["policy_edit"]
    assert re.match(r"refused at \d{4}-\d\d-\d\dT[\d:]{8}Z for 2 problems: the last good policy stays\.", told)
    assert "gpu" not in told and (await ready(gateway))["status"] == "ready"
    gateway.peers.reloaded(())
    assert "policy_edit" not in await ready(gateway)


async def test_what_a_worker_says_of_itself(join, backends):
    one, two = await join(OPEN_TO_ALL), await join(OPEN_TO_ALL)
    backends["gpu"].default = answer(500, b"{}")
    for _ in range(2):
        await asked(one)
    name = one.shared.id
    await until(lambda: name in two.shared.statuses and two.shared.statuses[name].backends[0].why)
    status = two.shared.statuses[name]
    gpu, api = status.backends
    assert (status.pid, status.policy, status.ledger_available) == (os.getpid(), one.state.plan.version, True)
    assert (gpu.name, gpu.zone, gpu.healthy, api.healthy) == ("gpu", "local", False, True)
    assert "after 2 failures (HTTP 500)" in gpu.why
    (replica,) = gpu.replicas
    assert (replica.circuit, replica.label) == ("open", backends["gpu"].url.removesuffix("/v1"))
    assert [(change.state, change.why) for change in replica.changes] == [("open", "HTTP 500")]
    assert replica.until == pytest.approx(one.shared.now() + 15, abs=10)


# --- keys


async def test_a_stored_key_works_everywhere_until_it_is_revoked(join, valkey):
    one, two = await join(), await join()
    assert await asked(one, APP) == (401, "invalid_api_key")
    await store(valkey, "app", team="search", zones=["cloud"])
    for gateway in (one, two):
        await until(lambda: gateway.peers.grants)  # noqa: B023
        assert await asked(gateway, APP) == (200, "api")
        assert {(row.cell.team, row.cell.key) for row in gateway.rows()} == {("search", "app")}
    async with open_keys(valkey.url) as keys:
        await keys.revoke("app")
    for gateway in (one, two):
        await until(lambda: not gateway.peers.grants)  # noqa: B023
        assert await asked(gateway, APP) == (401, "invalid_api_key")


async def test_a_key_made_anew_under_its_name_may_do_only_what_the_new_one_may(join, valkey):
    gateway = await join(STORED.replace("local_first", "cloud_first"))
    await store(valkey, "app")
    await until(lambda: gateway.peers.grants)
    assert [await asked(gateway, APP) for _ in range(2)] == [(200, "api")] * 2
    async with open_keys(valkey.url) as keys:
        await keys.revoke("app")
        await keys.add(digest("narrow"), {"name": "app", "zones": ["local"]})
    await until(lambda: digest("narrow") in gateway.peers.grants)
    assert [await asked(gateway, {"authorization": "Bearer narrow"}) for _ in range(2)] == [(200, "gpu")] * 2


async def test_without_any_key_nobody_gets_in(join, valkey):
    """Neither before the first one is stored nor after the last one was revoked."""
    gateway = await join()
    assert [await asked(gateway, headers) for headers in (None, APP)] == [(401, "invalid_api_key")] * 2
    await store(valkey, "app")
    async with open_keys(valkey.url) as keys:
        await keys.revoke("app")
    with Client.from_url(valkey.url) as client:
        version = int(client.hget(SHARED_KEY, "keys"))
    await until(lambda: gateway.shared.keys_version == version)
    assert not gateway.peers.grants
    assert [await asked(gateway, headers) for headers in (None, APP)] == [(401, "invalid_api_key")] * 2
    assert (await ready(gateway))["stored_keys"] == "read"


async def test_a_policy_that_does_not_say_so_takes_no_stored_keys(join, valkey):
    await store(valkey, "app")
    gateway = await join(POLICY + f"keys: [{{name: own, sha256: {digest('own')}}}]\n")
    assert await asked(gateway, APP) == (401, "invalid_api_key")
    assert await asked(gateway, {"authorization": "Bearer own"}) == (200, "gpu")


async def test_the_policys_key_counts_where_both_have_the_name(join, valkey, caplog):
    await store(valkey, "app")
    gateway = await join(STORED + f"keys: [{{name: app, sha256: {digest('own')}}}]\n")
    assert await asked(gateway, APP) == (401, "invalid_api_key")
    assert await asked(gateway, {"authorization": "Bearer own"}) == (200, "gpu")
    (record,) = [record for record in caplog.records if "stored keys do not fit" in record.message]
    assert "'app' is refused: the policy has a key of this name" in record.problems[0]


async def test_while_the_server_is_lost_known_keys_work_and_unknown_ones_may_be_good(join, valkey, monkeypatch):
    monkeypatch.setattr("router.ledger.shared_status.FRESH_SECONDS", 0.1)
    await store(valkey, "app")
    gateway = await join()
    with valkey.frozen():
        await until(lambda: gateway.shared.keys_unread)
        assert await asked(gateway, APP) == (200, "gpu")
        status, headers, body = await gateway.post(ASK, {"authorization": "Bearer other"})
        assert (status, json.loads(body)["error"]["code"]) == (503, "keys_unavailable")
        assert (headers["retry-after"], headers["x-should-retry"]) == ("2", "true")
        assert await asked(gateway) == (401, "invalid_api_key")
    monkeypatch.setattr("router.ledger.shared_status.FRESH_SECONDS", 60.0)
    await until(lambda: gateway.shared.available)
    assert await asked(gateway, {"authorization": "Bearer other"}) == (401, "invalid_api_key")


async def test_an_edited_policy_judges_stored_keys_anew(join, valkey, tmp_path, caplog):
    await store(valkey, "app", sensitivity="restricted")
    gateway = await join()
    assert await asked(gateway, APP) == (200, "gpu")
    policy = tmp_path / "gateway-0" / "policy.yaml"
    text = policy.read_text()
    start = text.index("sensitivity:")
    policy.write_text(text[:start] + text[text.index("cost: {strategy") :])
    gateway.adopt(load(policy))
    assert await asked(gateway, APP) == (401, "invalid_api_key")
    assert "stored keys do not fit the policy" in caplog.text


# --- power

POWER = "power: {driver: command, start: {run: [start]}, stop: {run: [stop]}, look: {run: [look]}},"
POWERED = POLICY.replace("cost: {usd_per_hour: 1.0},", f"cost: {{usd_per_hour: 1.0}}, {POWER}")
RESTRICTED = {"model": "chat", "messages": [{"role": "user", "content": "card 4111 1111 1111 1111"}]}


async def test_what_the_controller_says_is_followed_and_what_waits_is_asked_for(join, valkey):
    gateway = await join(POWERED)
    with Client.from_url(valkey.url) as client:

        def say(phase: str) -> None:
            now, why = gateway.shared.now(), f"It is {phase}."
            state = PowerState(at=now, phase=phase, serves=phase == "on", why=why)
            client.hset(SHARED_KEY, "power|gpu", msgspec.msgpack.encode(state))

        say("off")
        await until(lambda: gateway.fleet.states["gpu"].off)
        assert await asked(gateway) == (200, "api")
        assert not client.hexists(SHARED_KEY, "wake|gpu")
        waiting = asyncio.create_task(gateway.post(RESTRICTED))
        await until(lambda: client.hexists(SHARED_KEY, "wake|gpu"))
        first = float(client.hget(SHARED_KEY, "wake|gpu"))
        await until(lambda: float(client.hget(SHARED_KEY, "wake|gpu")) > first)
        await until(lambda: gateway.shared.statuses == {} and gateway.service.wanted)
        say("on")
        assert (await waiting)[0] == 200
    assert not gateway.service.wanted


async def test_while_the_ledger_is_lost_what_waits_is_asked_for_beside_it_and_probes_decide(join, valkey, tmp_path):
    gateway = await join(POWERED.replace("kind: openai, url: %(gpu)s", "kind: vllm, url: %(gpu)s"))
    files = WakeFiles(tmp_path / "gateway-0" / "wakes")
    with valkey.frozen():
        await until(lambda: not gateway.shared.available)
        assert files.take() == frozenset()
        waiting = asyncio.create_task(gateway.post(RESTRICTED))
        await until(files.take)
        assert files.take() == {"gpu"} and not waiting.done()
        gateway.fleet.backends["gpu"].replicas[0].probed(ReplicaLoad())
        assert (await waiting)[0] == 200


# --- teams


async def test_a_budget_of_a_stored_team_limits_its_keys_and_the_policy_has_the_last_word(join, valkey, tmp_path):
    gateway = await join()
    await store(valkey, "app", team="search")
    await until(lambda: gateway.peers.grants)

    def limits() -> list[str]:
        (grant,) = gateway.peers.grants.values()
        counters = gateway.state.serving.holding.counter_sets.of(grant, "chat", 0.0)
        return [counter.limit.name for counter in counters.all]

    def edit(policy: str) -> None:
        path = tmp_path / "edited.yaml"
        path.write_text(policy % dict.fromkeys(("gpu", "api"), "http://127.0.0.1:9/v1"))
        gateway.adopt(load(path))

    assert limits() == []
    async with open_teams(valkey.url) as teams:
        await teams.put("search", "none", {"requests_per_day": 1})
        await until(limits)
        assert limits() == ["team search: requests_per_day"]
        edit(STORED + "teams: {search: {}}\n")
        assert limits() == []
        edit(STORED + "teams: {search: {budget: {usd_per_day: 3}}}\n")
        assert limits() == ["team search: usd_per_day"]
        edit(STORED)
        assert limits() == ["team search: requests_per_day"]
        (team,) = await teams.all()
        await teams.remove("search", team.version)
    await until(lambda: not limits())


async def test_a_stored_team_that_does_not_fit_the_policy_is_said_once(join, valkey, caplog):
    gateway = await join(STORED + "teams: {search: {}}\n")
    async with open_teams(valkey.url) as teams:
        await teams.put("search", "none", {"requests_per_day": 1})
        await teams.put("odd", "none", {"wishes_per_day": 1})

    def said() -> list[tuple[str, ...]]:
        return [each.problems for each in caplog.records if each.msg == "stored teams do not fit the policy"]

    await until(lambda: said() and len(said()[-1]) == 2)
    before = len(said())
    gateway.adopt(gateway.state.plan)
    assert "does not count: the policy names this team" in " ".join(said()[-1]) and len(said()) == before
