from __future__ import annotations

import pytest

from router.config.litellm_config.backends import MadeBackend
from router.config.litellm_config.models import MadeModel, default_fallbacks, models, with_aliases, with_fallbacks

MODEL = "model_list: [{model_name: a, litellm_params: {model: openai/a}}]\n"


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
        made, found = with_fallbacks(reading(MODEL + text), [OWN, CLOUD], models([OWN, CLOUD]))
        return {each.name: each for each in made}, found

    return make


def test_a_fallback_from_own_backends_to_a_cloud_is_carried_over(falling):
    made, found = falling("router_settings: {fallbacks: [{llama: [mini, gone]}]}")
    assert found["llama"].backends == ("gpu", "openai")
    assert made["openai"].serves["llama"] == ("gpt-4o-mini", ())
    assert not found["llama"].notes[0].todo


@pytest.mark.parametrize("pair", ["mini: [large]", "mini: [llama]", "mini: [gone]"])
def test_another_fallback_is_told_with_what_to_do(falling, pair):
    made, found = falling(f"litellm_settings: {{fallbacks: [{{{pair}}}]}}")
    assert found["mini"].backends == ("openai",) and found["mini"].notes[0].todo
    assert list(made["openai"].serves) == ["mini", "large"]


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
