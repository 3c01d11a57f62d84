from __future__ import annotations

from router.core.sizing.shape import ModelShape


def test_parts_add_up(experts: ModelShape) -> None:
    assert experts.parameters.total == 1000 + 8000 + 500 + 10
    assert experts.layers == 10


def test_a_token_passes_its_experts_and_what_makes_scores(experts: ModelShape, dense: ModelShape) -> None:
    assert experts.active_parameters == 1000 + 8000 / 4 + 500
    assert dense.active_parameters == dense.parameters.linear + dense.parameters.head
