"""vLLMs with sleep mode, on one card that has memory for one of them that is awake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

KEY = "key-of-the-unit"


class Card:
    """`refused`: how often one was to wake while another was awake."""

    def __init__(self) -> None:
        self.units: list[SleepyVllm] = []
        self.refused = 0

    @property
    def awake(self) -> list[SleepyVllm]:
        return [unit for unit in self.units if unit.memory]


class SleepyVllm:
    """The endpoints of sleep mode, as vLLM has them with VLLM_SERVER_DEV_MODE=1."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self.memory: set[str] = set()
        """What it has on the card: weights, kv_cache."""
        self.lost = False
        """Its weights were dropped, and are not there again."""
        self.dev_mode = True
        self.status = 200
        self.broken_at = ""
        """A path that answers with 500."""
        self.hangs = False
        self.told: list[str] = []
        self.url = ""
        card.units.append(self)

    @property
    def asleep(self) -> bool:
        return self.memory != {"weights", "kv_cache"}

    async def answer(self, request: web.Request) -> web.Response:
        if self.hangs:
            await asyncio.sleep(600)
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return web.Response(status=401)
        if request.path in ("/health", "/v1/models"):
            return web.json_response({"data": [{"id": "m"}]})
        if not self.dev_mode:
            return web.Response(status=404)
        if request.method == "GET":
            return web.json_response({"is_sleeping": self.asleep})
        self.told.append(request.path_qs)
        if self.status != 200 or request.path == self.broken_at:
            return web.json_response({}, status=500)
        match request.path:
            case "/sleep":
                self.memory.clear()
                self.lost = self.lost or request.query.get("level") == "2"
            case "/wake_up":
                if any(other is not self for other in self.card.awake):
                    self.card.refused += 1
                    return web.json_response({"error": "CUDA Error: out of memory"}, status=500)
                self.memory |= set(request.query.getall("tags", ["weights", "kv_cache"]))
            case "/collective_rpc":
                assert (await request.json()) == {"method": "reload_weights"} and "weights" in self.memory
                self.lost = False
        return web.json_response({})


@asynccontextmanager
async def sleepy_vllms(count: int) -> AsyncIterator[list[SleepyVllm]]:
    """All asleep."""
    card, runners = Card(), []
    units = [SleepyVllm(card) for _ in range(count)]
    for each in units:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", each.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        each.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield units
    for runner in runners:
        await runner.cleanup()
