from __future__ import annotations

import pytest

from router.core.sizing.quantization import BF16, FP8, MXFP4
from router.core.sizing.shape import ModelShape
from router.core.sizing.weights import bytes_read_per_step, weight_bytes
from tests.core.sizing.conftest import GIB


def test_embeddings_and_norms_stay_as_they_were(dense: ModelShape) -> None:
    assert weight_bytes(dense, BF16) == GIB + GIB / 4 + 2048
    assert weight_bytes(dense, FP8) == GIB / 2 + GIB / 4 + 2048


def test_cards_divide_all_but_the_norms(dense: ModelShape) -> None:
    assert weight_bytes(dense, BF16, 2) == (GIB + GIB / 4) / 2 + 2048


def test_where_experts_alone_are_small_they_are_filled_up(experts: ModelShape) -> None:
    filled = 8000 * 4.25 / 8 * 256 / 100
    assert weight_bytes(experts, MXFP4) == pytest.approx(2 * 1000 + filled + 2 * 500 + 2 * 10)


def test_a_step_reads_the_experts_that_one_of_its_tokens_passes(experts: ModelShape) -> None:
    whole = weight_bytes(experts, BF16)
    assert bytes_read_per_step(experts, BF16, 1) == pytest.approx(whole - 2 * 8000 * 0.75)
    assert bytes_read_per_step(experts, BF16, 2) == pytest.approx(whole - 2 * 8000 * 0.75**2)
    assert bytes_read_per_step(experts, BF16, 1000) == pytest.approx(whole)


def test_a_step_reads_rows_of_an_embedding_and_all_of_a_head(dense: ModelShape) -> None:
    assert bytes_read_per_step(dense, BF16, 7) == weight_bytes(dense, BF16) - GIB / 8
