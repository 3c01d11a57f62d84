from __future__ import annotations

import pytest
from msgspec.structs import replace

from router.core.sizing.cards import Card
from router.core.sizing.fit import Setup, fit
from router.core.sizing.overhead import Overhead
from router.core.sizing.quantization import BF16, FP8
from router.core.sizing.shape import ModelShape
from router.core.sizing.speed import speed
from router.core.sizing.weights import bytes_read_per_step

SETUP = Setup(BF16, 1024)


def test_a_single_conversation_waits_for_the_weights(dense: ModelShape, card: Card, release: Overhead) -> None:
    found = speed(dense, card, SETUP, fit(dense, card, SETUP, release))
    read = bytes_read_per_step(dense, BF16, 1) + 1024 * 10240
    assert found.one == pytest.approx(100e9 / read)
    assert found.decode_bound == "bandwidth"


def test_as_many_run_as_fit_or_may(dense: ModelShape, card: Card, release: Overhead) -> None:
    fitted = fit(dense, card, SETUP, release)
    assert speed(dense, card, SETUP, fitted).conversations == int(fitted.conversations) < 256
    assert speed(dense, card, replace(SETUP, running=8), fitted).conversations == 8


def test_prompts_wait_for_arithmetic(dense: ModelShape, card: Card, release: Overhead) -> None:
    fitted = fit(dense, card, SETUP, release)
    assert speed(dense, card, SETUP, fitted).prefill == pytest.approx(10e12 / (2 * dense.active_parameters))
    assert speed(dense, card, replace(SETUP, quantization=FP8), fitted).prefill == pytest.approx(
        20e12 / (2 * dense.active_parameters)
    )
    without = replace(card, fp8_tflops=None)
    assert speed(dense, without, replace(SETUP, quantization=FP8), fitted).prefill == pytest.approx(
        10e12 / (2 * dense.active_parameters)
    )


def test_answers_may_wait_for_arithmetic_too(dense: ModelShape, card: Card, release: Overhead) -> None:
    slow = replace(card, half_tflops=0.001)
    found = speed(dense, slow, SETUP, fit(dense, slow, SETUP, release))
    assert found.decode_bound == "arithmetic"
    assert found.decode == pytest.approx(found.prefill)


def test_a_mix_takes_turns(dense: ModelShape, card: Card, release: Overhead) -> None:
    found = speed(dense, card, SETUP, fit(dense, card, SETUP, release))
    assert found.blended(1.0) == pytest.approx(found.decode)
    assert found.blended(0.0) == pytest.approx(found.prefill)
    assert found.blended(0.25) == pytest.approx(1 / (0.25 / found.decode + 0.75 / found.prefill))
    assert found.blended(0.25, 0.75) == pytest.approx(found.decode / 0.25)
