"""What a card holds of a model's weights."""

from __future__ import annotations

from router.core.sizing.quantization import HALF, Quantization
from router.core.sizing.shape import ModelShape


def weight_bytes(shape: ModelShape, quantization: Quantization, cards: int = 1) -> float:
    """On each of `cards`, among which matrices and the vocabulary are divided; norms and routers are on every one.

    linear·(bits + group_bits/group)/8 + 2·(embedding + head + other)
    """
    parts = shape.parameters
    small = quantization.bytes_per_parameter
    linear = parts.linear * (HALF if quantization.experts_only else small)
    experts = parts.experts * small * _filled_up(shape.expert_width, quantization.padding)
    return (linear + experts + HALF * (parts.embedding + parts.head)) / cards + HALF * parts.other


def _filled_up(width: int, multiple: int) -> float:
    return -(-width // multiple) * multiple / width if width else 1.0


def bytes_read_per_step(shape: ModelShape, quantization: Quantization, tokens: int, cards: int = 1) -> float:
    """Weights that a step of so many tokens has to read on each card: every expert that one of them passes.

    With k of n experts per token, chosen evenly, a step of t tokens passes n·(1 - (1 - k/n)^t) of them.
    """
    parts = shape.parameters
    touched = 1 - (1 - shape.expert_share) ** tokens if parts.experts else 0.0
    unused = parts.experts * quantization.bytes_per_parameter * (1 - touched) / cards
    rows = 0.0 if not parts.head else HALF * parts.embedding / cards
    return weight_bytes(shape, quantization, cards) - unused - rows
