"""Where requests could have gone."""

from __future__ import annotations

import pytest

from router.core.cost.alternatives import alternatives_of

EVERYWHERE, HOME = frozenset({"local", "cloud"}), frozenset({"local"})


def test_a_request_that_both_sides_can_serve_is_eligible(make):
    gpu, openai = make.route("gpu"), make.route("openai")
    plan = make.plan([gpu, openai])
    found = alternatives_of(plan, plan.models["chat"], EVERYWHERE, [gpu, openai])
    assert (found.own, found.cloud, found.eligible, found.captive) == ((gpu,), (openai,), True, False)


def test_a_request_that_must_stay_is_captive(make):
    gpu, openai = make.route("gpu"), make.route("openai")
    plan = make.plan([gpu, openai])
    found = alternatives_of(plan, plan.models["chat"], HOME, [gpu])
    assert (found.eligible, found.captive) == (False, True)


def test_what_the_cloud_cannot_do_is_neither(make):
    """It may leave, but there only the own backend takes images."""
    gpu, openai = make.route("gpu"), make.route("openai")
    plan = make.plan([gpu, openai])
    found = alternatives_of(plan, plan.models["chat"], EVERYWHERE, [gpu])
    assert (found.eligible, found.captive) == (False, False)


@pytest.mark.parametrize(("permitted", "captive"), [(EVERYWHERE, False), (HOME, True)])
def test_a_model_without_a_cloud_twin_is_captive_only_by_its_level(make, permitted, captive):
    gpu = make.route("gpu")
    plan = make.plan([gpu])
    assert alternatives_of(plan, plan.models["chat"], permitted, [gpu]).captive is captive


def test_where_there_is_no_cloud_nothing_is_kept_from_it(make):
    gpu = make.route("gpu")
    plan = make.plan([gpu], zones={"local": {"owned": True}})
    assert not alternatives_of(plan, plan.models["chat"], HOME, [gpu]).captive


def test_a_zone_elsewhere_that_the_model_is_not_served_in_does_not_let_it_go(make):
    gpu, abroad = make.route("gpu"), make.route("openai", zone="abroad")
    plan = make.plan([gpu, abroad])
    assert alternatives_of(plan, plan.models["chat"], EVERYWHERE, [gpu]).captive
