"""The whole gateway with a GPU that it switches: a request that may not leave wakes it, and nobody starts it twice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.engines import free_port
from support.serving import Serving, clean_environment, eventually, wait_for_end

UNIT = Path(__file__).parents[1] / "support" / "unit.py"
POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu:
    zone: local
    kind: vllm
    url: "http://127.0.0.1:%(port)s/v1"
    serves: {chat: simulated-llama}
    cost: {usd_per_hour: 3600}
    power:
      driver: command
      start: {run: [%(python)s, %(unit)s, start, %(folder)s, "%(port)s"]}
      stop: {run: [%(python)s, %(unit)s, stop, %(folder)s, "%(port)s"]}
      look: {run: [%(python)s, %(unit)s, look, %(folder)s, "%(port)s"]}
      start_time: 2s
      min_on: 0s
      min_off: 0s
      drain: 1s
  api: {zone: cloud, kind: openai, url: "%(api)s", serves: {chat: {model: gpt-4o-mini, price: {input: 1, output: 2}}}}
models: {chat: {backends: [gpu, api]}}
sensitivity: {levels: {public: [local, cloud], restricted: [local]}, default: public}
health: {probe_interval: 100ms}
"""
RESTRICTED = {"x-breakeven-sensitivity": "restricted"}


class Unit:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = str(free_port())

    def __call__(self, action: str) -> str:
        command = [sys.executable, str(UNIT), action, str(self.folder), self.port]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout.strip()

    @property
    def starts(self) -> int:
        file = self.folder / "starts"
        return len(file.read_text().splitlines()) if file.exists() else 0


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[Unit]:
    (tmp_path / "unit").mkdir()
    made = Unit(tmp_path / "unit")
    yield made
    made("stop")


@pytest.fixture
def switched(tmp_path: Path, unit: Unit, pretended: dict[str, str]) -> Path:
    path = tmp_path / "policy.yaml"
    given = {"port": unit.port, "python": sys.executable, "unit": UNIT, "folder": unit.folder, "api": pretended["api"]}
    path.write_text(POLICY % given)
    return path


def power(serving: Serving, *words: str) -> Any:
    command = [sys.executable, "-m", "router", "power", *words, "--data-dir", str(serving.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=clean_environment())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if "--json" in words else done.stdout


def phase(serving: Serving) -> str:
    found = power(serving, "status", "--json")["backends"]
    return found["gpu"]["phase"] if found else ""


def test_a_request_that_may_not_leave_wakes_it_and_it_goes_when_idle(serve, switched, unit):
    serving = serve(switched)
    eventually(lambda: phase(serving) == "off")
    free = serving.ask(max_tokens=1)
    assert (free.status, free.headers["x-breakeven-backend"], free.headers["x-breakeven-reason"]) == (
        200,
        "api",
        "gpu-off",
    )
    assert unit.starts == 0
    held = serving.ask(max_tokens=1, headers=RESTRICTED)
    assert (held.status, held.headers["x-breakeven-backend"]) == (200, "gpu")
    assert unit.starts == 1 and unit("look") == "on"
    eventually(lambda: unit("look") == "off", seconds=60)
    eventually(lambda: phase(serving) == "off")
    told = power(serving, "why", "gpu")
    assert "off -> starting (waiting)" in told and "Next: Unit 1 is started when" in told


def test_a_control_plane_that_is_killed_finds_what_is_on_and_takes_orders(serve, switched, unit):
    serving = serve(switched)
    eventually(lambda: phase(serving) == "off")
    power(serving, "on", "gpu")
    eventually(lambda: phase(serving) == "on", seconds=60)
    (process,) = serving.children("router.app.control_plane")
    process.kill()
    wait_for_end(process)
    assert unit("look") == "on"
    eventually(lambda: serving.ask(max_tokens=1).headers["x-breakeven-reason"] == "gpu-on", seconds=60)
    power(serving, "off", "gpu")
    eventually(lambda: unit("look") == "off", seconds=90)
    eventually(lambda: phase(serving) == "off", seconds=60)
    assert unit.starts == 1
