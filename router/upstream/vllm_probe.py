"""Ask a vLLM replica how it is: /health, /metrics and, now and then, /v1/models; each time where it serves what it
lists.

Only vLLM replicas are probed: a probe there costs nothing. Paid APIs are judged by the answers they give.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from itertools import islice

from router.core.decision.refusals import listed_models
from router.core.name_patterns import is_pattern
from router.core.resilience.replica_load import ReplicaLoad
from router.core.resilience.retry import Fault
from router.upstream.errors import UpstreamError
from router.upstream.fetch import fetch
from router.upstream.model_listing import NoListing, models_in
from router.upstream.replica import Replica

_GAUGE = re.compile(
    rb"^vllm:(num_requests_running|num_requests_waiting|kv_cache_usage_perc|gpu_cache_usage_perc)(?:\{[^}\n]*\})?"
    rb" (\S{1,64})(?!\S)",
    re.MULTILINE,
)
_MOST_GAUGES = 4096
"""Of all engines."""
_MOST = 1e9
"""No replica has more of anything."""


class ProbeFailed(Exception):
    """The replica answered, but not as a healthy vLLM does."""


def parse_load(metrics: bytes, inflight: int) -> ReplicaLoad:
    """Load from vLLM's Prometheus text: sums over engines, the fullest KV cache of all."""
    running = waiting = kv_cache = 0.0
    for found in islice(_GAUGE.finditer(metrics), _MOST_GAUGES):
        name, number = found.groups()
        try:
            value = float(number)
        except ValueError:
            continue
        if not 0 <= value <= _MOST:  # nor is what is no number
            continue
        if name == b"num_requests_running":
            running += value
        elif name == b"num_requests_waiting":
            waiting += value
        else:
            kv_cache = max(kv_cache, value)
    return ReplicaLoad(running=int(running), waiting=int(waiting), kv_cache=kv_cache, inflight=inflight)


def parse_models(models: bytes) -> Mapping[str, int | None]:
    """The context lengths of what it lists, by name: its model, and adapters that were loaded. Raises ProbeFailed for
    no such list."""
    try:
        return models_in(models)
    except NoListing as error:
        raise ProbeFailed(f"/v1/models {error}") from None


def context_of(listed: Mapping[str, int | None], served: frozenset[str]) -> int | None:
    """Smallest max_model_len of the served models, None if vLLM does not say. Raises ProbeFailed if one is missing.

    A pattern serves all that is listed, and misses nothing.
    """
    if any(map(is_pattern, served)):
        served = frozenset([name for name in served if not is_pattern(name)]) | listed.keys()
    missing = sorted(name for name in served if name not in listed)
    if missing:
        raise ProbeFailed(f"it does not serve {', '.join(missing)} (it serves {listed_models(listed)})")
    lengths = [listed[name] for name in served]
    return min((length for length in lengths if length is not None), default=None)


async def probe(replica: Replica, served: frozenset[str], timeout: float) -> None:
    """One probe; the replica is told how it went."""
    try:
        status, _ = await fetch(replica.pool, "/health", timeout)
        if status != 200:
            raise ProbeFailed(f"/health answered {status}")
        as_listed = any(map(is_pattern, served))
        if replica.context is None or replica.probed_down or as_listed:
            _, models = await fetch(replica.pool, "/v1/models", timeout)
            listed = parse_models(models)
            replica.context = context_of(listed, served)
            if as_listed:
                replica.lists(frozenset(listed))
        _, metrics = await fetch(replica.pool, "/metrics", timeout)
    except UpstreamError as error:
        replica.probe_failed(str(error), certain=error.fault is Fault.REFUSED)
    except ProbeFailed as error:
        replica.probe_failed(str(error), certain=True)
    else:
        replica.probed(parse_load(metrics, replica.inflight), asyncio.get_running_loop().time())
