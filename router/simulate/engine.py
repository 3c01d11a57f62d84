"""vLLM's scheduler in small: slots, a first-come-first-served queue, and the counters of /metrics."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from router.simulate.settings import Settings


class Engine:
    """`running` and `waiting` count requests; a request that ends by an exception or is cancelled counts as aborted."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.slots)
        self._kv_used = 0
        self.running = 0
        self.waiting = 0
        self.prompt_tokens = 0
        self.generation_tokens = 0
        self.finished: Counter[str] = Counter()

    @property
    def kv_cache_usage(self) -> float:
        return min(1.0, self._kv_used / self._settings.kv_tokens)

    @asynccontextmanager
    async def slot(self, tokens: int) -> AsyncIterator[None]:
        """Wait for a slot and hold it, with room for `tokens` of KV cache."""
        try:
            await self._enter()
            self.running += 1
            self._kv_used += tokens
            try:
                yield
            finally:
                self.running -= 1
                self._kv_used -= tokens
                self._slots.release()
        except BaseException:
            self.finished["abort"] += 1
            raise

    async def _enter(self) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1


def metrics_text(engine: Engine, model: str) -> str:
    """The part of vLLM's /metrics that load balancers read, in Prometheus' text format."""
    labels = f'engine="0",model_name="{model}"'
    reasons = {"stop": 0, "length": 0, "abort": 0, **engine.finished}
    success = [(f'{labels},finished_reason="{reason}"', count) for reason, count in sorted(reasons.items())]
    families = (
        ("num_requests_running", "gauge", "Number of requests in model execution batches.", [(labels, engine.running)]),
        ("num_requests_waiting", "gauge", "Number of requests waiting to be processed.", [(labels, engine.waiting)]),
        (
            "kv_cache_usage_perc",
            "gauge",
            "KV-cache usage. 1 means 100 percent usage.",
            [(labels, engine.kv_cache_usage)],
        ),
        ("prompt_tokens_total", "counter", "Number of prefill tokens processed.", [(labels, engine.prompt_tokens)]),
        (
            "generation_tokens_total",
            "counter",
            "Number of generation tokens processed.",
            [(labels, engine.generation_tokens)],
        ),
        ("request_success_total", "counter", "Count of successfully processed requests.", success),
    )
    return "".join(
        f"# HELP vllm:{name} {about}\n# TYPE vllm:{name} {kind}\n"
        + "".join(f"vllm:{name}{{{label}}} {float(value)}\n" for label, value in samples)
        for name, kind, about, samples in families
    )
