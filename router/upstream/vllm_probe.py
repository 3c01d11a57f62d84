"""Ask a vLLM replica how it is: /health, /metrics and, now and then, /v1/models.

Only vLLM replicas are probed: a probe there costs nothing. Paid APIs are judged by the answers they give.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

import msgspec

from router.core.resilience.retry import Fault
from router.upstream.errors import UpstreamError
from router.upstream.fetch import fetch
from router.upstream.replica import Replica
from router.upstream.replica_load import ReplicaLoad

_GAUGE = re.compile(
    rb"^vllm:(num_requests_running|num_requests_waiting|kv_cache_usage_perc|gpu_cache_usage_perc)(?:\{[^}]*\})? (\S+)",
    re.MULTILINE,
)


class ProbeFailed(Exception):
    """The replica answered, but not as a healthy vLLM does."""


def parse_load(metrics: bytes, inflight: int) -> ReplicaLoad:
    """Load from vLLM's Prometheus text: sums over engines, the fullest KV cache of all."""
    running = waiting = kv_cache = 0.0
    for name, number in _GAUGE.findall(metrics):
        try:
            value = float(number)
        except ValueError:
            continue
        if name == b"num_requests_running":
            running += value
        elif name == b"num_requests_waiting":
            waiting += value
        else:
            kv_cache = max(kv_cache, value)
    return ReplicaLoad(running=int(running), waiting=int(waiting), kv_cache=kv_cache, inflight=inflight)


def parse_context(models: bytes, served: frozenset[str]) -> int | None:
    """Smallest max_model_len of the served models, None if vLLM does not say. Raises ProbeFailed if one is missing."""
    try:
        listed: dict[str, Any] = {item["id"]: item for item in msgspec.json.decode(models)["data"]}
    except (msgspec.DecodeError, KeyError, TypeError):
        raise ProbeFailed("/v1/models gave no list of models") from None
    missing = sorted(name for name in served if name not in listed)
    if missing:
        raise ProbeFailed(f"it does not serve {', '.join(missing)} (it serves {', '.join(sorted(listed))})")
    lengths = [listed[name].get("max_model_len") for name in served]
    return min((length for length in lengths if isinstance(length, int)), default=None)


async def probe(replica: Replica, served: frozenset[str], timeout: float) -> None:
    """One probe; the replica is told how it went."""
    try:
        status, _ = await fetch(replica.pool, "/health", timeout)
        if status != 200:
            raise ProbeFailed(f"/health answered {status}")
        if replica.context is None or replica.probed_down:
            _, models = await fetch(replica.pool, "/v1/models", timeout)
            replica.context = parse_context(models, served)
        _, metrics = await fetch(replica.pool, "/metrics", timeout)
    except UpstreamError as error:
        replica.probe_failed(str(error), certain=error.fault is Fault.REFUSED)
    except ProbeFailed as error:
        replica.probe_failed(str(error), certain=True)
    else:
        replica.probed(parse_load(metrics, replica.inflight), asyncio.get_running_loop().time())
