from __future__ import annotations

import pytest

from router.core.sizing.cards import HUGE, LARGE, SMALL, Batch, Card


@pytest.mark.parametrize(
    ("name", "memory", "defaults"),
    [("L4", 22, SMALL), ("A100-80", 79, SMALL), ("H100", 79, LARGE), ("B200", 178, HUGE)],
)
def test_what_vllm_lets_run_at_once(name: str, memory: float, defaults: Batch) -> None:
    assert Card(name, memory, 1.0, 1.0).defaults == defaults


def test_memory_is_in_bytes() -> None:
    assert Card("any", 2, 1.0, 1.0).memory == 2 * 1024**3
