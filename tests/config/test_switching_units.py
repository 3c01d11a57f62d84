from __future__ import annotations

from typing import Any

import pytest

from router.config.switching_units import acts_otherwise
from router.core.policy import Policy

PROCESS = {"driver": "process", "launch": {"model": "m"}}
COMMAND = {"driver": "command"} | {name: {"run": [name]} for name in ("start", "stop", "look")}
KUBERNETES = {"driver": "kubernetes", "name": "vllm"}


def policy(power: dict[str, Any] | None, name: str = "gpu") -> Policy:
    vllm = {"zone": "local", "kind": "vllm", "url": "http://127.0.0.1:8000/v1", "serves": {"chat": "m"}}
    sections = {"zones": {"local": {"owned": True}}, "models": {"chat": {"backends": [name]}}}
    return Policy.model_validate({"version": 1, "backends": {name: vllm | {"power": power}}} | sections)


@pytest.mark.parametrize("power", [PROCESS, COMMAND, KUBERNETES, None])
def test_limits_may_be_edited_and_power_taken_off(power: dict[str, Any] | None) -> None:
    before = policy(power)
    assert acts_otherwise(before, before) == acts_otherwise(before, policy(None)) == ""
    if power is not None:
        assert acts_otherwise(before, policy(power | {"mode": "never", "min_on": "1h", "units": 2})) == ""


def test_sleeping_runs_nothing_here() -> None:
    assert acts_otherwise(policy(None), policy({"driver": "sleep"})) == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, PROCESS),
        (PROCESS, COMMAND),
        (PROCESS, PROCESS | {"launch": {"model": "m", "python": "/tmp/mine/bin/python"}}),
        (PROCESS, PROCESS | {"launch": {"model": "m", "env": {"LD_PRELOAD": "/tmp/mine.so"}}}),
        (COMMAND, COMMAND | {"look": {"run": ["curl"]}}),
        (COMMAND, COMMAND | {"env": {"PATH": "/tmp"}}),
        (KUBERNETES, KUBERNETES | {"namespace": "kube-system"}),
        (KUBERNETES, KUBERNETES | {"kubeconfig": "/tmp/mine"}),
    ],
)
def test_what_a_driver_acts_on_may_not(before: dict[str, Any] | None, after: dict[str, Any]) -> None:
    said = acts_otherwise(policy(before), policy(after))
    assert said.startswith("backends.gpu.power would let") and "only in the file itself" in said


def test_another_name_is_another_backend() -> None:
    assert acts_otherwise(policy(PROCESS, "gpu"), policy(PROCESS, "other")) != ""
