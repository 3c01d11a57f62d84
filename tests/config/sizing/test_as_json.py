from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from router.config.sizing.api_price import api_price
from router.config.sizing.article import corrected
from router.config.sizing.as_json import article_json, sizing_json
from router.config.sizing.catalogue import load_catalogue
from router.config.sizing.sizing import Wanted, cards_of, size, subject_of

CATALOGUE = load_catalogue()


def told(model: str, card: str, wanted: Wanted) -> dict[str, Any]:
    sizing = size(subject_of(model, CATALOGUE), cards_of([card], CATALOGUE), wanted, CATALOGUE)
    data: dict[str, Any] = json.loads(sizing_json(sizing, wanted))
    return data


def test_one_object_with_units_in_its_names() -> None:
    wanted = Wanted("gptq", against=api_price("gpt-4o-mini", datetime.now(UTC)), volume=1e6)
    data = told("llama-3.1-8b", "H100", wanted)
    assert data["parameters"]["total"] == 8_030_261_248
    assert (data["against"]["provider"], data["against"]["model"]) == ("openai", "gpt-4o-mini")
    assert data["against"]["usd_per_million"] == pytest.approx(0.2625)
    [option] = data["options"]
    assert option["fits"] is True
    assert option["why_not"] is None
    assert option["kv_bytes_per_token"] == 131072
    assert option["quality"]["unquantized"] == 100
    assert option["estimate"]["bound"] == "at most, by data sheets"
    assert option["cost"]["low"]["break_even"]["tokens_per_day"] > 0
    assert option["launch"]["max_model_len"] == 4096
    assert set(data) == {
        *(
            "model",
            "license",
            "source",
            "known_family",
            "doubts",
            "parameters",
            "context",
            "concurrency",
            "vllm",
            "tokens_per_day",
        ),
        *("against", "options"),
    }


def test_what_does_not_fit_has_nothing_but_the_reason() -> None:
    [option] = told("deepseek-r1", "L4", Wanted())["options"]
    assert option["fits"] is False
    assert option["why_not"]
    assert [option[name] for name in ("estimate", "cost", "launch", "quality")] == [None] * 4


def test_without_an_api_there_is_no_break_even() -> None:
    data = told("qwen3-8b", "H100", Wanted("bf16"))
    assert data["against"] is None
    assert data["options"][0]["cost"]["low"]["break_even"] is None


def test_the_article() -> None:
    data = json.loads(article_json(corrected(CATALOGUE, Wanted()), CATALOGUE))
    assert data["reference"]["score"] == 71.49
    assert [row["article"]["model"] for row in data["rows"]] == [each.says for each in CATALOGUE.article]
    assert data["rows"][0]["cheapest_single_card"]["cost"]["low"]["usd_per_million_at_full_load"] > 0
    without = json.loads(article_json(corrected(CATALOGUE, Wanted(concurrency=10**6)), CATALOGUE))
    assert without["rows"][0]["cheapest_single_card"] is None
