"""The first promise where another process and another library carry the request: own backends behind the adapter.

The adapter is the real one, with the real litellm. Its environment names a proxy that records, and its own backend
redirects to the cloud now and then. Neither may ever see what has to stay.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import uvloop
from prove.asks import DISGUISES, FINDINGS, FRAMINGS, HEADERS, LABELS, OUTSIDE, PLACES, Ask, Request
from prove.client import converse
from prove.machines import MODEL, Machine
from prove.tally import Tally
from prove.verdict import Verdict
from prove.worlds import Policy
from support.gateway import Clock, start_gateway, stop_gateway
from support.litellm import python_with_litellm
from support.serving import PROJECT, clean_environment, ended_unless_it_speaks

KEY = "SCRIPTED_API_KEY"
FAULTS = (
    "ok",
    "redirect to the cloud",
    "another redirect to the cloud",
    "ok",
    "503 with a rest",
    "reset",
    "silence",
    "garbage",
    "an error event",
)
QUICK, LONG = 6, 60
"""Requests per fault."""
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


def policy(own: str, cloud: str) -> Policy:
    """Both sides are reached through the adapter."""

    def backend(zone: str, url: str, **more: Any) -> dict[str, Any]:
        served = {"chat": {"model": f"openai/{MODEL}", "price": {"input": 1.0, "output": 1.0}}}
        timeouts = {"first_byte_timeout": "2s", "idle_timeout": "1s"}
        return {
            "zone": zone,
            "kind": "litellm",
            "api_base": url,
            "api_key": f"env:{KEY}",
            "serves": served,
            **timeouts,
            **more,
        }

    return {
        "version": 1,
        "zones": {"local": {"owned": True}, "cloud": {}},
        "backends": {"gpu": backend("local", own, cost={"usd_per_hour": 1.0}), "api": backend("cloud", cloud)},
        "models": {"chat": {"backends": ["gpu", "api"]}},
        "sensitivity": {
            "levels": {"public": ["local", "cloud"], "internal": ["local", "cloud"], "restricted": ["local"]},
            "default": "public",
            "tags": {"phi": ["local"], "eu": ["local"]},
            "detectors": [{"find": sorted(FINDINGS), "raise_to": "restricted"}],
        },
        "rules": [],
        "cost": {"strategy": "local_first"},
        "retry": {"attempts": 3, "deadline": "8s", "backoff": "5ms", "budget": 1.0},
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


async def through(folder: Path, drawn: list[Ask], each: int) -> Tally:
    """`each` requests for every fault of the own machine."""
    cloud, proxy = Machine("us-1"), Machine("proxy-1")
    own = Machine("own-1", cloud.url)
    machines = (own, cloud, proxy)
    for machine in machines:
        await machine.become("ok")
    told = policy(own.url, cloud.url)
    text = json.dumps(told)
    requests = [Request(number, ask) for number, ask in enumerate(drawn)]
    tally = Tally(worlds=1)
    try:
        with adapter(folder, text, proxy) as path:
            gateway = await start_gateway(folder, text.replace("%", "%%"), {}, cast(Clock, time.time), path)
            try:
                for at, fault in enumerate(FAULTS):
                    await own.become(fault)
                    group = requests[at * each : (at + 1) * each]
                    await asyncio.gather(*(_ask(gateway.port, request) for request in group))
            finally:
                await stop_gateway(gateway)
    finally:
        for machine in machines:
            machine.stop()
    named = json.loads(text.replace(own.url, "@own-1@").replace(cloud.url, "@us-1@"))
    for backend in named["backends"].values():
        backend["url"] = backend["api_base"]
    Verdict([named], tally).judge(requests, machines)
    return tally


async def _ask(port: int, request: Request) -> None:
    def sending(each: Request) -> None:
        each.sent = True

    await asyncio.wait_for(converse(port, [request], False, sending, lambda each: None), 20)


def drawn(number: int) -> list[Ask]:
    """The same at every run: each says, hides or carries something else."""
    dice = random.Random(number)
    forms = [{"stream": stream, "framing": framing} for stream in (False, True) for framing in FRAMINGS]
    return [Ask(**dice.choice(_kinds(dice)), **dice.choice(forms)) for _ in range(number)]


def _kinds(dice: random.Random) -> list[dict[str, Any]]:
    return [
        {},
        {"endpoint": "messages"},
        {"endpoint": "messages", "finding": dice.choice(sorted(FINDINGS))},
        {"endpoint": "responses"},
        {"endpoint": "responses", "finding": dice.choice(sorted(FINDINGS))},
        {"finding": dice.choice(sorted(FINDINGS))},
        {"label": LABELS[1]},
        {"unreadable": dice.choice(("image", OUTSIDE))},
        {"place": dice.choice(HEADERS), "finding": "credit_card"},
        {"place": dice.choice(PLACES[:9]), "finding": "iban", "disguise": dice.choice(DISGUISES)},
    ]


def played(folder: Path, each: int) -> Tally:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(through(folder, drawn(each * len(FAULTS)), each))


def check(tally: Tally) -> None:
    print(f"\n{tally}")
    assert not tally.leaks, tally.leaks
    assert not tally.wrongs, tally.wrongs
    assert tally.restricted and tally.received["own"] and tally.answered["restricted, own"]
    assert tally.received["us"] and not tally.received["outside"]
    assert {fault for fault in FAULTS if "redirect" in fault} <= tally.faults.keys()


def test_nothing_restricted_leaves_through_the_adapter(tmp_path: Path) -> None:
    check(played(tmp_path, QUICK))


@pytest.mark.prove
def test_nothing_restricted_leaves_through_the_adapter_in_many_requests(tmp_path: Path) -> None:
    check(played(tmp_path, LONG))


def test_an_adapter_that_does_as_it_is_told_is_caught(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(OBEDIENT)
    assert played(tmp_path, QUICK).received["outside"]
