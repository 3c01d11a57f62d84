from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from router.core import features
from router.core.backend_kinds import Backend, GpuCost, Price
from router.core.units import UnitRates


def of(**fields: Any) -> Backend:
    return TypeAdapter(Backend).validate_python({"zone": "cloud", "serves": {"m": "m"}} | fields)


@pytest.mark.parametrize(
    ("given", "rates"),
    [
        ({}, None),
        ({"audio_input": 32, "audio_cached_input": 0.4, "audio_output": 64}, UnitRates(32.0, 0.4, 64.0)),
        ({"image_input": 10, "image_cached_input": 2.5, "image_output": 40}, UnitRates(None, None, None, 10, 2.5, 40)),
        ({"second": 0.0001, "characters": 15}, UnitRates(second=0.0001, characters=15)),
        ({"searches": 2}, UnitRates(searches=2)),
        ({"image": 0.04, "images": {"hd": 0.08}}, UnitRates(image=0.04, image_kinds={"hd": 0.08})),
    ],
)
def test_a_price_has_rates_of_units_where_not_all_costs_as_text_does(given: Any, rates: UnitRates | None) -> None:
    assert Price.model_validate({"input": 5, "output": 20} | given).units == rates


def test_every_kind_says_what_it_serves_when_the_policy_does_not() -> None:
    kinds = get_args(get_args(Backend)[0])
    assert len(kinds) >= 3
    assert all("text" in kind.default_modalities and kind.default_endpoints != set() for kind in kinds)


@pytest.mark.parametrize("kind", ["openai", "anthropic", "vllm"])
def test_what_is_waited_for_is_what_the_documentation_says(kind: str) -> None:
    """A connection for 2 s, the first sign of an answer for 20 s, a whole answer for as long as SDKs wait for it."""
    backend = of(kind=kind, url="http://127.0.0.1:8000/v1")
    assert (backend.connect_timeout, backend.first_byte_timeout, backend.answer_timeout) == (2.0, 20.0, 600.0)


def test_what_a_kind_loses_is_what_a_request_can_use_at_an_endpoint_of_its() -> None:
    known = {value for name, value in vars(features).items() if name.isupper()}
    for kind in get_args(get_args(Backend)[0]):
        assert all(lost and lost <= known for lost in kind.loses.values())
        assert kind.loses.keys() <= (kind.default_endpoints or kind.loses.keys())


def test_replicas_are_one_url_or_several() -> None:
    one = of(kind="vllm", url="http://127.0.0.1:8000/v1")
    assert one.replicas() == one.addresses() == ("http://127.0.0.1:8000/v1",)
    assert of(kind="openai", urls=["http://a/v1", "http://b/v1"]).replicas() == ("http://a/v1", "http://b/v1")


def test_a_vllm_is_found_with_its_version_or_without() -> None:
    urls = ["http://a:8000", "http://b/llm/", "http://c/v1/", "http://d/v2"]
    with_version = ("http://a:8000/v1", "http://b/llm/v1", "http://c/v1", "http://d/v2")
    assert of(kind="vllm", urls=urls).replicas() == with_version
    assert of(kind="openai", url="http://a:8000").replicas() == ("http://a:8000",)


def test_backends_of_the_adapter_have_no_url() -> None:
    assert of(kind="litellm").replicas() == of(kind="litellm").addresses() == ()
    moved = of(kind="litellm", api_base="https://llm.example/v1")
    assert moved.addresses() == ("https://llm.example/v1",) and moved.replicas() == ()


@pytest.mark.parametrize(
    ("given", "model", "priced", "provider"),
    [
        ({"kind": "vllm", "url": "http://h/v1"}, "meta/llama", ("", "meta/llama"), "vllm"),
        ({"kind": "openai", "url": "http://h/v1"}, "gpt-4o", ("openai", "gpt-4o"), "openai"),
        ({"kind": "openai", "url": "http://h/v1", "provider": "xai"}, "grok", ("xai", "grok"), "xai"),
        ({"kind": "anthropic", "url": "http://h/v1"}, "claude-x", ("anthropic", "claude-x"), "anthropic"),
        ({"kind": "litellm"}, "vertex_ai/gemini/2", ("vertex_ai", "gemini/2"), "vertex_ai"),
        ({"kind": "litellm"}, "claude", ("", "claude"), "claude"),
    ],
)
def test_a_kind_knows_who_answers(given: dict[str, Any], model: str, priced: tuple[str, str], provider: str) -> None:
    backend = of(**given)
    assert (backend.priced_as(model), backend.provider_of(model)) == (priced, provider)
    assert backend.provider_of(None) == (given.get("provider") or given["kind"])


def test_a_fingerprint_tells_backends_apart_and_not_how_they_are_written() -> None:
    def fingerprint(**fields: Any) -> str:
        return of(kind="litellm", **fields).fingerprint()

    assert fingerprint() == fingerprint()
    assert fingerprint(quality=0.5, api_key="env:A") == fingerprint(api_key="env:A", quality=0.5)
    assert len({fingerprint(), fingerprint(zone="local"), fingerprint(api_key="env:B"), fingerprint(quality=0.5)}) == 4
    assert fingerprint(cost={"usd_per_hour": 1.0}, power={"driver": "sleep"}) == fingerprint()


def cost(**fields: Any) -> GpuCost:
    return GpuCost.model_validate(fields)


def test_what_an_hour_costs() -> None:
    rented = cost(usd_per_hour=1.59)
    assert (rented.hourly_usd, rented.saved_usd_per_hour, rented.kept_usd_per_hour) == (1.59, 1.59, 0)
    assert rented.billing == 1.0 and cost(usd_per_hour=1.0, billing="1h").billing == 3600


def test_what_an_hour_of_what_was_bought_costs() -> None:
    bought = cost(purchase_usd=26_298.0, years=3.0, watts=700.0, pue=1.5, usd_per_kwh=0.2)
    assert bought.kept_usd_per_hour == pytest.approx(1.0)
    assert bought.saved_usd_per_hour == pytest.approx(0.21)
    assert bought.hourly_usd == pytest.approx(1.21)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "what does an hour cost"),
        ({"ops_usd_per_day": 5.0}, "what does an hour cost"),
        ({"usd_per_hour": 1.0, "watts": 700.0}, "only together"),
        ({"usd_per_hour": 1.0, "usd_per_kwh": 0.2}, "only together"),
        ({"usd_per_hour": 1.0, "billing": "0s"}, "above 0s"),
        ({"purchase_usd": 1.0, "years": 0.0}, "greater than 0"),
    ],
)
def test_a_cost_without_its_terms_is_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        cost(**fields)


def test_what_needs_no_translation_says_so() -> None:
    """Whoever may be translated for says into what, and how the adapter calls that."""
    for kind in get_args(get_args(Backend)[0]):
        assert bool(kind.translated) is bool(kind.translated_into) is bool(kind.dialect)
    made = of(kind="openai", url="http://h/v1")
    assert made.adapter_url("http://h/v1") == "http://h/v1"


def test_the_adapter_translates_what_a_models_provider_does_not_speak() -> None:
    made = of(kind="litellm", serves={"m": "anthropic/m"})
    assert made.foreign_to("anthropic/claude") == {"responses"}
    assert made.foreign_to("openai/gpt") == {"messages"}
    assert made.foreign_to("gemini/flash") == {"messages", "responses"}
    assert of(kind="vllm", url="http://h/v1").foreign_to("m") == set()


def test_the_adapter_gets_an_address_as_its_library_needs_it() -> None:
    assert of(kind="anthropic", url="http://h/v1").adapter_url("http://h/v1") == "http://h"


@pytest.mark.parametrize(
    "unit", [{"second": 0.0001}, {"characters": 15}, {"image": 0.04}, {"images": {"hd": 0.08}}, {"searches": 2}]
)
def test_what_is_not_sold_by_the_token_needs_no_price_of_tokens(unit):
    price = Price.model_validate(unit)
    assert (price.input, price.output) == (0.0, 0.0)
    assert Price.model_validate({"input": 1.0, **unit}).input == 1.0


@pytest.mark.parametrize("price", [{}, {"output": 1.0}, {"request": 0.01}])
def test_tokens_are_not_free_by_omission(price):
    with pytest.raises(ValueError, match="input"):
        Price.model_validate(price)
