from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from router.cli.size_text import article_text, cheapest, sizing_text
from router.config.sizing.api_price import api_price
from router.config.sizing.article import corrected
from router.config.sizing.catalogue import load_catalogue
from router.config.sizing.sizing import Sizing, Wanted, cards_of, size, subject_of

CATALOGUE = load_catalogue()


def sized(model: str, *cards: str, **wanted: Any) -> tuple[Sizing, Wanted]:
    asked = Wanted(**wanted)
    return size(subject_of(model, CATALOGUE), cards_of(cards, CATALOGUE), asked, CATALOGUE), asked


def test_experts_and_several_conversations() -> None:
    text = sizing_text(*sized("gpt-oss-20b", "H100", concurrency=3))
    assert text.startswith(
        "openai/gpt-oss-20b: 20.9 B parameters, of which a token passes 3.6 B, made for 131,072 tokens"
    )
    assert "3 conversations of 4,096 tokens, 92% of a card" in text


def test_quality_that_was_measured_and_none() -> None:
    text = sizing_text(*sized("llama-3.3-70b", "H100", quantization="gptq"))
    assert "gptq: 78.54 on OpenLLM v1, Llama 3.1 70B where the whole weights have 78.67 (https://" in text
    assert "awq: no quality measured that is known here" in sizing_text(*sized("phi-4", "H100", quantization="awq"))


def test_money() -> None:
    api = api_price("gpt-4o-mini", datetime.now(UTC))
    text = sizing_text(*sized("llama-3.1-8b", "L40S", quantization="awq", against=api, volume=500_000))
    assert "1 x L40S costs $0.79 to $1.55 an hour (price lists of GPU clouds" in text
    assert "At 500 K tokens a day a million of them costs $37.92 to $74.40 there." in text
    assert "gpt-4o-mini of openai asks $0.26 for a million tokens of that mix." in text
    assert "72.2 M/day to 142 M/day" in text


def test_a_volume_that_so_many_cards_do_not_serve() -> None:
    text = sizing_text(*sized("qwen2.5-7b", "L4", quantization="awq", volume=500_000_000))
    assert (
        "500 M tokens a day are more than 1 x L4 can serve (at most 249 M): they need 3 of them at least, where a"
        " million costs $0.10 to $0.12." in text
    )


def test_a_model_that_is_counted_roughly_is_told_loudly(tmp_path: Path) -> None:
    config = {**CATALOGUE.models["llama-3.1-8b"].config, "model_type": "martian"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    found = size(subject_of(str(tmp_path), CATALOGUE), cards_of(["L4"], CATALOGUE), Wanted(), CATALOGUE)
    text = sizing_text(found, Wanted())
    assert 'CAREFUL, its weights may be far off: model_type "martian" is not known here' in text
    assert "Hold 8.03 B parameters against its model card" in text


def test_one_rent_is_one_price() -> None:
    text = sizing_text(*sized("llama-3.1-8b", "L40S", quantization="awq", rent=2.0, volume=1_000_000))
    assert "1 x L40S costs $2.00 an hour (as given)." in text
    assert "a million of them costs $48.00 there." in text


def test_an_api_that_is_never_beaten() -> None:
    api = api_price("gpt-4o-mini", datetime.now(UTC))
    text = sizing_text(*sized("llama-3.1-8b", "T4", quantization="awq", against=api, rent=100.0))
    assert "never" in text


def test_where_no_rent_is_known() -> None:
    api = api_price("gpt-4o-mini", datetime.now(UTC))
    sizing, wanted = sized("llama-3.1-8b", "RTX-5090", quantization="awq", against=api)
    text = sizing_text(sizing, wanted)
    assert "no rent known" in text
    assert "costs" not in text.partition("what stands there.")[2]
    assert cheapest(sizing.options) is sizing.options[0]


def test_weights_that_have_to_be_named() -> None:
    assert "  # no awq weights of it are known" in sizing_text(*sized("mistral-large-2407", "H100", quantization="awq"))


def test_what_does_not_fit_has_dashes() -> None:
    api = api_price("gpt-4o-mini", datetime.now(UTC))
    text = sizing_text(*sized("deepseek-r1", "L4", against=api))
    assert text.splitlines()[5].split() == ["fp8", "L4", "-", "626.8", "-609.0", "-", "-", "-", "-", "-"]
    assert "launch:" not in text


def test_the_article_without_cards_and_measurements() -> None:
    text = article_text(corrected(CATALOGUE, Wanted(concurrency=10**6)), CATALOGUE)
    assert text.splitlines()[3].split()[-2:] == ["-", "-"]
