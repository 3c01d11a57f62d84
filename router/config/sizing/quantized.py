"""What a `config.json` says of how its weights were made smaller (`quantization_config`)."""

from __future__ import annotations

from router.config.sizing.fields import Fields
from router.core.sizing.quantization import FP8, GROUP, MXFP4, Quantization, grouped

_METHODS = ("awq", "gptq", "fp8", "mxfp4", "compressed-tensors")


def quantization_of(said: Fields | None) -> Quantization | None:
    """None where the file has no such part, or says something that is not counted, which was noted."""
    if said is None:
        return None
    method = said.text("quant_method")
    if method in ("awq", "gptq"):
        return grouped(method, said.size("bits", default=4), _group(said))
    if method == "fp8":
        return FP8
    if method == "mxfp4":
        return MXFP4
    if method == "compressed-tensors":
        return _compressed(said)
    said.wrong("quant_method", f'"{method}" is not counted yet: one of {", ".join(_METHODS)}')
    return None


def _compressed(said: Fields) -> Quantization | None:
    """By the first group of layers; all others are as a rule left as they were."""
    groups = said.part("config_groups")
    weights = next((part for each in (groups.values() if groups else ()) if (part := each.part("weights"))), None)
    if weights is None:
        said.wrong("config_groups", "no group says how its weights are kept: `weights: {num_bits, group_size}`")
        return None
    bits = weights.size("num_bits")
    group = 0 if weights.text("strategy") in ("channel", "tensor", "block") else _group(weights)
    if bits == 8:
        return Quantization("fp8" if weights.text("type") == "float" else "int8", 8)
    return grouped(f"int{bits}", bits, group, zeros=not weights.flag("symmetric", default=True))


def _group(said: Fields) -> int:
    """-1 stands for whole rows."""
    return 0 if said.equals("group_size", -1) else said.size("group_size", default=GROUP)
