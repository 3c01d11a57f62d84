"""A request goes on with the policy that it began with."""

from __future__ import annotations

import asyncio
from typing import Any

from support.scripted import answer
from support.waiting import until

from router.config.load import load

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}


async def test_what_was_in_force_is_replaced_as_a_whole_and_never_changed(gateway, tmp_path):
    before = gateway.state.serving
    plan, backends, replicas = before.plan, before.backends, dict(before.backends)
    policy = tmp_path / "policy.yaml"
    policy.write_text(policy.read_text().replace("local_first", "cloud_first"))
    gateway.adopt(load(policy))
    after = gateway.state.serving
    assert after is not before and after.plan.version != plan.version
    assert (before.plan, before.backends) == (plan, backends) and dict(before.backends) == replicas
    assert after.recall is not before.recall and after.holding is not before.holding


async def test_a_reload_while_a_request_fails_over_does_not_change_where_it_may_go(gateway, backends, tmp_path):
    """By the new policy the same name is a backend that nobody listens at."""
    go_on = asyncio.Event()

    async def fail_later(reader: Any, writer: Any, request: dict[str, Any]) -> None:
        await go_on.wait()
        await answer(500)(reader, writer, request)

    backends["gpu"].script.append(fail_later)
    running = asyncio.create_task(gateway.post(ASK))
    await backends["gpu"].asked.wait()
    policy = tmp_path / "policy.yaml"
    policy.write_text(policy.read_text().replace(backends["api"].url, "http://127.0.0.1:1/v1"))
    gateway.adopt(load(policy))
    go_on.set()
    status, headers, _ = await running
    assert (status, headers["x-breakeven-backend"]) == (200, "api")
    await until(lambda: backends["api"].requests)
