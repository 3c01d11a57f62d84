"""The price list that is really installed; a few facts that would notice if its form changed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from router.config.load import plan_of
from router.config.prices import published, published_context
from router.core.values import PriceTier

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def tiers_of(provider: str, model: str, *, embeds: bool = False) -> tuple[PriceTier, ...]:
    prices = published(provider, model, NOW, embeds=embeds)
    assert prices is not None
    return prices.at(NOW.timestamp()).tiers


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o-mini"),
        ("openai", "gpt-4o"),
        ("anthropic", "claude-sonnet-4-5"),
        ("google", "gemini-2.5-flash"),
        ("mistral", "mistral-small-latest"),
        ("azure", "gpt-4o-mini"),
        ("aws", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ],
)
def test_common_models_have_a_price(provider: str, model: str) -> None:
    tiers = tiers_of(provider, model)
    assert all(0 < tier.rates.cached_input <= tier.rates.input < tier.rates.output < 1000 for tier in tiers)


def test_prices_by_size_of_input_are_read() -> None:
    tiers = tiers_of("anthropic", "claude-sonnet-4-5")
    assert [tier.from_input_tokens for tier in tiers] == [0, 200_001]
    assert tiers[1].rates.input == 2 * tiers[0].rates.input


def test_an_embedding_model() -> None:
    assert tiers_of("openai", "text-embedding-3-small", embeds=True)[0].rates.input > 0


def test_context_lengths_are_read() -> None:
    assert published_context("openai", "gpt-4o-mini") == 128_000


@pytest.mark.parametrize(("pattern", "beginning"), [("*", ""), ("openai/*", "openai/")])
def test_of_what_a_pattern_takes_those_are_told_that_the_list_spells_out(pattern: str, beginning: str) -> None:
    """As they are asked for: neither what some rule of the list happens to take, nor what only begins a name."""
    text = f"""
version: 1
zones: {{cloud: {{}}}}
backends: {{api: {{zone: cloud, kind: openai, url: "https://api.example.com/v1", serves: {{"{pattern}": "*"}}}}}}
models: {{"{pattern}": {{backends: [api]}}}}
"""
    told = plan_of(text.encode(), "policy.yaml", now=NOW).published
    assert {f"{beginning}gpt-4o", f"{beginning}gpt-4o-mini", f"{beginning}text-embedding-3-small"} <= set(told)
    assert all(name.startswith(beginning) and "/" not in name.removeprefix(beginning) for name in told)
    assert len(set(told)) == len(told) > 100
