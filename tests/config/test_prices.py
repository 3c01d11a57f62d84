from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import data_snapshot
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)

from router.config.load import PolicyError
from router.config.prices import published, published_context, with_services
from router.core.cost.pricing import exact_micro_usd
from router.core.values import Plan, PriceTier, Rates, Tariff, Usage

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def usd(amount: str) -> Decimal:
    return Decimal(amount)


def tiered(base: str, *tiers: tuple[int, str]) -> TieredPrices:
    return TieredPrices(base=usd(base), tiers=[Tier(start=start, price=usd(price)) for start, price in tiers])


PRICES: dict[str, ModelPrice | list[ConditionalPrice]] = {
    "plain": ModelPrice(
        input_mtok=usd("3"), output_mtok=usd("15"), cache_read_mtok=usd("0.3"), cache_write_mtok=usd("3.75")
    ),
    "uncached": ModelPrice(input_mtok=usd("1"), output_mtok=usd("2")),
    "per-request": ModelPrice(input_mtok=usd("1"), output_mtok=usd("1"), requests_kcount=usd("5")),
    "tiered": ModelPrice(input_mtok=tiered("3", (200_000, "6")), output_mtok=tiered("15", (200_000, "22.5"))),
    "oddly-tiered": ModelPrice(input_mtok=tiered("1", (10, "2")), output_mtok=tiered("3", (20, "4"))),
    "free": ModelPrice(input_mtok=usd("0"), output_mtok=usd("0")),
    "half": ModelPrice(input_mtok=usd("1")),
    "embed": ModelPrice(input_mtok=usd("0.02")),
    "dated": [
        ConditionalPrice(prices=ModelPrice(input_mtok=usd("1"), output_mtok=usd("1"))),
        ConditionalPrice(
            StartDateConstraint(date(2026, 11, 20)), prices=ModelPrice(input_mtok=usd("2"), output_mtok=usd("2"))
        ),
    ],
    "hourly-from-then": [
        ConditionalPrice(prices=ModelPrice(input_mtok=usd("1"), output_mtok=usd("1"))),
        ConditionalPrice(
            StartDateConstraint(date(2026, 12, 1)), prices=ModelPrice(input_mtok=usd("2"), output_mtok=usd("2"))
        ),
        ConditionalPrice(
            TimeOfDateConstraint(time(20), time(6, tzinfo=timezone(timedelta(hours=2)))),
            prices=ModelPrice(input_mtok=usd("0.5"), output_mtok=usd("0.5")),
        ),
    ],
    "later-unknown": [
        ConditionalPrice(prices=ModelPrice(input_mtok=usd("1"), output_mtok=usd("1"))),
        ConditionalPrice(
            StartDateConstraint(date(2026, 12, 1)), prices=ModelPrice(input_mtok=usd("0"), output_mtok=usd("0"))
        ),
    ],
    "hourly": [
        ConditionalPrice(prices=ModelPrice(input_mtok=usd("1"), output_mtok=usd("1"))),
        ConditionalPrice(
            TimeOfDateConstraint(time(0, tzinfo=UTC), time(6, tzinfo=UTC)),
            prices=ModelPrice(input_mtok=usd("0.5"), output_mtok=usd("0.5")),
        ),
    ],
}

VARIANTS = {
    "plain": [
        PriceVariant({"service_tier": "default"}, ModelPrice()),
        PriceVariant({"service_tier": "flex"}, ModelPrice(input_mtok=usd("1.5"), output_mtok=usd("7.5"))),
        PriceVariant(
            {"service_tier": "priority"}, ModelPrice(input_mtok=usd("6")), StartDateConstraint(date(2026, 12, 1))
        ),
        PriceVariant({"processing": "batch"}, ModelPrice(input_mtok=usd("1"), output_mtok=usd("7"))),
        PriceVariant({"route": "acme/eu"}, ModelPrice(input_mtok=usd("9"))),
        PriceVariant({"speed": "fast"}, ModelPrice(input_mtok=usd("18"), output_mtok=usd("90"))),
        PriceVariant({"service_tier": "free"}, ModelPrice(input_mtok=usd("0"))),
    ]
}

CONTEXTS = {"plain": 128_000, "half": 8_192, "free": 0}


def more_of(model: str) -> dict[str, Any]:
    return {"context_window": CONTEXTS.get(model), "price_variants": VARIANTS.get(model)}


@pytest.fixture
def list_of_prices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A price list whose providers all have the models above."""
    models = [
        ModelInfo(
            id=name,
            match=ClauseEquals(name),
            prices=prices,
            context_window=CONTEXTS.get(name),
            price_variants=VARIANTS.get(name),
        )
        for name, prices in PRICES.items()
    ]
    providers = [Provider(id=name, name=name, api_pattern="", models=models) for name in ("acme", "google", "aws")]
    snapshot = data_snapshot.DataSnapshot(providers=providers, from_auto_update=False)
    monkeypatch.setattr(data_snapshot, "get_snapshot", lambda: snapshot)
    yield


pytestmark = pytest.mark.usefixtures("list_of_prices")


def tariff(model: str, now: datetime = NOW, *, loaded: datetime = NOW, embeds: bool = False) -> Tariff:
    prices = published("acme", model, loaded, embeds=embeds)
    assert prices is not None
    return prices.at(now.timestamp())


def rates(model: str, now: datetime = NOW, *, loaded: datetime = NOW) -> Rates:
    return tariff(model, now, loaded=loaded).tiers[0].rates


def test_a_published_price() -> None:
    tier = PriceTier(0, Rates(input=3, output=15, cached_input=0.3, cache_write=3.75))
    assert tariff("plain").tiers == (tier,)


def test_cached_input_without_a_price_is_charged_as_input() -> None:
    assert rates("uncached") == Rates(input=1, output=2, cached_input=1, cache_write=1)


def test_a_price_per_thousand_requests_becomes_one_per_request() -> None:
    assert rates("per-request").request == 0.005


def test_the_dearer_rate_begins_above_the_published_size() -> None:
    tiers = tariff("tiered").tiers
    assert exact_micro_usd(tiers, Usage(input=200_000, output=1)) == 600_015
    assert exact_micro_usd(tiers, Usage(input=200_001, output=2)) == 1_200_006 + 45


def test_rates_may_change_at_different_sizes() -> None:
    tiers = tariff("oddly-tiered").tiers
    assert [(tier.from_input_tokens, tier.rates.input, tier.rates.output) for tier in tiers] == [
        (0, 1, 3),
        (11, 2, 3),
        (21, 2, 4),
    ]


@pytest.mark.parametrize(("day", "seconds", "price"), [(19, 86_399, 1), (20, 0, 2), (27, 0, 2)])
def test_the_price_in_force_at_the_time_counts(day: int, seconds: int, price: float) -> None:
    """Though it was loaded before: what begins at midnight needs no reload."""
    loaded = datetime(2026, 11, 19, 12, tzinfo=UTC)
    assert (
        rates("dated", datetime(2026, 11, day, tzinfo=UTC) + timedelta(seconds=seconds), loaded=loaded).input == price
    )


@pytest.mark.parametrize(("hour", "price"), [(5, 0.5), (6, 1)])
def test_the_price_in_force_at_the_hour_counts(hour: int, price: float) -> None:
    assert rates("hourly", datetime(2026, 11, 20, hour, tzinfo=UTC)).input == price
    assert rates("hourly", datetime(2026, 12, 9, hour, tzinfo=UTC)).input == price


@pytest.mark.parametrize(
    ("day", "hour", "price"),
    [(30, 3, 0.5), (30, 4, 1), (30, 19, 1), (30, 20, 0.5), (31, 3, 0.5), (31, 4, 2), (31, 20, 0.5), (45, 12, 2)],
)
def test_hours_over_midnight_and_dates_hold_together(day: int, hour: int, price: float) -> None:
    """As in the package: the last price whose condition holds counts, and hours are UTC unless they say otherwise."""
    then = datetime(2026, 11, 1, hour, tzinfo=UTC) + timedelta(days=day - 1)
    assert rates("hourly-from-then", then).input == price


def test_the_price_of_today_stays_where_a_later_one_is_unknown() -> None:
    assert rates("later-unknown", datetime(2026, 12, 2, tzinfo=UTC)).input == 1


def test_prices_from_before_the_load_are_left_out() -> None:
    prices = published("acme", "dated", datetime(2026, 12, 1, tzinfo=UTC))
    assert prices is not None and prices.until(0) == math.inf


@pytest.mark.parametrize("model", ["free", "half", "unheard-of"])
def test_what_is_missing_or_0_is_unknown_and_never_free(model: str) -> None:
    assert published("acme", model, NOW) is None


def test_an_unknown_provider_is_unknown() -> None:
    assert published("nobody", "plain", NOW) is None


def test_embeddings_have_no_output_price() -> None:
    assert published("acme", "embed", NOW) is None
    assert tariff("embed", embeds=True).tiers[0].rates.output == 0


@pytest.mark.parametrize(
    ("provider", "model", "context"),
    [("acme", "plain", 128_000), ("acme", "uncached", None), ("acme", "free", None), ("nobody", "plain", None)],
)
def test_a_published_context_length(provider: str, model: str, context: int | None) -> None:
    assert published_context(provider, model) == context


def _policy(base: str, backend: str) -> str:
    """The base policy with another cloud backend than openai."""
    before, after = base.index("  openai:\n    zone"), base.index("models:\n")
    return base[:before] + f"  openai: {backend}\n" + base[after:]


@pytest.mark.parametrize(
    "model",
    ["gemini/plain", "vertex_ai/plain", "bedrock/plain", "bedrock/converse/plain", "bedrock/us-1/plain", "acme/plain"],
)
def test_the_providers_of_litellm_are_found(model: str, base: str, plan: Callable[[str], Plan]) -> None:
    hosts = "hosts: [h], " if model.startswith("acme/") else ""
    text = _policy(base, f"{{zone: cloud, kind: litellm, {hosts}serves: {{chat: {model}}}}}")
    assert plan(text).models["chat"].routes[1].prices.at(0).tiers[0].rates.output == 15


def test_an_openai_backend_names_its_provider(base: str, plan: Callable[[str], Plan]) -> None:
    text = _policy(base, "{zone: cloud, kind: openai, provider: acme, url: https://x/v1, serves: {chat: plain}}")
    assert plan(text).models["chat"].routes[1].prices.at(0).tiers[0].rates.input == 3


@pytest.mark.parametrize("served", ["embed", "{model: half, endpoints: [embeddings]}"])
def test_an_embedding_model_is_known_by_name_or_endpoint(served: str, base: str, plan: Callable[[str], Plan]) -> None:
    text = _policy(
        base, f"{{zone: cloud, kind: openai, provider: acme, url: https://x/v1, serves: {{chat: {served}}}}}"
    )
    assert plan(text).models["chat"].routes[1].prices.at(0).tiers[0].rates.output == 0


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        (
            "{zone: cloud, kind: openai, provider: acme, url: https://x/v1, serves: {chat: new}}",
            'no published price of "new" at "acme": give its price: "{model: new, price: {input: 0.15, output: 0.6}}" '
            '(USD per million tokens), or correct the name or "provider"',
        ),
        (
            "{zone: cloud, kind: openai, provider: acme, url: https://x/v1, "
            "serves: {chat: {model: new, endpoints: [chat, images]}}}",
            'no published price of "new" at "acme": give its price: "{model: new, price: {input: 0, output: 0, image: '
            '0.04}}" (USD per picture), or correct the name or "provider"',
        ),
        (
            "{zone: cloud, kind: litellm, serves: {chat: azure/mine}}",
            'no published price of "mine" at "azure": give its price: "{model: azure/mine, price: {input: 0.15, '
            'output: 0.6}}" (USD per million tokens), or correct the name',
        ),
        (
            "{zone: cloud, kind: litellm, serves: {chat: plain}}",
            'litellm names models "provider/model", such as anthropic/claude-sonnet-4-5: add the provider, or give its '
            'price: "{model: plain, price: {input: 0.15, output: 0.6}}" (USD per million tokens)',
        ),
        (
            "{zone: cloud, kind: vllm, url: https://x/v1, serves: {chat: plain}}",
            "nobody publishes the price of a vllm backend in a zone that is not owned: give its price: "
            '"{model: plain, price: {input: 0.15, output: 0.6}}" (USD per million tokens), or set "owned: true"',
        ),
    ],
)
def test_an_unknown_price_is_an_error(backend: str, message: str, base: str, plan: Callable[[str], Plan]) -> None:
    with pytest.raises(PolicyError) as caught:
        plan(_policy(base, backend))
    assert [(problem.field, problem.message) for problem in caught.value.problems] == [
        ("backends.openai.serves.chat", message)
    ]


@pytest.mark.parametrize(
    ("backend", "context", "longest"),
    [
        ("{zone: cloud, kind: openai, provider: acme, url: https://x/v1, serves: {chat: plain}}", None, 128_000),
        ("{zone: cloud, kind: litellm, hosts: [h], serves: {chat: acme/plain}}", None, 128_000),
        ("{zone: cloud, kind: litellm, hosts: [h], serves: {chat: acme/uncached}}", None, None),
        ("{zone: cloud, kind: litellm, hosts: [h], serves: {chat: {model: acme/plain, context: 4096}}}", 4096, None),
        (
            "{zone: cloud, kind: litellm, hosts: [h], serves: {chat: {model: a/b, price: {input: 1, output: 1}}}}",
            None,
            None,
        ),
        ("{zone: local, kind: openai, provider: acme, url: https://x/v1, serves: {chat: plain}}", None, None),
    ],
)
def test_a_context_length_is_looked_up_with_the_price(
    backend: str, context: int | None, longest: int | None, base: str, plan: Callable[[str], Plan]
) -> None:
    """It bounds answers only: as the route's own context it would turn away requests by an estimate of their size."""
    route = plan(_policy(base, backend)).models["chat"].routes[1]
    assert (route.context, route.longest) == (context, longest)


def test_moderation_is_free_at_its_provider_alone(base: str, plan: Callable[[str], Plan]) -> None:
    served = "{chat: {model: omni-moderation-latest, endpoints: [moderations]}}"
    text = _policy(base, f"{{zone: cloud, kind: openai, url: https://api.openai.com/v1, serves: {served}}}")
    assert exact_micro_usd(plan(text).models["chat"].routes[1].prices.at(0).tiers, Usage(input=1000)) == 0
    with pytest.raises(PolicyError, match="no published price"):
        plan(text.replace("kind: openai", "kind: openai, provider: acme"))


def test_the_policys_price_wins_and_cache_prices_follow_its_input(base: str, plan: Callable[[str], Plan]) -> None:
    text = _policy(
        base,
        "{zone: cloud, kind: openai, provider: acme, url: https://x/v1, "
        "serves: {chat: {model: plain, price: {input: 0, output: 7, cached_input: 0.5, request: 0.01}}}}",
    )
    assert plan(text).models["chat"].routes[1].prices.at(0).tiers == (
        PriceTier(0, Rates(input=0, output=7, cached_input=0.5, cache_write=0, request=0.01)),
    )


def test_an_own_gpu_has_its_variable_cost(edited: Callable[[str, str], str], plan: Callable[[str], Plan]) -> None:
    text = edited("{usd_per_hour: 1.5}", "{usd_per_hour: 1.5, usd_per_million_tokens: 0.2}")
    assert plan(text).models["chat"].routes[0].prices.at(0).tiers == (PriceTier(0, Rates(0.2, 0.2, 0.2, 0.2)),)


def test_an_own_gpu_without_a_cost_is_free_per_token(
    edited: Callable[[str, str], str], plan: Callable[[str], Plan]
) -> None:
    text = edited("    cost: {usd_per_hour: 1.5}\n", "")
    assert plan(text).models["chat"].routes[0].prices.at(0).tiers == (PriceTier(0, Rates(0, 0, 0, 0)),)


def test_service_tiers_are_published_with_dates_of_their_own() -> None:
    """What a tier has no price of its own for costs as ever; one that would be free is unknown."""
    before, after = tariff("plain").services, tariff("plain", datetime(2026, 12, 1, tzinfo=UTC)).services
    assert set(before) == {"flex", "batch", "fast"} and set(after) == {*before, "priority"}
    assert before["fast"][0].rates.output == 90
    assert before["flex"] == (PriceTier(0, Rates(input=1.5, output=7.5, cached_input=0.3, cache_write=3.75)),)
    assert after["priority"][0].rates.input == 6 and after["priority"][0].rates.output == 15


def test_the_policys_multiples_win_over_published_service_tiers(base: str, plan: Callable[[str], Plan]) -> None:
    text = _policy(
        base,
        "{zone: cloud, kind: openai, provider: acme, url: https://x/v1, "
        "serves: {chat: {model: plain, service_tiers: {flex: 0.25, turbo: 3}}}}",
    )
    prices = plan(text).models["chat"].routes[1].prices
    services = prices.at(NOW.timestamp()).services
    assert services["flex"][0].rates == Rates(input=0.75, output=3.75, cached_input=0.075, cache_write=0.9375)
    assert services["turbo"][0].rates.input == 9 and services["batch"][0].rates.input == 1


def test_a_multiple_leaves_what_is_paid_per_request() -> None:
    rates = Rates(input=2, output=2, cached_input=2, cache_write=2, request=0.01, cache_write_1h=4)
    made = with_services(Tariff((PriceTier(0, rates),)), {"flex": 0.5}).services["flex"][0].rates
    assert made == Rates(input=1, output=1, cached_input=1, cache_write=1, request=0.01, cache_write_1h=2)


def test_the_standard_tier_has_no_multiple(base: str, plan: Callable[[str], Plan]) -> None:
    text = _policy(
        base,
        "{zone: cloud, kind: openai, provider: acme, url: https://x/v1, "
        "serves: {chat: {model: plain, service_tiers: {default: 2}}}}",
    )
    with pytest.raises(PolicyError, match='"default" is the tier that the price is of: leave it out'):
        plan(text)
