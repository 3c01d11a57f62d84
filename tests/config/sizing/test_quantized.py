from __future__ import annotations

from typing import Any

import pytest

from router.config.problems import Finding
from router.config.sizing.fields import Fields
from router.config.sizing.quantized import quantization_of
from router.core.sizing.quantization import FP8, MXFP4, Quantization, grouped


def said(**data: Any) -> tuple[Quantization | None, list[Finding]]:
    findings: list[Finding] = []
    return quantization_of(Fields(data, findings)), findings


def compressed(**weights: Any) -> dict[str, Any]:
    return {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": weights}}}


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, grouped("awq")),
        ({"quant_method": "gptq", "bits": 8, "group_size": 32}, grouped("gptq", 8, 32)),
        ({"quant_method": "gptq", "bits": 4, "group_size": -1}, grouped("gptq", 4, 0)),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, FP8),
        ({"quant_method": "mxfp4"}, MXFP4),
        (compressed(num_bits=8, type="float", strategy="channel"), Quantization("fp8", 8)),
        (compressed(num_bits=8, type="int", strategy="channel"), Quantization("int8", 8)),
        (
            compressed(num_bits=4, type="int", strategy="group", group_size=128, symmetric=True),
            grouped("int4", zeros=False),
        ),
        (compressed(num_bits=4, type="int", strategy="channel", symmetric=False), grouped("int4", 4, 0)),
    ],
)
def test_how_weights_are_kept(data: dict[str, Any], found: Quantization) -> None:
    assert said(**data) == (found, [])


def test_where_nothing_is_said() -> None:
    assert quantization_of(None) is None


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"quant_method": "bitsandbytes"}, ("quant_method",)),
        ({}, ("quant_method",)),
        ({"quant_method": "compressed-tensors"}, ("config_groups",)),
        ({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": None}}}, ("config_groups",)),
        (compressed(num_bits="4"), ("config_groups", "group_0", "weights", "num_bits")),
        ({"quant_method": "awq", "group_size": "128"}, ("group_size",)),
    ],
)
def test_what_is_not_counted_is_said(data: dict[str, Any], path: tuple[str, ...]) -> None:
    _, findings = said(**data)
    assert findings[0].path == path
