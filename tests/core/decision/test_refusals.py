from __future__ import annotations

import pytest

from router.core.decision.refusals import (
    egress_denied,
    listed,
    model_not_allowed,
    model_not_found,
    no_capable_backend,
    retry_after,
)
from router.core.values import BackendState, Removal, Step


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], "none"),
        (["b", "a"], "a, b"),
        ([f"m{n}" for n in range(8)], "m0, m1, m2, m3, m4, m5, m6, m7"),
        ([f"m{n}" for n in range(9)], "m0, m1, m2, m3, m4, m5, m6, m7 and 1 more"),
    ],
)
def test_long_lists_are_cut(names: list[str], text: str):
    assert listed(names) == text


@pytest.mark.parametrize("asked", ["a b", "a\nb", "\x1b[2J", "m" * 129])
def test_only_what_looks_like_a_name_is_repeated(make, asked: str):
    message = model_not_found(make.facts(model=asked), make.plan()).message
    assert message.startswith("The model that was asked for does not exist here.")
    assert asked not in message


def test_a_model_not_found_is_named_and_the_others_listed(make):
    plan = make.plan(models=[make.model([make.route()], name) for name in ("chat", "embed")], aliases={"gpt": "chat"})
    assert model_not_found(make.facts(model="gpt-9"), plan).message == (
        "The model 'gpt-9' does not exist here. This key may use: chat, embed."
        " An admin adds models under `models` in the policy."
    )


@pytest.mark.parametrize(
    ("named", "models", "may_use"),
    [
        (["gpt-*"], None, "any name that begins with gpt-"),
        (["*"], None, "any name"),
        (["chat", "*"], None, "chat, any other name"),
        (["*", "o1", "gpt-*", "*-awq", "chat"], None, None),
        (["gpt-*", "chat"], {"gpt-4o", "embed"}, "gpt-4o"),
        (["gpt-*", "chat"], {"gpt-4*", "*"}, "chat, any name that begins with gpt-, any name that begins with gpt-4"),
        (["gpt-4o", "chat"], {"gpt-*"}, "gpt-4o"),
        (["gpt-*"], {"chat"}, "none"),
    ],
)
def test_what_patterns_stand_for_is_said_in_words(make, named, models, may_use):
    """Also of a key that has patterns of its own, or single names of those that one of the policy's takes."""
    plan = make.plan(models=[make.model([make.route()], name) for name in named])
    facts = make.facts(model="claude", key=make.key(models=None if models is None else frozenset(models)))
    may_use = may_use or ("chat, o1, any name that ends with -awq, any name that begins with gpt-, any other name")
    message = model_not_found(facts, plan).message
    assert f"This key may use: {may_use}. An admin" in message and "*" not in message


def test_a_pattern_whose_backends_do_not_have_the_model_takes_what_they_list(make):
    model = make.model([make.route()], "*")
    plan = make.plan(models=[make.model([make.route()], "chat"), model], aliases={"my-lora": "*"})
    assert (
        "may use: chat, any other name that its backends list."
        in model_not_found(make.facts(model="my-lora"), plan).message
    )


def test_refusals_for_what_a_pattern_takes_say_what_it_stands_for(make):
    model = make.model([make.route("openai")], "gpt-*")
    facts = make.facts(key=make.key(models=frozenset({"*-awq", "chat"})))
    assert model_not_allowed(facts, model).message.startswith(
        "This key may not use the model 'gpt-*' (any name that begins with gpt-)."
        " It may use: chat, any name that ends with -awq."
    )
    assert egress_denied(model, {"local"}, ["so it is"]).message.startswith(
        "No backend of the model 'gpt-*' (any name that begins with gpt-) is in a zone"
    )


def test_a_key_without_models_may_use_none(make):
    facts = make.facts(key=make.key(models=frozenset()))
    message = model_not_allowed(facts, make.model([make.route()])).message
    assert "It may use: none." in message
    assert message.endswith("of this key, where the key is kept: in the policy or in the ledger.")


def test_a_denied_egress_says_what_permits_what(make):
    refusal = egress_denied(make.model([make.route("openai")]), {"local", "edge"}, ["its tags are phi", "so it is"])
    assert (refusal.status, refusal.code, refusal.retry_after) == (403, "egress_denied", None)
    assert refusal.message == (
        "No backend of the model 'chat' is in a zone that may see this request: edge, local."
        " This is because its tags are phi; so it is. Use a model that a permitted zone serves, or ask an admin to add"
        " a backend there; a retry does not help."
    )


def test_a_refusal_names_only_the_backends_that_its_own_step_removed():
    removed = [Removal("openai", Step.EGRESS, "Secret reason."), Removal("gpu", Step.CAPABILITY, "No images.")]
    assert no_capable_backend(removed).message == (
        "No backend that this request may reach can serve it: gpu: No images."
        " Change the request, or ask an admin for a backend that can."
    )


def test_retry_after_is_the_soonest_of_the_unhealthy(make):
    backends = {name: BackendState(healthy=False, retry_after=after) for name, after in (("a", 9), ("b", 5), ("c", 2))}
    removed = [Removal("a", Step.HEALTH, ""), Removal("b", Step.HEALTH, ""), Removal("c", Step.CAPABILITY, "")]
    assert retry_after(removed, make.snapshot(backends)) == 5
    assert retry_after([Removal("unseen", Step.HEALTH, "")], make.snapshot()) == 1
