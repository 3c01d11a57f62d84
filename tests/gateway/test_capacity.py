"""Full means full: what may leave spills to the cloud, what may not waits, and then is told to come back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from support.compiled import interpreted_only
from support.gateway import POLICY, Gateway
from support.scripted import Behaviour, ScriptedBackend, answer, completion
from support.waiting import until

from router.config.load import load
from router.core.resilience.circuit_breaker import Event
from router.core.resilience.retry import retry_budget
from router.upstream.pool import Pool
from router.upstream.probes import Probes

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
RESTRICTED = {"model": "chat", "messages": [{"role": "user", "content": "card 4111 1111 1111 1111"}]}

CAPACITY = "capacity: {max_running: 1, queue: 1, queue_timeout: 200ms},"
ONE_AT_A_TIME = POLICY.replace("cost: {usd_per_hour: 1.0},", f"cost: {{usd_per_hour: 1.0}}, {CAPACITY}")
PROBED = POLICY.replace("gpu: {zone: local, kind: openai", "gpu: {zone: local, kind: vllm").replace(
    "cost: {usd_per_hour: 1.0},", "cost: {usd_per_hour: 1.0}, capacity: {max_waiting: 2, queue_timeout: 100ms},"
)


class Gate:
    """An answer that waits until it is let go."""

    def __init__(self, then: Behaviour | None = None) -> None:
        self.opened = asyncio.Event()
        self._then = then or answer()

    @property
    def behaviour(self) -> Behaviour:
        async def behave(reader: Any, writer: Any, request: dict[str, Any]) -> None:
            await self.opened.wait()
            await self._then(reader, writer, request)

        return behave


async def busy(gateway: Gateway, backend: ScriptedBackend) -> tuple[Gate, asyncio.Task[Any]]:
    """One request that occupies the backend."""
    gate = Gate()
    backend.script.append(gate.behaviour)
    running = asyncio.create_task(gateway.post(RESTRICTED))
    await backend.asked.wait()
    return gate, running


async def test_what_may_leave_spills_over(serve, backends):
    gateway = await serve(ONE_AT_A_TIME)
    gate, running = await busy(gateway, backends["gpu"])
    status, headers, _ = await gateway.post(ASK)
    assert (status, headers["x-breakeven-backend"], headers["x-breakeven-reason"]) == (200, "api", "spill")
    gate.opened.set()
    assert (await running)[0] == 200


async def test_what_may_not_leave_waits_for_its_turn(serve, backends):
    gateway = await serve(ONE_AT_A_TIME.replace("200ms", "5s"))
    gate, running = await busy(gateway, backends["gpu"])
    waiting = asyncio.create_task(gateway.post(RESTRICTED))
    await until(lambda: gateway.service.waiting)
    assert len(backends["gpu"].requests) == 1
    gate.opened.set()
    for status, headers, body in await asyncio.gather(running, waiting):
        assert (status, headers["x-breakeven-backend"], body) == (200, "gpu", completion())
    assert not backends["api"].received


async def test_waiting_ends_with_503_and_a_time_to_come_back(serve, backends):
    gateway = await serve(ONE_AT_A_TIME)
    gate, running = await busy(gateway, backends["gpu"])
    status, headers, body = await gateway.post(RESTRICTED)
    assert (status, json.loads(body)["error"]["code"]) == (503, "backends_full")
    assert 1 <= int(headers["retry-after"]) <= 60
    gate.opened.set()
    await running
    assert not backends["api"].received and not gateway.ledger.holds


async def test_the_queue_is_bounded(serve, backends):
    gateway = await serve(ONE_AT_A_TIME.replace("200ms", "5s"))
    gate, running = await busy(gateway, backends["gpu"])
    waiting = asyncio.create_task(gateway.post(RESTRICTED))
    await until(lambda: gateway.service.waiting)
    status, _, body = await gateway.post(RESTRICTED)
    assert (status, json.loads(body)["error"]["code"]) == (503, "backends_full")
    gate.opened.set()
    assert [each[0] for each in await asyncio.gather(running, waiting)] == [200, 200]


async def test_a_client_that_stops_waiting_gives_up_its_place(serve, backends):
    gateway = await serve(ONE_AT_A_TIME.replace("200ms", "5s"))
    gate, running = await busy(gateway, backends["gpu"])
    body = json.dumps(RESTRICTED).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    await until(lambda: gateway.service.waiting)
    writer.transport.abort()
    await until(lambda: not gateway.service.waiting)
    gate.opened.set()
    await running
    assert len(backends["gpu"].requests) == 1


def vllm(waiting: int = 0, kv_cache: float = 0.1, context: int = 4096, health: int = 200) -> Behaviour:
    """A vLLM's probes and answers, by path."""

    async def behave(reader: Any, writer: Any, request: dict[str, Any]) -> None:
        path = request["path"]
        if path == "/health":
            await answer(health, b"")(reader, writer, request)
        elif path == "/metrics":
            metrics = f'vllm:num_requests_waiting{{engine="0"}} {waiting}\nvllm:kv_cache_usage_perc{{}} {kv_cache}\n'
            await answer(200, metrics.encode())(reader, writer, request)
        elif path == "/v1/models":
            listed = {"data": [{"id": "tiny-llama", "max_model_len": context}]}
            await answer(200, json.dumps(listed).encode())(reader, writer, request)
        else:
            await answer()(reader, writer, request)

    return behave


@pytest.fixture
async def probed(serve, backends):
    """A gateway that probes; `await probed(behaviour)` returns once the first probe's result is in."""
    probes = Probes()

    async def start(behaviour: Behaviour) -> Gateway:
        backends["gpu"].default = behaviour
        gateway = await serve(PROBED)
        before = gateway.fleet.states
        probes.apply(gateway.fleet.backends.values())
        await until(lambda: gateway.fleet.states is not before)
        return gateway

    yield start
    await probes.close()


@pytest.mark.parametrize("load", [{"waiting": 2}, {"kv_cache": 0.99}], ids=["a long queue", "a full KV cache"])
async def test_a_full_vllm_is_spilled_from_and_waited_for(probed, load):
    gateway = await probed(vllm(**load))
    _, headers, _ = await gateway.post(ASK)
    assert (headers["x-breakeven-backend"], headers["x-breakeven-reason"]) == ("api", "spill")
    status, _, body = await gateway.post(RESTRICTED)
    assert (status, json.loads(body)["error"]["code"]) == (503, "backends_full")


async def test_a_vllm_with_room_is_used(probed):
    gateway = await probed(vllm(waiting=1))
    _, headers, _ = await gateway.post(ASK)
    assert headers["x-breakeven-backend"] == "gpu"


async def test_a_sick_vllm_is_left_alone_before_anybody_notices(probed, backends):
    gateway = await probed(vllm(health=503))
    _, headers, _ = await gateway.post(ASK)
    assert (headers["x-breakeven-backend"], headers["x-breakeven-reason"]) == ("api", "unhealthy")
    assert all(request["path"] != "/v1/chat/completions" for request in backends["gpu"].requests)


async def test_the_context_that_vllm_reports_counts(probed):
    gateway = await probed(vllm(context=100))
    _, headers, _ = await gateway.post(ASK | {"max_tokens": 5000})
    assert (headers["x-breakeven-backend"], headers["x-breakeven-reason"]) == ("api", "only-candidate")


async def test_a_limit_that_vllm_would_shorten_is_not_refused(probed):
    """Its context holds the prompt, and the answer ends where that does."""
    gateway = await probed(vllm(context=4096))
    status, headers, _ = await gateway.post(RESTRICTED | {"max_tokens": 4096, "n": 2})
    assert (status, headers["x-breakeven-backend"]) == (200, "gpu")
    status, _, body = await gateway.post(RESTRICTED | {"max_tokens": 4097})
    assert (status, json.loads(body)["error"]["code"]) == (400, "context_length_exceeded")


async def test_the_least_loaded_replica_is_used(serve, backends):
    both = POLICY.replace("url: %(gpu)s", "urls: [%(gpu)s, %(api)s]").replace("backends: [gpu, api]", "backends: [gpu]")
    both = both.replace(
        "api: {zone: cloud, kind: openai, url: %(api)s", "api: {zone: cloud, kind: openai, url: http://127.0.0.1:1/v1"
    )
    gateway = await serve(both)
    gate, running = await busy(gateway, backends["gpu"])
    await gateway.post(ASK)
    await gateway.post(ASK)
    assert (len(backends["gpu"].requests), len(backends["api"].requests)) == (1, 2)
    gate.opened.set()
    await running


class Crowd:
    """An answer that counts how many are under way at a time, each for two turns of the loop at least."""

    def __init__(self) -> None:
        self.now = self.most = 0

    @property
    def behaviour(self) -> Behaviour:
        async def behave(reader: Any, writer: Any, request: dict[str, Any]) -> None:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.005)
            self.now -= 1
            await answer()(reader, writer, request)

        return behave


@pytest.mark.parametrize("most", [1, 3])
async def test_never_more_than_max_running_run_however_many_come_at_once(serve, backends, most):
    limits = f"capacity: {{max_running: {most}, queue: 64, queue_timeout: 9s}},"
    gateway = await serve(ONE_AT_A_TIME.replace(CAPACITY, limits))
    crowd = Crowd()
    backends["gpu"].default = crowd.behaviour
    answers = await asyncio.gather(*[gateway.post(RESTRICTED) for _ in range(24)])
    assert [status for status, _, _ in answers] == [200] * 24
    assert crowd.most == most and len(backends["gpu"].requests) == 24
    assert sum(replica.inflight for replica in gateway.fleet.backends["gpu"].replicas) == 0


async def test_the_bound_is_of_each_replica_and_holds_for_failover_too(serve, backends):
    """One replica fails all; the other takes what it may, and what it may not is told to come back."""
    both = ONE_AT_A_TIME.replace("url: %(gpu)s", "urls: [%(gpu)s, %(api)s]").replace(
        "api: {zone: cloud, kind: openai, url: %(api)s", "api: {zone: cloud, kind: openai, url: http://127.0.0.1:1/v1"
    )
    gateway = await serve(both.replace("queue: 1,", "queue: 64,").replace("200ms", "9s"))
    crowd = Crowd()
    backends["gpu"].default = answer(500)
    backends["api"].default = crowd.behaviour
    answers = await asyncio.gather(*[gateway.post(RESTRICTED) for _ in range(12)])
    assert {status for status, _, _ in answers} <= {200, 500, 503}
    assert crowd.most == 1
    replicas = gateway.fleet.backends["gpu"].replicas
    assert [replica.inflight for replica in replicas] == [0, 0]
    assert [replica.pool.busy for replica in replicas] == [0, 0]


TWO_QUEUES = ONE_AT_A_TIME.replace(
    "models: {chat: {backends: [gpu, api], aliases: [gpt-4o-mini]}}",
    "models: {chat: {backends: [gpu]}, other: {backends: [api]}}",
).replace(
    "serves: {chat: gpt-4o-mini},", "serves: {other: gpt-4o-mini}, capacity: {max_running: 1, queue_timeout: 5s},"
)


async def test_nobody_waits_behind_one_who_waits_for_another_backend(serve, backends):
    gateway = await serve(TWO_QUEUES.replace("200ms", "5s"))
    gate, running = await busy(gateway, backends["gpu"])
    behind_gpu = asyncio.create_task(gateway.post(RESTRICTED))
    await until(lambda: gateway.service.waiting)
    other = {"model": "other", "messages": []}
    other_gate = Gate()
    backends["api"].script.append(other_gate.behaviour)
    first = asyncio.create_task(gateway.post(other))
    await backends["api"].asked.wait()
    second = asyncio.create_task(gateway.post(other))
    await until(lambda: gateway.service.waiting == 2)
    other_gate.opened.set()
    assert [each[0] for each in await asyncio.gather(first, second)] == [200, 200]
    assert not behind_gpu.done()
    gate.opened.set()
    assert [each[0] for each in await asyncio.gather(running, behind_gpu)] == [200, 200]


async def test_whoever_waits_is_served_in_turn_and_before_newcomers(serve, backends):
    gateway = await serve(ONE_AT_A_TIME.replace("queue: 1, queue_timeout: 200ms", "queue: 9, queue_timeout: 9s"))
    gate, running = await busy(gateway, backends["gpu"])

    async def one(number: int) -> None:
        assert (await gateway.post(RESTRICTED | {"seed": number}))[0] == 200

    waiting = []
    for number in range(4):
        waiting.append(asyncio.create_task(one(number)))
        await until(lambda number=number: gateway.service.waiting == number + 1)
    gate.opened.set()
    newcomers = [asyncio.create_task(one(number)) for number in range(4, 8)]
    await asyncio.gather(running, *waiting, *newcomers)
    order = [request["seed"] for request in backends["gpu"].requests if "seed" in request]
    assert order[:4] == [0, 1, 2, 3] and sorted(order) == list(range(8))


async def test_one_who_was_woken_and_left_leaves_its_room_to_the_next(serve, backends):
    gateway = await serve(ONE_AT_A_TIME.replace("queue: 1, queue_timeout: 200ms", "queue: 9, queue_timeout: 9s"))
    gate, running = await busy(gateway, backends["gpu"])
    body = json.dumps(RESTRICTED).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    await until(lambda: gateway.service.waiting)
    second = asyncio.create_task(gateway.post(RESTRICTED))
    await until(lambda: gateway.service.waiting == 2)
    writer.transport.abort()
    gate.opened.set()
    assert (await running)[0] == (await second)[0] == 200


@interpreted_only
async def test_a_client_that_leaves_while_a_trial_connects_gives_the_trial_back(serve, backends, monkeypatch):
    gateway = await serve(ONE_AT_A_TIME)
    (replica,) = gateway.fleet.backends["gpu"].replicas
    loop = asyncio.get_running_loop()
    replica.report(Event.REST, loop.time() - 10, rest=1, why="HTTP 429")
    connecting, connect = asyncio.Event(), Pool.connect

    async def slowly(self: Pool, timeout: float) -> Any:
        connecting.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(Pool, "connect", slowly)
    body = json.dumps(RESTRICTED).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    await asyncio.wait_for(connecting.wait(), 5)
    assert not replica.usable(loop.time())
    writer.transport.abort()
    await until(lambda: not replica.inflight)
    monkeypatch.setattr(Pool, "connect", connect)
    assert replica.usable(loop.time())
    assert (await gateway.post(RESTRICTED))[0] == 200


# --- failing over to what is full

PAIR = ONE_AT_A_TIME.replace("url: %(gpu)s", "urls: [%(gpu)s, %(api)s]").replace(
    "api: {zone: cloud, kind: openai, url: %(api)s", "api: {zone: cloud, kind: openai, url: http://127.0.0.1:1/v1"
)
ROOMY = "queue: 9, queue_timeout: 9s"
LIMITS = "queue: 1, queue_timeout: 200ms"
Ask = Callable[[Gateway, dict[str, Any]], Coroutine[Any, Any, Any]]


async def leaving(gateway: Gateway, given: dict[str, Any]) -> asyncio.StreamWriter:
    """Ask, and have the connection to end it by."""
    body = json.dumps(given).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    return writer


class Pair:
    """Two replicas with a slot each, of which the first one fails the request that it has and is left alone from then
    on, while the other one is busy."""

    def __init__(self, gateway: Gateway, backends: dict[str, ScriptedBackend]) -> None:
        self.gateway = gateway
        self.sick, self.busy = backends["gpu"], backends["api"]
        self._failing, self.gate = Gate(answer(500, b'{"error":{"message":"no"}}')), Gate()

    async def fill(self, ask: Ask) -> None:
        self.sick.script.append(self._failing.behaviour)
        self.busy.script.append(self.gate.behaviour)
        self.failing_over = asyncio.create_task(ask(self.gateway, RESTRICTED | {"seed": 0}))
        await self.sick.asked.wait()
        self.running = self.post(1)
        await self.busy.asked.wait()

    def post(self, number: int) -> asyncio.Task[Any]:
        return asyncio.create_task(self.gateway.post(RESTRICTED | {"seed": number}))

    async def wait(self, number: int) -> asyncio.Task[Any]:
        """One more that waits for room."""
        before = self.gateway.service.waiting
        waiting = self.post(number)
        await until(lambda: self.gateway.service.waiting == before + 1)
        return waiting

    def fail(self) -> None:
        self._failing.opened.set()

    @property
    def order(self) -> list[int]:
        """Who asked the busy one, in turn."""
        return [request["seed"] for request in self.busy.requests]


@pytest.fixture
async def pair(serve, backends):
    """`await pair(limits)`; a failure opens a circuit at once."""

    async def start(limits: str = ROOMY, asks: Ask = Gateway.post) -> Pair:
        policy = PAIR.replace(LIMITS, limits) + "health: {failures_to_open: 1, cooldown: 60s}\n"
        made = Pair(await serve(policy), backends)
        await made.fill(asks)
        return made

    return start


async def test_one_that_fails_over_to_what_is_full_waits_for_a_slot(pair):
    pair = await pair()
    pair.fail()
    await until(lambda: pair.gateway.service.waiting)
    pair.gate.opened.set()
    assert (await pair.running)[0] == 200
    status, headers, _ = await pair.failing_over
    assert (status, headers["x-breakeven-reason"]) == (200, "retry from gpu: HTTP 500")
    assert pair.order == [1, 0]


async def test_it_waits_behind_those_who_wait_already_and_before_newcomers(pair):
    pair = await pair()
    first = await pair.wait(2)
    pair.fail()
    await until(lambda: pair.gateway.service.waiting == 2)
    last = await pair.wait(3)
    pair.gate.opened.set()
    answers = await asyncio.gather(pair.running, first, pair.failing_over, last)
    assert [status for status, _, _ in answers] == [200] * 4
    assert pair.order == [1, 2, 0, 3]


async def test_it_waits_no_longer_than_others(pair):
    pair = await pair("queue: 9, queue_timeout: 50ms")
    pair.fail()
    assert (await pair.failing_over)[0] == 500
    pair.gate.opened.set()
    assert (await pair.running)[0] == 200
    assert pair.order == [1] and not pair.gateway.service.waiting and not pair.gateway.ledger.holds


async def test_nor_in_a_queue_that_is_full(pair):
    pair = await pair("queue: 1, queue_timeout: 9s")
    waiting = await pair.wait(2)
    pair.fail()
    assert (await pair.failing_over)[0] == 500
    pair.gate.opened.set()
    assert [(await each)[0] for each in (pair.running, waiting)] == [200, 200]


async def test_nor_when_it_may_not_be_tried_again(pair):
    pair = await pair()
    state = pair.gateway.state
    state.retry_budget = retry_budget(0)
    pair.fail()
    assert (await pair.failing_over)[0] == 500
    pair.gate.opened.set()
    assert (await pair.running)[0] == 200


async def test_nor_for_a_backend_of_a_former_policy(pair, tmp_path):
    """Whoever comes now waits for other replicas than those."""
    pair = await pair()
    policy = tmp_path / "policy.yaml"
    policy.write_text(policy.read_text().replace("max_running: 1", "max_running: 2"))
    pair.gateway.adopt(load(policy))
    pair.fail()
    assert (await pair.failing_over)[0] == 500
    pair.gate.opened.set()
    assert (await pair.running)[0] == 200


async def test_one_that_fails_over_and_leaves_gives_up_its_place(pair):
    pair = await pair(asks=leaving)
    pair.fail()
    await until(lambda: pair.gateway.service.waiting)
    second = await pair.wait(2)
    (await pair.failing_over).transport.abort()
    await until(lambda: pair.gateway.service.waiting == 1)
    pair.gate.opened.set()
    assert [(await each)[0] for each in (pair.running, second)] == [200, 200]
    assert pair.order == [1, 2]
