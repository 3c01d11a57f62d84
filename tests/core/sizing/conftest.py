"""Small models and cards, whose figures can be checked by hand."""

from __future__ import annotations

import pytest

from router.core.sizing.cards import Card, PriceSeen
from router.core.sizing.overhead import Overhead
from router.core.sizing.shape import KvLayers, ModelShape, Parameters

GIB = 1024**3


@pytest.fixture
def dense() -> ModelShape:
    """A gigabyte of matrices, and a quarter of one for the vocabulary."""
    return ModelShape(
        hidden=1024,
        vocabulary=65_536,
        context=8192,
        heads=16,
        kv_heads=4,
        intermediate=(4096,),
        kv=(KvLayers(10, 2 * 4 * 64, 4),),
        parameters=Parameters(linear=GIB // 2, experts=0, embedding=GIB // 16, head=GIB // 16, other=1024),
    )


@pytest.fixture
def experts() -> ModelShape:
    """8 experts, of which a token passes 2."""
    return ModelShape(
        hidden=1024,
        vocabulary=65_536,
        context=8192,
        heads=16,
        kv_heads=4,
        intermediate=(100,),
        kv=(KvLayers(10, 2 * 4 * 64, 4),),
        parameters=Parameters(linear=1000, experts=8000, embedding=500, head=0, other=10),
        expert_share=0.25,
        expert_width=100,
    )


@pytest.fixture
def release() -> Overhead:
    return Overhead("0.19", 0.1, 14.5, {1: 0.25, 2: 2.0}, 0.9, "somebody", "2026-11", experts=0.5, pictures=0.25)


@pytest.fixture
def card() -> Card:
    return Card("Small", 4.0, 100.0, 10.0, 20.0, PriceSeen(1.0, 2.0, "2026-11", "a list"))
