"""Over how many cards a model may be spread (tensor parallelism)."""

from __future__ import annotations

from router.core.sizing.quantization import Quantization
from router.core.sizing.shape import ModelShape

DEGREES = (1, 2, 4, 8)
"""That machines come with."""
_VOCABULARY_STEP = 64
"""vLLM fills the vocabulary up to a multiple of this."""


def degrees(shape: ModelShape, quantization: Quantization) -> tuple[int, ...]:
    """Those of `DEGREES` by which everything can be divided."""
    return tuple(cards for cards in DEGREES if not hindrance(shape, quantization, cards))


def hindrance(shape: ModelShape, quantization: Quantization, cards: int) -> str:
    """What cannot be divided by so many cards, in words; empty where all can.

    Heads have to, and the vocabulary; heads of keys and values too, or they are on several cards each. With groups of
    weights that share a scale, no group may lie on two cards.
    """
    if shape.heads % cards:
        return f"{shape.heads} attention heads cannot be divided among {cards} cards"
    if shape.kv_heads % cards and cards % shape.kv_heads:
        return f"{shape.kv_heads} heads of keys and values cannot be divided among {cards} cards"
    if (-(-shape.vocabulary // _VOCABULARY_STEP) * _VOCABULARY_STEP) % cards:
        return f"a vocabulary of {shape.vocabulary:,} cannot be divided among {cards} cards"
    for width in shape.intermediate:
        if width % cards:
            return f"a feed-forward width of {width:,} cannot be divided among {cards} cards"
        if quantization.group and cards > 1 and not quantization.experts_only and (width // cards) % quantization.group:
            return (
                f"a feed-forward width of {width:,} on {cards} cards leaves {width // cards:,} each, which is no whole"
                f" number of groups of {quantization.group}"
            )
    return ""
