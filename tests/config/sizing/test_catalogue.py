from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

import router.config.sizing
from router.config.sizing.catalogue import ModelEntry, load_catalogue, unknown
from router.core.sizing.overhead import version_key

CATALOGUE = load_catalogue()
MODELS = [pytest.param(each, id=name) for name, each in CATALOGUE.models.items()]
DATE = re.compile(r"20\d\d-\d\d")


@pytest.mark.parametrize("entry", MODELS)
def test_what_is_counted_is_what_was_published(entry: ModelEntry) -> None:
    assert entry.read().shape.parameters.total == pytest.approx(entry.published_parameters, rel=0.002)


@pytest.mark.parametrize("entry", MODELS)
def test_every_figure_of_a_model_has_its_source(entry: ModelEntry) -> None:
    assert entry.source.startswith("https://")
    assert DATE.fullmatch(entry.seen)
    assert entry.license
    measured = [entry.quality, *(each.quality for each in entry.checkpoints.values())]
    assert all(each.source.startswith("https://") and each.benchmark for each in measured if each is not None)


def test_active_parameters_are_those_of_the_model_cards() -> None:
    """openai/gpt-oss-120b: 5.1B, 20b: 3.6B; Qwen3-30B-A3B: 3.3B with the embedding; DeepSeek-R1: 37B."""
    active = {name: CATALOGUE.models[name].read().shape.active_parameters for name in CATALOGUE.models}
    assert active["gpt-oss-120b"] == pytest.approx(5.13e9, rel=0.01)
    assert active["gpt-oss-20b"] == pytest.approx(3.61e9, rel=0.01)
    assert active["qwen3-30b-a3b"] == pytest.approx(3.3e9 - 0.31e9, rel=0.02)
    assert active["deepseek-r1"] == pytest.approx(37e9, rel=0.02)


def test_every_line_of_a_card_has_its_source() -> None:
    lines = (Path(router.config.sizing.__file__).parent / "cards.yaml").read_text().splitlines()
    of_memory = [each for each in lines if "memory_gib" in each or "bandwidth_gb" in each]
    assert len(of_memory) == 2 * len(CATALOGUE.cards)
    assert all("#" in each for each in of_memory)
    prices = [each.price for each in CATALOGUE.cards.values() if each.price is not None]
    assert all(each.source and DATE.fullmatch(each.seen) and each.low <= each.high for each in prices)


def test_a_card_has_less_than_its_name_says() -> None:
    assert CATALOGUE.cards["H100"].memory_gib < 80
    assert all(
        each.memory_gib > 10 and each.bandwidth_gb > 100 and each.half_tflops > 10 for each in CATALOGUE.cards.values()
    )


def test_versions_ascend() -> None:
    since = [version_key(each.since) for each in CATALOGUE.releases]
    assert since == sorted(since)
    assert all(each.source and DATE.fullmatch(each.seen) for each in CATALOGUE.releases)


@pytest.mark.parametrize(
    "name",
    [
        "llama-3.1-8b",
        "Llama-3.1-8B",
        "meta-llama/Llama-3.1-8B-Instruct",
        "hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4",
    ],
)
def test_names_of_a_model(name: str) -> None:
    assert CATALOGUE.model(name) is CATALOGUE.models["llama-3.1-8b"]


def test_names_of_a_card_and_of_nothing() -> None:
    assert CATALOGUE.card("h100") is CATALOGUE.cards["H100"]
    assert CATALOGUE.card("H1000") is None
    assert CATALOGUE.model("llama-4-8b") is None


def test_unknown_names_are_told_with_those_that_there_are() -> None:
    assert 'did you mean "A100-40" or "A100-80"?' in str(unknown("card", "A100", ["A10", "A100-40", "A100-80"]))
    assert str(unknown("card", "H10", ["H100", "L4"])) == 'H10: no such card; did you mean "H100"? there are H100, L4'
    assert str(unknown("card", "zzz", ["H100", "L4"])) == "zzz: no such card; there are H100, L4"


def test_a_checkpoint_may_be_shaped_otherwise() -> None:
    entry = CATALOGUE.models["qwen2.5-72b"]
    assert entry.read("awq").shape.intermediate == (29696,)
    assert entry.read("fp8").shape.intermediate == entry.read().shape.intermediate == (29568,)


def test_an_entry_that_cannot_be_read_says_whose_it_is() -> None:
    with pytest.raises(ValueError, match="openai/gpt-oss-20b"):
        replace(CATALOGUE.models["gpt-oss-20b"], config={}).read()


def test_every_row_of_the_article_is_there() -> None:
    assert [each.says for each in CATALOGUE.article] == ["Llama 4 8B", "Llama 4 70B", "Mistral Large", "Qwen 2.5 72B"]
    assert all(each.model in CATALOGUE.models for each in CATALOGUE.article)
