from __future__ import annotations

import pytest

from router.config.litellm_config.backends import MadeBackend
from router.config.litellm_config.models import MadeModel, default_fallbacks, models, with_aliases, with_fallbacks
from router.core.values import PriceTier, Rates

MODEL = "model_list: [{model_name: a, litellm_params: {model: openai/a}}]\n"


def tiers(*inputs: float) -> tuple[PriceTier, ...]:
    """Each from 1,000 tokens more on."""
    return tuple(
        PriceTier(1000 * number, Rates(input=usd, output=9, cached_input=1, cache_write=9))
        for number, usd in enumerate(inputs)
    )


def backend(name: str, zone: str, **serves: str) -> MadeBackend:
    return MadeBackend(
        name=name,
        zone=zone,
        kind="openai",
        urls=(),
        api_base="",
        api_key="",
        settings=(),
        serves={model: (upstream, ()) for model, upstream in serves.items()},
        notes=(),
    )


OWN = backend("gpu", "local", llama="Llama")
PRICES = {("openai", "mini"): tiers(1), ("openai", "large"): tiers(5)}
CLOUD = backend("openai", "cloud", mini="gpt-4o-mini", large="gpt-4o")


def test_a_model_has_the_backends_that_serve_it():
    found = models([OWN, CLOUD, backend("azure", "cloud", mini="x")])
    assert {name: each.backends for name, each in found.items()} == {
        "llama": ("gpu",),
        "mini": ("openai", "azure"),
        "large": ("openai",),
    }


def test_an_alias_is_of_a_model_that_is_there():
    found = with_aliases(models([CLOUD]), {"mini": ["fast", "fast"], "gone": ["other"], "large": ["mini"]})
    assert found["mini"].aliases == ("fast",) and found["large"].aliases == ()
    told = [note.path[-1] for each in found.values() for note in each.notes]
    assert sorted(map(str, told)) == ["mini", "other"]


@pytest.fixture
def falling(reading):
    def make(text: str) -> tuple[dict[str, MadeBackend], dict[str, MadeModel]]:
        made, found = with_fallbacks(reading(MODEL + text), [OWN, CLOUD], models([OWN, CLOUD]), PRICES)
        return {each.name: each for each in made}, found

    return make


def test_a_fallback_from_own_backends_to_a_cloud_is_carried_over(falling):
    made, found = falling("router_settings: {fallbacks: [{llama: [mini, gone]}]}")
    assert found["llama"].backends == ("gpu", "openai")
    assert made["openai"].serves["llama"] == ("gpt-4o-mini", ())
    assert not found["llama"].notes[0].todo


@pytest.fixture
def between(reading):
    """From a model of one cloud to that of another, at these prices."""

    def make(before: tuple[PriceTier, ...] | None, after: tuple[PriceTier, ...] | None) -> MadeModel:
        clouds = [backend("openai", "cloud", a="x"), backend("azure", "cloud", b="y")]
        known = {("openai", "a"): before, ("azure", "b"): after}
        prices = {route: price for route, price in known.items() if price is not None}
        reader = reading(f"{MODEL}router_settings: {{fallbacks: [{{a: [b]}}]}}")
        return with_fallbacks(reader, clouds, models(clouds), prices)[1]["a"]

    return make


@pytest.mark.parametrize(
    ("before", "after"),
    [(tiers(1), tiers(1)), (tiers(1), tiers(2)), (tiers(1, 3), tiers(2, 3)), (tiers(1), tiers(1, 2))],
)
def test_a_cloud_that_is_no_cheaper_is_asked_second_and_carried_over(between, before, after):
    found = between(before, after)
    assert found.backends == ("openai", "azure")
    assert [note.todo for note in found.notes] == [False]


@pytest.mark.parametrize(
    ("before", "after"), [(tiers(2), tiers(1)), (tiers(1, 3), tiers(2)), (tiers(1), None), (None, tiers(1))]
)
def test_one_that_may_be_cheaper_would_be_asked_first_and_is_not(between, before, after):
    """Nor where a price is not known, or is lower for large requests alone."""
    found = between(before, after)
    assert found.backends == ("openai",)
    assert [note.todo for note in found.notes] == [True]


def test_a_fallback_within_one_provider_gets_a_backend_of_its_own(falling):
    """A backend serves each model as one of its own."""
    made, found = falling("router_settings: {fallbacks: [{mini: [large]}, {llama: [mini, large]}]}")
    assert found["mini"].backends == ("openai", "openai-large")
    assert found["llama"].backends == ("gpu", "openai", "openai-large-2")
    assert [made[name].serves for name in ("openai-large", "openai-large-2")] == [
        {"mini": ("gpt-4o", ())},
        {"llama": ("gpt-4o", ())},
    ]


@pytest.mark.parametrize("pair", ["mini: [llama]", "mini: [gone]", "mini: [mini]", "mini: [large, llama]"])
def test_another_fallback_is_told_with_what_to_do(falling, pair):
    made, found = falling(f"litellm_settings: {{fallbacks: [{{{pair}}}]}}")
    assert found["mini"].backends == ("openai",) and found["mini"].notes[0].todo
    assert "llama" not in made["openai"].serves


@pytest.mark.parametrize(("kind", "todo"), [("context_window_fallbacks", True), ("content_policy_fallbacks", False)])
def test_fallbacks_of_other_kinds_are_told(falling, kind, todo):
    _, found = falling(f"router_settings: {{{kind}: [{{llama: [mini]}}]}}")
    assert found["llama"].backends == ("gpu",) and found["llama"].notes[0].todo is todo


def test_a_fallback_of_a_model_that_is_not_there_is_nobodys(falling):
    _, found = falling("router_settings: {fallbacks: [{gone: [mini]}]}")
    assert all(not each.notes for each in found.values())


def test_fallbacks_for_all_are_told(reading):
    (note,) = default_fallbacks(reading(f"{MODEL}router_settings: {{default_fallbacks: [mini]}}"))
    assert note.todo
