"""What is computed, against what vLLM's own log said on H100, as others published it.

empirical  github.com/llm-d-incubation/llm-d-planner, docs/empirical-vllm-memory-results.md, and for what failed
           config_explorer/empirical-vllm-memory-results.md of github.com/llm-d/llm-d-benchmark
accuracy   github.com/llm-d-incubation/llm-d-planner, accuracy/accuracy_report.md: 54 runs of 35 models
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from router.config.sizing.catalogue import load_catalogue
from router.core.sizing.cards import GIB
from router.core.sizing.fit import Fit, Setup, fit
from router.core.sizing.overhead import overhead_of
from router.core.sizing.quantization import QUANTIZATIONS

CATALOGUE = load_catalogue()
RUNS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "published.yaml").read_text())


def name_of(run: dict[str, Any]) -> str:
    return f"{run['model']}-{run.get('quantization', 'whole')}-x{run.get('cards', 1)}-{run['vllm']}-{run['context']}"


def computed(run: dict[str, Any]) -> Fit:
    config = CATALOGUE.models[run["model"]].read()
    quantization = QUANTIZATIONS[run["quantization"]] if "quantization" in run else config.quantization
    setup = Setup(quantization, run["context"], utilization=run["utilization"], kv_bytes=run.get("kv_bytes", 2))
    release = overhead_of(run["vllm"], CATALOGUE.releases)
    return fit(config.shape, CATALOGUE.cards["H100"], setup, release, run.get("cards", 1))


@pytest.mark.parametrize("run", [run for run in RUNS if "weights" in run], ids=name_of)
def test_weights_are_within_two_percent(run: dict[str, Any]) -> None:
    assert computed(run).weights / GIB == pytest.approx(run["weights"], rel=0.02)


@pytest.mark.parametrize("run", [run for run in RUNS if "room" in run], ids=name_of)
def test_room_for_the_kv_cache_is_within_five_percent(run: dict[str, Any]) -> None:
    found = computed(run)
    assert found.fits
    assert found.room / GIB == pytest.approx(run["room"], rel=0.05)


@pytest.mark.parametrize("run", [run for run in RUNS if "tokens" in run], ids=name_of)
def test_so_are_the_tokens_that_fit(run: dict[str, Any]) -> None:
    assert computed(run).tokens == pytest.approx(run["tokens"], rel=0.05)


@pytest.mark.parametrize("run", [run for run in RUNS if run.get("fails")], ids=name_of)
def test_what_failed_does_not_fit(run: dict[str, Any]) -> None:
    assert not computed(run).fits


def test_there_is_a_measurement_of_every_kind() -> None:
    assert len(RUNS) >= 30
    assert sum(run.get("fails", False) for run in RUNS) == 3
    assert {run.get("cards", 1) for run in RUNS} == {1, 2, 4}
