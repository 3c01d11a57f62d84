"""The demo's policy: valid, honest about its backends, and with a line that the recorded day crosses."""

from __future__ import annotations

import hashlib

import pytest

from router.app.demo_policy import APPLICATIONS, demo_policy, make_senders
from router.config.load import load
from router.core.cost.breakeven import break_even, shares
from router.core.values import Mixture, Plan
from router.simulate.day import recorded_day

URLS = {"local": "http://127.0.0.1:1/v1", "cloud": "http://127.0.0.1:2/v1"}


@pytest.fixture
def senders():
    return make_senders()


@pytest.fixture
def plan(tmp_path, senders) -> Plan:
    path = tmp_path / "policy.yaml"
    path.write_text(demo_policy(URLS, senders))
    return load(path)


def test_the_recorded_day_crosses_the_break_even_well_before_its_end(plan):
    day = recorded_day()
    seen = Mixture(sum(each.input for each in day), 0, sum(each.output for each in day))
    terms = break_even(plan.gpu, plan.cloud_reference.at(0), shares(seen, plan.policy.cost.mix))
    assert terms.reachable and 0.2 * seen.total < terms.tokens_per_day < 0.6 * seen.total


def test_backends_say_that_they_are_simulated(plan):
    assert all(name.startswith("simulated-") for name in plan.policy.backends)


def test_every_sender_has_a_key_of_its_own_that_the_policy_knows(plan, senders):
    grants = [plan.keys[hashlib.sha256(sender.key.encode()).hexdigest()] for sender in senders]
    assert [(grant.name, grant.team) for grant in grants] == [(each.name, each.team) for each in APPLICATIONS]
    assert len({grant.team for grant in grants}) >= 4 and "restricted" in {grant.permits.level for grant in grants}
    assert {sender.model for sender in senders} == set(plan.policy.models)


def test_keys_are_made_anew_and_are_not_in_the_policy(senders):
    text = demo_policy(URLS, senders)
    assert not any(sender.key in text for sender in senders)
    assert not {sender.key for sender in senders} & {sender.key for sender in make_senders()}
