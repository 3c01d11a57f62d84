from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from router.core.power.policy import Power, limits

ADAPTER: TypeAdapter[Power] = TypeAdapter(Power)
RUN = {"run": ["true"]}
COMMAND = {"driver": "command", "start": RUN, "stop": RUN, "look": RUN}


def process(**launch: Any) -> dict[str, Any]:
    return {"driver": "process", "launch": {"model": "m"} | launch}


@pytest.mark.parametrize(
    "given", [process(), COMMAND, {"driver": "kubernetes", "name": "vllm"}, {"driver": "sleep"}], ids=str
)
def test_every_driver_has_the_same_limits(given: dict[str, Any]) -> None:
    power = ADAPTER.validate_python(given)
    assert power.driver == given["driver"]
    assert (power.mode, power.units, power.wake_for, power.schedule) == ("auto", 1, None, None)
    assert (power.start_time, power.start_timeout, power.drain) == (300, 900, 120)
    assert (power.min_on, power.min_off) == (1800, 300)


def test_every_driver_is_tried_above() -> None:
    assert len(get_args(get_args(Power)[0])) == 4


def test_what_a_launch_says() -> None:
    given = process(quantization="awq", gpu_memory_utilization=0.9, args=["--trust-remote-code"], env={"A_1": "env:A"})
    power = ADAPTER.validate_python(given | {"schedule": "08-20 Mon-Fri", "wake_for": ["restricted"]})
    assert power.driver == "process"
    assert power.launch.args == ("--trust-remote-code",) and power.launch.env == {"A_1": "env:A"}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (process() | {"start_time": "20m"}, "every start would fail"),
        (process() | {"mode": "never", "schedule": "08-20"}, "leaves nothing to a schedule"),
        (process() | {"schedule": "8-20"}, "two-digit hours"),
        (process(args=["--port=1"]), "args may not hold --port: the backend's url"),
        (process(args=["--served_model_name", "x"]), "args may not hold --served-model-name"),
        (process(args=["--tensor-parallel-size=8"]), "--tensor-parallel-size: launch.tensor_parallel_size says it"),
        (process(args=["-tp", "8"]), "args may not hold -tp: launch.tensor_parallel_size says it"),
        (process(args=["--max_model_len", "8"]), "args may not hold --max-model-len: launch.max_model_len says it"),
        (process(args=["--api-key", "x"]), "seen by every user"),
        (process(model="a\0b"), "zero byte"),
        (process(env={"1A": "x"}), "pattern"),
        (COMMAND | {"start": {"run": []}}, "at least 1"),
        (COMMAND | {"start": "sky start"}, "Command"),
        ({"driver": "kubernetes", "name": "../secrets"}, "pattern"),
        ({"driver": "sleep", "timeout": "0s"}, "above 0s"),
    ],
)
def test_what_cannot_work_is_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        ADAPTER.validate_python(given)


def test_the_limits_are_the_settings_that_every_driver_has() -> None:
    assert {"mode", "units", "min_on", "schedule"} <= limits()
    assert not {"driver", "launch", "card"} & limits()
