"""What a backend does not speak goes through the adapter: another way to the same replica."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web
from support.gateway import Clock, start_gateway, stop_gateway
from support.waiting import until

from router.config.load import load
from router.upstream.adapter_status import AdapterState, AdapterStatus

POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: openai, urls: [%(api)s], serves: {chat: tiny}, cost: {usd_per_hour: 1.0}}
  api: {zone: cloud, kind: openai, urls: [%(api)s], serves: {chat: {model: gpt, price: {input: 1, output: 2}}}}
models: {chat: {backends: [api]}}
sensitivity:
  levels: {public: [local, cloud], restricted: [local]}
  default: public
  detectors: [{find: [credit_card], raise_to: restricted}]
health: {failures_to_open: 1}
"""
ASK = {"model": "chat", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
USAGE = {"input_tokens": 3, "output_tokens": 4}
ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "gpt",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": USAGE,
}
CHAT = {
    "id": "c",
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


class Sides:
    """The backend itself, and the adapter that would translate for it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.answer: tuple[int, object] = (200, ANSWER)

    async def chat(self, request: web.Request) -> web.Response:
        self.asked.append(("backend", request.path, (await request.json())["model"]))
        return web.json_response(CHAT)

    async def native(self, request: web.Request) -> web.Response:
        return web.json_response(ANSWER)

    async def adapt(self, request: web.Request) -> web.Response:
        self.asked.append(("adapter", request.path, (await request.json())["model"]))
        self.headers = request.headers
        status, body = self.answer
        return web.json_response(body, status=status)


async def serving(app: web.Application, path: str | None) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0) if path is None else web.UnixSite(runner, path)
    await site.start()
    return runner, "" if path else f"http://127.0.0.1:{runner.addresses[0][1]}/v1"


@pytest.fixture
async def sides(tmp_path):
    made = Sides()
    backend, adapter = web.Application(), web.Application()
    backend.router.add_post("/v1/chat/completions", made.chat)
    backend.router.add_post("/v1/messages", made.native)
    adapter.router.add_post("/{tail:.*}", made.adapt)
    first, made.url = await serving(backend, None)
    second, _ = await serving(adapter, str(tmp_path / "s"))
    made.adapter = adapter
    yield made
    await first.cleanup()
    await second.cleanup()


@pytest.fixture
async def gateway(sides, tmp_path):
    made = await start_gateway(tmp_path, POLICY, {"api": sides.url}, Clock(), str(tmp_path / "s"))
    yield made
    await stop_gateway(made)


async def test_a_message_goes_through_the_adapter_and_a_chat_does_not(gateway, sides):
    status, headers, body = await gateway.post(ASK, path="/v1/messages")
    assert (status, json.loads(body)) == (200, ANSWER)
    assert sides.asked == [("adapter", "/api/replicas/0/v1/messages", "gpt")]
    assert sides.headers["x-adapter-fingerprint"] and "authorization" not in sides.headers
    assert headers["x-breakeven-backend"] == "api"
    [row] = gateway.rows()
    assert (row.input, row.output, row.estimated, row.cost) == (3, 4, 0, 1000 * (3 * 1 + 4 * 2))
    assert (await gateway.post(ASK))[0] == 200
    assert sides.asked[1][:2] == ("backend", "/v1/chat/completions")


async def test_what_may_not_leave_does_not_get_to_the_adapter(gateway, sides):
    said = ASK | {"messages": [{"role": "user", "content": "My card is 4111 1111 1111 1111"}]}
    status, _, body = await gateway.post(said, path="/v1/messages")
    assert (status, json.loads(body)["error"]["type"], sides.asked) == (403, "permission_error", [])


async def test_what_the_provider_cannot_be_told_hurts_nobody(gateway, sides):
    error = {"type": "invalid_request_error", "message": "'top_k' cannot be told", "code": "unsupported_by_backend"}
    sides.answer = (400, {"type": "error", "error": error})
    status, _, body = await gateway.post(ASK, path="/v1/messages")
    assert (status, json.loads(body)["error"]["message"], len(sides.asked)) == (400, "'top_k' cannot be told", 1)
    assert gateway.fleet.states["api"].healthy


async def test_an_adapter_that_does_not_run_is_no_fault_of_the_backend(gateway, sides, tmp_path):
    (tmp_path / "s").unlink()
    assert (await gateway.post(ASK, path="/v1/messages"))[0] in (502, 503)
    assert gateway.fleet.states["api"].healthy
    assert (await gateway.post(ASK))[0] == 200


async def test_where_none_is_installed_the_candidate_is_removed_and_says_so(gateway, sides):
    gateway.state.untranslated = "no adapter is installed"
    status, _, body = await gateway.post(ASK, path="/v1/messages")
    assert status == 400 and "does not speak the endpoint messages, and no adapter is installed" in body.decode()
    assert not sides.asked


CHANGED = {"error": {"message": "The backend has changed.", "type": "server_error", "code": "backend_changed"}}


@pytest.fixture
def status(tmp_path):
    return AdapterStatus(str(tmp_path / "s"))


async def asking(gateway) -> asyncio.Task:
    return asyncio.create_task(gateway.post(ASK, path="/v1/messages"))


async def test_a_request_that_needs_the_adapter_asks_for_it_and_waits_until_it_answers(
    gateway, sides, tmp_path, status
):
    (tmp_path / "s").unlink()
    status.clear()
    waiting = await asking(gateway)
    await until(lambda: status.asked)
    status.tell(AdapterState.STARTING)
    assert (await gateway.post(ASK))[0] == 200, "others do not wait"
    runner, _ = await serving(sides.adapter, str(tmp_path / "s"))
    status.tell(AdapterState.READY)
    assert (await waiting)[0] == 200
    assert gateway.fleet.states["api"].healthy
    assert not any(row.errors for row in gateway.rows())
    await runner.cleanup()


@pytest.mark.parametrize(("code", "answered"), [("backend_changed", 503), ("backend_not_found", 404)])
async def test_so_does_one_for_a_backend_that_only_the_next_adapter_knows(gateway, sides, status, code, answered):
    status.tell(AdapterState.STARTING)
    known, sides.answer = sides.answer, (answered, {"error": {**CHANGED["error"], "code": code}})
    waiting = await asking(gateway)
    await until(lambda: sides.asked)
    await asyncio.sleep(0)
    sides.answer = known
    status.tell(AdapterState.READY)
    assert (await waiting)[0] == 200 and len(sides.asked) == 2


@pytest.mark.parametrize("permits", [False, True])
async def test_one_that_waits_is_judged_again_when_another_policy_comes_into_force(
    gateway, sides, tmp_path, status, permits
):
    (tmp_path / "s").unlink()
    status.tell(AdapterState.STARTING)
    waiting = await asking(gateway)
    await until(lambda: gateway.ledger.holds, 20)
    policy = tmp_path / "policy.yaml"
    if not permits:
        policy.write_text(policy.read_text().replace("public: [local, cloud]", "public: [local]"))
    gateway.adopt(load(policy))
    if permits:
        runner, _ = await serving(sides.adapter, str(tmp_path / "s"))
        status.tell(AdapterState.READY)
        assert (await asyncio.wait_for(waiting, 20))[0] == 200
        await runner.cleanup()
        return
    answered, _, body = await asyncio.wait_for(waiting, 20)
    assert answered == 503 and "policy" in body.decode()
    assert status.awaited, "it is starting still"


async def test_one_that_fails_to_start_is_not_waited_for(gateway, sides, tmp_path, status):
    (tmp_path / "s").unlink()
    status.tell(AdapterState.STARTING)
    waiting = await asking(gateway)
    await asyncio.sleep(0.1)
    assert not waiting.done()
    status.tell(AdapterState.FAILING)
    assert (await waiting)[0] in (502, 503)
    assert (await gateway.post(ASK, path="/v1/messages"))[0] in (502, 503)
    assert gateway.fleet.states["api"].healthy


async def test_nobody_waits_who_may_go_elsewhere(sides, tmp_path, status):
    policy = POLICY.replace("{chat: {backends: [api]}}", "{chat: {backends: [api, other]}}")
    other = "  other: {zone: cloud, kind: anthropic, url: %(api)s, serves: {chat: claude-haiku-4-5}}\nmodels:"
    made = await start_gateway(
        tmp_path, policy.replace("models:", other), {"api": sides.url}, Clock(), str(tmp_path / "s")
    )
    sides.answer = (503, CHANGED)
    status.tell(AdapterState.STARTING)
    answered, headers, _ = await made.post(ASK, path="/v1/messages")
    assert (answered, headers["x-breakeven-backend"]) == (200, "other")
    await stop_gateway(made)
