"""A policy and its simulation, for tests that say only what they are about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from router.config.load import plan_of
from router.core.values import Plan
from router.simulate.requests import RecordedRequest
from router.simulate.shape import Shape, assumed
from router.simulate.simulation import Simulation

MONDAY = 1_778_457_600.0
"""A midnight, in UTC."""
POWER = """
    power:
      driver: command
      start: {run: ["true"]}
      stop: {run: ["true"]}
      look: {run: ["true"]}
"""
POLICY = """\
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu:
    zone: local
    kind: vllm
    url: http://127.0.0.1:8000/v1
    serves: {chat: llama}
    cost: {usd_per_hour: 1.0}
    capacity: {tokens_per_second: 1000, max_running: 8, queue_timeout: 30s}
POWER
  api:
    zone: cloud
    kind: openai
    url: https://api.example.com/v1
    serves: {chat: {model: big, price: {input: 2.0, output: 10}}}
models: {chat: {backends: [gpu, api]}}
sensitivity:
  levels: {internal: [local, cloud], restricted: [local]}
  default: internal
  tags: {patient: [local]}
"""


def plan(text: str = POLICY, power: str = "", **changes: str) -> Plan:
    """`power` is the GPU's section, none when left out; `changes` are put in the place of other texts, by name."""
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    return plan_of(text.replace("POWER\n", power).encode(), "p.yaml", now=datetime(2026, 5, 11, tzinfo=UTC))


def simulation(of: Plan, begin: float = MONDAY, tell: Any = None, **shapes: Shape) -> Simulation:
    zones, mix = of.policy.zones, of.policy.cost.mix
    known = {name: assumed(backend, zones[backend.zone].owned, mix) for name, backend in of.policy.backends.items()}
    return Simulation(of, known | shapes, begin, *([] if tell is None else [tell]))


def played(of: Plan, requests: Iterable[RecordedRequest], **shapes: Shape) -> Simulation:
    done = simulation(of, **shapes)
    done.run(requests)
    return done


def ask(after: float = 0.0, **fields: Any) -> RecordedRequest:
    """So many seconds after Monday's midnight."""
    return RecordedRequest(at=MONDAY + after, **{"input": 1000, "output": 100, **fields})
