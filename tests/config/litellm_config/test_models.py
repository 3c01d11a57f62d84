from __future__ import annotations

import pytest

from router.config.litellm_config.backends import MadeBackend
from router.config.litellm_config.models import MadeModel, default_fallbacks, models, with_aliases, with_fallbacks
from router.config.litellm_config.settings import Alias
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


NAMES = {"llama": "llama", "mini": "mini", "large": "large", "my mini": "mini"}
"""By what the config calls them."""


def alias(name: str, model: str) -> Alias:
    return Alias(("router_settings", "model_group_alias", name), name, model)


def test_an_alias_is_of_a_model_that_is_there():
    aliases = [alias("fast", "mini"), alias("fast", "mini"), alias("other", "gone"), alias("mini", "large")]
    found, whose = with_aliases(models([CLOUD]), aliases, NAMES)
    assert found["mini"].aliases == ("fast",) and found["large"].aliases == ()
    told = [(note.path[-1], note.todo) for each in found.values() for note in each.notes]
    assert sorted(told) == [("mini", True), ("other", True)] and whose == {"fast": "mini"}


def test_an_alias_of_a_model_that_has_another_name_here_is_its_alias():
    found, _ = with_aliases(models([CLOUD]), [alias("fast", "my mini")], NAMES)
    assert found["mini"].aliases == ("fast",)


@pytest.mark.parametrize("given", ["al x", "al|x", "al\u200bx"])
def test_an_alias_that_can_be_no_name_here_gets_another_and_that_is_told(given):
    found, whose = with_aliases(models([CLOUD]), [alias(given, "mini")], NAMES)
    assert found["mini"].aliases == ("al-x",) and whose == {given: "mini"}
    (note,) = found["mini"].notes
    assert note.todo and "clients have to ask for al-x" in note.text


@pytest.mark.parametrize("given", ["fast", "*", "fa*", ""])
def test_an_alias_that_cannot_be_carried_over_is_told(given):
    found, _ = with_aliases(models([CLOUD]), [alias("fast", "large"), alias(given, "mini")], NAMES)
    assert found["mini"].aliases == () and [note.todo for note in found["mini"].notes] == [True]


ALIASES = {"fast": "mini"}


@pytest.fixture
def falling(reading):
    def make(text: str) -> tuple[dict[str, MadeBackend], dict[str, MadeModel]]:
        made, found = with_fallbacks(reading(MODEL + text), [OWN, CLOUD], models([OWN, CLOUD]), PRICES, NAMES, ALIASES)
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
        return with_fallbacks(reader, clouds, models(clouds), prices, {"a": "a", "b": "b"}, {})[1]["a"]

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


@pytest.mark.parametrize(
    ("name", "says"), [("gone", "no model of model_list"), ("fast", "of its model, which is mini"), ("*", "each model")]
)
def test_a_fallback_of_what_is_no_model_here_is_told(falling, name, says):
    _, found = falling(f"router_settings: {{fallbacks: [{{'{name}': [mini]}}]}}")
    (note,) = [note for each in found.values() for note in each.notes]
    assert note.todo and says in note.text and note.path == ("router_settings", "fallbacks", 0, name)


@pytest.mark.parametrize("other", ["gone", "4", "{model: mini}"])
def test_what_no_model_is_called_is_told_beside_what_is_carried_over(falling, other):
    _, found = falling(f"router_settings: {{fallbacks: [{{llama: [mini, {other}]}}]}}")
    carried, left_out = found["llama"].notes
    assert found["llama"].backends == ("gpu", "openai") and not carried.todo
    assert left_out.todo and "was left out" in left_out.text


def test_a_fallback_is_to_the_model_that_an_alias_or_another_name_means(falling):
    for other in ("fast", "my mini"):
        made, found = falling(f"router_settings: {{fallbacks: [{{llama: [{other}]}}]}}")
        assert made["openai"].serves["llama"] == ("gpt-4o-mini", ()) and len(found["llama"].notes) == 1


def test_fallbacks_for_all_are_told(reading):
    (note,) = default_fallbacks(reading(f"{MODEL}router_settings: {{default_fallbacks: [mini]}}"))
    assert note.todo
