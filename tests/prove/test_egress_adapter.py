"""The first promise where another process and another library carry the request: own backends behind the adapter.

The adapter is the real one, with the real litellm. Its environment names a proxy that records, and its own backend
redirects to the cloud now and then. Neither may ever see what has to stay. And a stream that breaks off has no end by
being translated.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import pytest
import uvloop
from prove.asks import DISGUISES, FINDINGS, FRAMINGS, HEADERS, LABELS, Ask, Request, detectors, sample_of
from prove.client import converse
from prove.machines import MODEL, Machine
from prove.tally import Tally
from prove.verdict import Verdict
from prove.worlds import Policy
from support.gateway import Clock, start_gateway, stop_gateway
from support.litellm import python_with_litellm
from support.serving import PROJECT, clean_environment, ended_unless_it_speaks

from router.core.backend_kinds import LitellmBackend
from router.surfaces.base import PREFIX
from router.surfaces.registry import SURFACES

KEY = "SCRIPTED_API_KEY"
CUT, SILENCE = "cut short", "silence"
FAULTS = (
    "ok",
    "redirect to the cloud",
    "another redirect to the cloud",
    "ok",
    "503 with a rest",
    "reset",
    SILENCE,
    "garbage",
    "an error event",
    CUT,
)
QUICK_FAULTS = tuple(fault for fault in FAULTS if fault != SILENCE)
THROUGH = tuple(sorted(LitellmBackend.default_endpoints))
"""The adapter's surfaces."""
WAYS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "to-openai": ("litellm", f"openai/{MODEL}", THROUGH),
    "to-claude": ("litellm", f"anthropic/{MODEL}", THROUGH),
    "from-openai": ("openai", MODEL, ("chat", "embeddings")),
    "from-claude": ("anthropic", MODEL, ("messages",)),
}
"""By model: the kind of its backends, what these call it, and what they are said to serve. The adapter translates all
else into what a provider speaks, for those of kinds of their own as well."""
QUICK, LONG = 16, 60
"""Requests per fault."""
PATIENT, HASTY = "60s", "4s"
"""How long the gateway waits for a first byte: who has it wait for nothing but a busy machine is patient."""
OBEDIENT = """
import httpx
from router.litellm_adapter import confined
from router.litellm_adapter import litellm_environment
from router.upstream import outbound_guard
confined.Confinement.install = outbound_guard.OutboundGuard.install = lambda self: None
litellm_environment.steering = lambda environment: []
class Client(httpx.AsyncClient):
    def __init__(self, **options):
        super().__init__(**options | {"follow_redirects": True, "trust_env": True, "transport": None, "mounts": None})
httpx.AsyncClient = Client
"""
"""A sitecustomize module that takes all confinement away: clients do what environment and answers tell them to."""


def policy(own: str, cloud: str, patience: str) -> Policy:
    """Both sides are reached in every way."""

    def backend(way: str, zone: str, url: str, **more: Any) -> dict[str, Any]:
        kind, model, endpoints = WAYS[way]
        served = {"model": model, "endpoints": list(endpoints), "price": {"input": 1.0, "output": 1.0}}
        at = {"url": url} if kind != "litellm" else {"api_base": url}
        if model.startswith("anthropic/"):
            at = {"api_base": url.removesuffix(PREFIX)}
        timeouts = {"first_byte_timeout": patience, "idle_timeout": patience}
        return {"zone": zone, "kind": kind, **at, "api_key": f"env:{KEY}", "serves": {way: served}, **timeouts, **more}

    backends = {f"gpu-{way}": backend(way, "local", own, cost={"usd_per_hour": 1.0}) for way in WAYS}
    backends |= {f"api-{way}": backend(way, "cloud", cloud) for way in WAYS}
    return {
        "version": 1,
        "zones": {"local": {"owned": True}, "cloud": {}},
        "backends": backends,
        "models": {way: {"backends": [f"gpu-{way}", f"api-{way}"]} for way in WAYS},
        "sensitivity": {
            "levels": {"public": ["local", "cloud"], "internal": ["local", "cloud"], "restricted": ["local"]},
            "default": "public",
            "tags": {"phi": ["local"], "eu": ["local"]},
            "detectors": detectors(raise_to="restricted"),
        },
        "rules": [],
        "cost": {"strategy": "local_first"},
        "retry": {"attempts": 3, "deadline": "60s" if patience == PATIENT else "12s", "backoff": "5ms", "budget": 1.0},
        "health": {"cooldown": "20ms", "failures_to_open": 1000},
        "ledger": {"on_loss": "refuse"},
        "keys": [],
        "secrets": {KEY: ["127.0.0.1"]},
    }


@contextmanager
def adapter(folder: Path, text: str, proxy: Machine) -> Iterator[str]:
    """Its socket. `folder` is on its path, for a sitecustomize module."""
    (folder / "adapter.yaml").write_text(text)
    path = str(folder / "s")
    paths = f"{folder}{os.pathsep}{PROJECT}"
    environment = clean_environment({**proxy.proxies, KEY: "k", "PYTHONPATH": paths})
    command = [
        python_with_litellm(),
        "-m",
        "router.litellm_adapter",
        "--policy",
        str(folder / "adapter.yaml"),
        "--socket",
        path,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=folder)
    assert process.stdout is not None
    try:
        with ended_unless_it_speaks(process):
            assert process.stdout.readline().startswith("listening on unix:")
        yield path
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


async def through(folder: Path, drawn: list[Ask], each: int, faults: Sequence[str]) -> Tally:
    """`each` requests for every fault of the own machine."""
    cloud, proxy = Machine("us-1"), Machine("proxy-1")
    own = Machine("own-1", cloud.url)
    machines = (own, cloud, proxy)
    for machine in machines:
        await machine.become("ok")
    told = policy(own.url, cloud.url, HASTY if SILENCE in faults else PATIENT)
    text = json.dumps(told)
    requests = [Request(number, ask, adapted=True) for number, ask in enumerate(drawn)]
    tally = Tally(worlds=1)
    try:
        with patch.dict(os.environ, {KEY: "k"}), adapter(folder, text, proxy) as path:
            gateway = await start_gateway(folder, text.replace("%", "%%"), {}, cast(Clock, time.time), path)
            try:
                for at, fault in enumerate(faults):
                    await own.become(fault)
                    group = requests[at * each : (at + 1) * each]
                    await asyncio.gather(*(_ask(gateway.port, request) for request in group))
            finally:
                await stop_gateway(gateway)
    finally:
        for machine in machines:
            machine.stop()
    for backend in told["backends"].values():
        backend["url"] = "@own-1@" if backend["zone"] == "local" else "@us-1@"
    Verdict([told], tally).judge(requests, machines)
    tally.wrongs += [
        f"an end of what broke off: {request.answer!r}: {request.ask}" for request in broken(requests[-each:])
    ]
    for request in requests:
        tally.surfaces[f"{request.ask.model}: {request.ask.endpoint}"] += request.status == 200
    return tally


def broken(requests: list[Request]) -> list[Request]:
    """Of those that came last those whose stream broke off at the own machine, and ended well all the same."""
    cut = [request for request in requests if request.headers.get("x-breakeven-zone") == "local"]
    return [request for request in cut if request.ask.stream and request.ask.sample.end in request.answer]


async def _ask(port: int, request: Request) -> None:
    def sending(each: Request) -> None:
        each.sent = True

    await asyncio.wait_for(converse(port, [request], False, sending, lambda each: None), 100)


def drawn(number: int) -> list[Ask]:
    """The same at every run: something plain in each way, then something else each time, at last streams to be cut."""
    dice = random.Random(number)
    first = [Ask(name, model=way) for way in WAYS for name in THROUGH]
    last = [Ask(name, True, model=way, label=LABELS[1]) for way in WAYS for name in THROUGH if name != "embeddings"]
    others = dice.choices([*THROUGH * 8, *SURFACES], k=number - len(first) - len(last))
    return [*first, *[_drawn(dice, name) for name in others], *last]


def _drawn(dice: random.Random, endpoint: str) -> Ask:
    sample = sample_of(endpoint)
    form = {"model": dice.choice(list(WAYS)), "framing": dice.choice(FRAMINGS)}
    plain = Ask(endpoint, stream=sample.events is not None and dice.random() < 0.5, **form)
    finding, place = dice.choice(sorted(FINDINGS)), dice.choice(list(sample.places))
    kinds: list[dict[str, Any]] = [
        *[{}] * 3,
        {"place": place},
        {"finding": finding},
        {"label": LABELS[1]},
        {"place": dice.choice(HEADERS), "finding": finding},
        *[{"place": place, "finding": finding, "disguise": dice.choice(DISGUISES)}] * 2,
    ]
    if sample.unreadable:
        kinds += [{"unreadable": dice.choice([*sample.unreadable, *sample.outside])}]
    return replace(plain, **dice.choice(kinds))


def played(folder: Path, each: int, faults: Sequence[str] = QUICK_FAULTS) -> Tally:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(through(folder, drawn(each * len(faults)), each, faults))


def check(tally: Tally) -> None:
    print(f"\n{tally}")
    assert not tally.leaks, tally.leaks
    assert not tally.wrongs, tally.wrongs
    assert tally.restricted and tally.received["own"] and tally.answered["restricted, own"]
    assert tally.received["us"] and not tally.received["outside"]
    assert {fault for fault in FAULTS if "redirect" in fault or fault == CUT} <= tally.faults.keys()
    assert tally.faults[CUT] >= 4
    for name in THROUGH:
        assert tally.surfaces[f"{name}: restricted, own"] and tally.surfaces[f"{name}: free, cloud"], name
    for way in WAYS:
        for name in THROUGH if way.startswith("to") else ("chat", "messages", "responses"):
            if (way, name) != ("to-claude", "embeddings"):  # which has none
                assert tally.surfaces[f"{way}: {name}"], f"no request to {name} was answered in the way {way}"


def test_nothing_restricted_leaves_through_the_adapter(tmp_path: Path) -> None:
    check(played(tmp_path, QUICK))


@pytest.mark.prove
def test_nothing_restricted_leaves_through_the_adapter_in_many_requests(tmp_path: Path) -> None:
    check(played(tmp_path, LONG, FAULTS))


def test_an_adapter_that_does_as_it_is_told_is_caught(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(OBEDIENT)
    assert played(tmp_path, QUICK).received["outside"]
