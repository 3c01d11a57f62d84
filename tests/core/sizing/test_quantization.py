from __future__ import annotations

import pytest

from router.core.sizing.quantization import BF16, FP8, MXFP4, QUANTIZATIONS, grouped


def test_a_group_brings_its_scale_and_its_zero() -> None:
    assert grouped("awq").bytes_per_parameter == pytest.approx((4 + 20 / 128) / 8)
    assert grouped("int4", zeros=False).bytes_per_parameter == pytest.approx((4 + 16 / 128) / 8)
    assert grouped("gptq", 4, 0).bytes_per_parameter == 0.5
    assert MXFP4.bytes_per_parameter == 4.25 / 8


def test_what_has_no_groups() -> None:
    assert (BF16.bytes_per_parameter, FP8.bytes_per_parameter) == (2, 1)
    assert set(QUANTIZATIONS) == {"bf16", "fp8", "awq", "gptq"}
