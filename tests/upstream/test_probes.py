from __future__ import annotations

import asyncio
import ssl
from typing import Any, get_args

from msgspec.structs import replace

from router.core.backend_kinds import Backend, OpenAIBackend, VllmBackend
from router.core.policy import Health
from router.core.resilience.worker_status import PowerState
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


async def test_what_is_off_is_not_asked_until_it_is_on_or_while_it_works(monkeypatch: Any) -> None:
    asked: asyncio.Queue[Replica] = asyncio.Queue()

    async def probe(replica: Replica, served: frozenset[str], timeout: float) -> None:
        asked.put_nowait(replica)

    monkeypatch.setattr(probes, "PROBES", {"vllm": probe})
    (spec,) = specs(VllmBackend(kind="vllm", **OWN))
    often = replace(spec, powered=True, probed=True, health=Health.model_validate({"probe_interval": "1ms"}))
    fleet, running = Fleet(asyncio.get_running_loop()), Probes()
    fleet.apply([often])
    (replica,) = fleet.backends["vllm"].replicas
    fleet.told({"vllm": PowerState(at=0.0, phase="off", serves=False)}, 0.0)
    running.apply(fleet.backends.values())
    await asyncio.sleep(0.02)
    assert asked.empty()
    slot = replica.take(0.0)
    await asyncio.wait_for(asked.get(), 10)
    slot.leave(0.0)
    fleet.told({"vllm": PowerState(at=0.0, phase="on", serves=True)}, 0.0)
    await asyncio.wait_for(asked.get(), 10)
    await running.close()


async def test_a_probe_that_fails_as_nobody_foresaw_is_not_the_last_one(monkeypatch: Any) -> None:
    asked: asyncio.Queue[Replica] = asyncio.Queue()

    async def probe(replica: Replica, served: frozenset[str], timeout: float) -> None:
        asked.put_nowait(replica)
        raise OverflowError

    monkeypatch.setattr(probes, "PROBES", {"vllm": probe})
    (spec,) = specs(VllmBackend(kind="vllm", **OWN))
    fleet, running = Fleet(asyncio.get_running_loop()), Probes()
    fleet.apply([replace(spec, health=Health.model_validate({"probe_interval": "1ms"}))])
    running.apply(fleet.backends.values())
    for _ in range(2):
        await asyncio.wait_for(asked.get(), 10)
    await running.close()


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
