from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from router.config.problems import PolicyError
from router.config.sizing.api_price import api_price
from router.config.sizing.catalogue import UnknownNameError, load_catalogue
from router.config.sizing.sizing import (
    USUAL_CARDS,
    Option,
    Sizing,
    Wanted,
    break_evens,
    cards_of,
    checkpoint_of,
    gib,
    quality_of,
    size,
    subject_of,
)
from router.core.power.policy import Launch

CATALOGUE = load_catalogue()


def sized(model: str, *cards: str, **wanted: Any) -> Sizing:
    return size(subject_of(model, CATALOGUE), cards_of(cards or USUAL_CARDS, CATALOGUE), Wanted(**wanted), CATALOGUE)


def option(model: str, card: str, **wanted: Any) -> Option:
    return sized(model, card, **wanted).options[0]


def test_each_card_with_each_way_of_weights() -> None:
    found = sized("llama-3.1-8b")
    assert [(each.quantization, each.gpu) for each in found.options] == [
        (quantization, card) for quantization in ("bf16", "fp8", "awq") for card in USUAL_CARDS
    ]
    assert (found.context, found.concurrency, found.release.since) == (4096, 1, "0.32")


def test_weights_that_are_small_already_are_taken_as_they_are() -> None:
    assert {each.quantization for each in sized("gpt-oss-20b").options} == {"mxfp4"}


def test_a_short_model_has_a_short_context() -> None:
    assert sized("phi-4", context=None).context == 4096
    assert sized("smollm2-135m", context=8192).context == 8192


def test_where_one_card_is_not_enough() -> None:
    found = option("llama-3.3-70b", "H100", quantization="bf16")
    assert found.fit.cards == 2
    assert found.launch["tensor_parallel_size"] == 2


def test_what_fits_nowhere_has_no_figures() -> None:
    found = option("deepseek-r1", "L4")
    assert not found.fit.fits
    assert (found.speed, found.tokens_per_second, found.prices, found.launch) == (None, None, None, {})


@pytest.mark.parametrize(("model", "quantization"), [("llama-3.1-8b", each) for each in ("bf16", "fp8", "awq", "gptq")])
def test_flags_are_taken_by_a_policy_as_they_are(model: str, quantization: str) -> None:
    found = option(model, "H100", quantization=quantization)
    launch = Launch.model_validate(found.launch)
    assert (launch.max_model_len, launch.gpu_memory_utilization) == (4096, 0.92)
    assert found.launch_note == ""


def test_weights_that_were_made_smaller_are_named_and_not_their_method() -> None:
    assert option("llama-3.1-8b", "H100", quantization="awq").launch == {
        "model": "hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4",
        "gpu_memory_utilization": 0.92,
        "max_model_len": 4096,
    }
    assert option("llama-3.1-8b", "H100", quantization="fp8").launch["quantization"] == "fp8"


def test_weights_that_nobody_is_known_to_have_published() -> None:
    found = option("mistral-large-2407", "H100", quantization="awq")
    assert found.launch_note == "no awq weights of it are known: name the repository or folder that has them"


def test_no_fp8_is_made_of_weights_that_are_small_already() -> None:
    found = option("gpt-oss-120b", "H200", quantization="fp8")
    assert "quantization" not in found.launch
    assert found.launch_note == (
        "its own weights are mxfp4, of which vLLM makes no fp8: name the repository or folder that has fp8 weights"
    )


def test_rents_that_were_seen_and_one_that_is_given() -> None:
    seen = option("llama-3.1-8b", "L40S", quantization="awq").prices
    assert seen is not None
    assert (seen.low.per_hour, seen.high.per_hour, seen.seen) == (0.79, 1.55, "2026-11")
    given = option("llama-3.1-8b", "L40S", quantization="awq", rent=1.0, volume=24e6).prices
    assert given is not None
    assert given.low == given.high
    assert given.low.at_volume == pytest.approx(1.0)
    assert option("llama-3.1-8b", "RTX-5090").prices is None
    assert break_evens(given) is None


def test_against_an_api() -> None:
    found = sized("llama-3.1-8b", "L40S", quantization="awq", against=api_price("gpt-4o-mini", datetime.now(UTC)))
    assert found.api_usd_per_million == pytest.approx(0.75 * 0.15 + 0.25 * 0.6)
    prices = found.options[0].prices
    assert prices is not None
    terms = break_evens(prices)
    assert terms is not None
    assert terms[0].tokens_per_day == pytest.approx(0.79 * 24 / 0.2625e-6)


def test_an_older_vllm_leaves_less() -> None:
    def room(version: str) -> float:
        return option("qwen3-14b", "H100", quantization="bf16", version=version).fit.overhead

    assert gib(room("0.16")) > 2 * gib(room("0.17"))


def test_a_config_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(dict(CATALOGUE.models["llama-3.1-8b"].config)))
    for name in (str(tmp_path), str(tmp_path / "config.json")):
        subject = subject_of(name, CATALOGUE)
        assert (subject.name, subject.launched_as) == (tmp_path.name, str(tmp_path))
        assert subject.config == subject_of("llama-3.1-8b", CATALOGUE).config
        found = size(subject, cards_of(["H100"], CATALOGUE), Wanted(), CATALOGUE).options
        assert [each.launch["model"] for each in found] == [str(tmp_path)] * 3
        assert Launch.model_validate(found[0].launch).model == str(tmp_path)
    with pytest.raises(PolicyError):
        subject_of(str(tmp_path / "other.json"), CATALOGUE)


def test_names_that_there_are_not() -> None:
    with pytest.raises(UnknownNameError, match=r'llama-3\.1-8: no such model; did you mean "llama-3\.1-8b"\?'):
        subject_of("llama-3.1-8", CATALOGUE)
    with pytest.raises(UnknownNameError, match=r'H10: no such card; did you mean "H100"\?'):
        cards_of(["H10"], CATALOGUE)


def test_quality_is_that_of_the_weights_that_were_measured() -> None:
    subject = subject_of("llama-3.3-70b", CATALOGUE)
    whole, small = quality_of(subject, "bf16"), quality_of(subject, "gptq")
    assert whole is not None
    assert small is not None
    assert (whole[0].score, whole[1]) == (68.9, None)
    assert (small[0].score, small[1]) == (78.54, 78.67)
    assert quality_of(subject, "awq") is None
    assert quality_of(subject_of("phi-4", CATALOGUE), "bf16") is None
    assert checkpoint_of(subject, "fp8") is None
