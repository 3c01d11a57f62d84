from __future__ import annotations

import asyncio
import ssl
from typing import Any, get_args

from router.core.backend_kinds import Backend, OpenAIBackend, VllmBackend
from router.core.policy import Health
from router.upstream import probes
from router.upstream.fleet import BackendSpec, Fleet
from router.upstream.probes import PROBES, Probes
from router.upstream.replica import Replica
from router.upstream.target import target_of_url

TLS = ssl.create_default_context()
URL = "http://127.0.0.1:1/v1"
OWN: dict[str, Any] = {"zone": "local", "url": URL, "serves": {"m": "llama"}}


def specs(*backends: VllmBackend | OpenAIBackend) -> list[BackendSpec]:
    targets = [target_of_url(backend.kind, "local", URL, None, TLS) for backend in backends]
    return [BackendSpec(each.kind, each, (target,), Health()) for each, target in zip(backends, targets, strict=True)]


def test_what_is_probed_is_a_kind_of_backend() -> None:
    kinds = {get_args(kind.model_fields["kind"].annotation)[0] for kind in get_args(get_args(Backend)[0])}
    assert PROBES.keys() < kinds


async def test_replicas_are_probed_as_long_as_the_policy_names_them(monkeypatch: Any) -> None:
    asked: asyncio.Queue[tuple[Replica, frozenset[str]]] = asyncio.Queue()

    async def probe(replica: Replica, served: frozenset[str], timeout: float) -> None:
        asked.put_nowait((replica, served))

    monkeypatch.setattr(probes, "PROBES", {"vllm": probe})
    vllm, paid = VllmBackend(kind="vllm", **OWN), OpenAIBackend(kind="openai", **OWN)
    fleet, running = Fleet(asyncio.get_running_loop()), Probes()
    fleet.apply(specs(vllm, paid))
    running.apply(fleet.backends.values())
    replica, served = await asyncio.wait_for(asked.get(), 10)
    assert replica is fleet.backends["vllm"].replicas[0] and served == {"llama"}
    fleet.apply(specs(paid))
    running.apply(fleet.backends.values())
    await running.close()
    assert asked.empty()
