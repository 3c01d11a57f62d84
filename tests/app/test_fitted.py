"""A backend's shape is found in the records of a whole gateway, and simulated answers take as long as recorded ones."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.serving import PROJECT, Pretended, clean_environment, eventually

from router.simulate.fit import fit, told
from router.simulate.readers.registry import read
from router.simulate.shape import Shape
from router.simulate.traffic_of import in_order

POLICY = """
version: 1
zones: {local: {owned: true}}
backends:
  gpu: {zone: local, kind: vllm, url: "%s", serves: {chat: simulated-llama}, cost: {usd_per_hour: 1.59}}
models: {chat: {backends: [gpu]}}
health: {probe_interval: 100ms}
"""
SPEED, FIRST = 50.0, 0.1
GUESSED = Shape(speed=40.0, first_byte=0.02)


def asks(number: int) -> list[Mapping[str, object]]:
    draw = random.Random(1)
    return [
        {
            "messages": [{"role": "user", "content": "word " * draw.randint(5, 200)}],
            "max_tokens": draw.randint(10, 60),
            "stream": draw.random() < 0.8,
        }
        for _ in range(number)
    ]


@pytest.mark.prove
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("slots", "at_once"), [(3, 1), (2, 5), (3, 6), (5, 16)])
def test_what_a_pretended_vllm_did_is_found_in_its_records(serve, tmp_path: Path, slots: int, at_once: int) -> None:
    """One after the other, which says nothing of slots, and more at once than it has slots, so that some wait in its
    queue all the time."""
    settings = ("--tokens-per-second", str(SPEED), "--first-token", str(FIRST), "--slots", str(slots))
    backend = Pretended.start("vllm", *settings)
    try:
        policy = tmp_path / "policy.yaml"
        policy.write_text(POLICY % backend.url)
        serving = serve(policy, "--workers", "1")
        eventually(lambda: serving.ready()["backends"] == {"gpu": "healthy"})
        with ThreadPoolExecutor(at_once) as pool:
            assert set(pool.map(lambda body: serving.ask(**body).status, asks(80 + 10 * at_once))) == {200}
        path = tmp_path / "records.jsonl"
        command = [sys.executable, "-m", "router", "export", "--output", str(path), "--data-dir", str(serving.data_dir)]
        subprocess.run(command, check=True, timeout=60, env=clean_environment(), cwd=PROJECT)
    finally:
        backend.stop()
    [found] = fit(in_order(read(path)), {"gpu": GUESSED})
    print(told(found))
    assert found.shape.speed == pytest.approx(SPEED, rel=0.2)
    assert found.half_within < 0.25
    assert found.shape.slots == (slots if at_once > slots else None)
