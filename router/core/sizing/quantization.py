"""How many bytes a parameter takes, by how weights were made smaller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

QuantizationName = Literal["bf16", "fp8", "awq", "gptq"]


class Quantization(Struct, frozen=True):
    """What linear layers are kept as; embeddings, the head, norms and routers stay as they were."""

    name: str
    bits: float
    group: int = 0
    """Weights that share a scale; 0 for whole rows or matrices, whose scales are not worth counting."""
    group_bits: float = 0.0
    """Of a group's scale, and of its zero where it has one."""
    experts_only: bool = False
    """Attention stays as it was, too."""
    padding: int = 1
    """An expert's width is filled up to a multiple of this when it is loaded."""

    capability: float = 7.5
    """Cards that vLLM has code for it on have at least this: `get_min_capability` in
    model_executor/layers/quantization/ of vLLM 0.32."""

    @property
    def bytes_per_parameter(self) -> float:
        return (self.bits + (self.group_bits / self.group if self.group else 0.0)) / 8


HALF = 2.0
"""Bytes of a parameter that is not quantized: bfloat16 or float16."""
GROUP = 128
BF16 = Quantization("bf16", 16)
FP8 = Quantization("fp8", 8)
MXFP4 = Quantization("mxfp4", 4, group=32, group_bits=8, experts_only=True, padding=256, capability=8.0)
"""OCP Microscaling Formats 1.0: 32 numbers of 4 bits share a scale of 8. vLLM fills experts of 2,880 up to 3,072, as
its own log shows in published measurements (13.47 and 64.38 GiB for 21 and 117 billion parameters)."""


def grouped(name: str, bits: int = 4, group: int = GROUP, *, zeros: bool = True) -> Quantization:
    """AWQ (arXiv 2306.00978) and GPTQ (arXiv 2210.17323): per group a scale of 16 bits, and a zero as wide as a
    weight."""
    return Quantization(name, bits, group, 16 + (bits if zeros else 0))


QUANTIZATIONS: Mapping[QuantizationName, Quantization] = {
    "bf16": BF16,
    "fp8": FP8,
    "awq": grouped("awq"),
    "gptq": grouped("gptq"),
}
