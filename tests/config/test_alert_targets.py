"""Targets that are named exist, and their secrets go only to hosts that are named for them."""

from __future__ import annotations

import pytest
from support.alerting import VARIABLE, alerting, plan_with

from router.config.alert_targets import is_place, misplaced
from router.config.problems import PolicyError
from router.config.secret_hosts import widened
from router.config.secrets import find_missing


def test_a_signing_secret_is_bound_to_its_host():
    plan_with("https://ops.example.com/x", host="ops.example.com")
    with pytest.raises(PolicyError) as refused:
        plan_with("https://ops.example.com/x", host="other.example.com")
    (problem,) = refused.value.problems
    assert problem.field == "alerts.targets.ops.secret"
    assert f'secrets: {{{VARIABLE}: ["other.example.com", "ops.example.com:443"]}}' in problem.message


def test_a_target_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(PolicyError) as refused:
        plan_with("http://127.0.0.1:1/x", "  send: [{when: [limit], to: [opps]}]\n")
    (problem,) = refused.value.problems
    assert (
        problem.field == "alerts.send[0].to[0]" and 'no target "opps"' in problem.message and "ops" in problem.message
    )


def test_an_edit_cannot_bind_it_to_more_hosts():
    before = plan_with("https://ops.example.com/x", host="ops.example.com").policy
    after = plan_with("https://mine.example.com/x", host="mine.example.com").policy
    assert f"secrets.{VARIABLE}" in widened(before, after)


def test_an_address_that_is_a_secret_can_be_narrowed():
    policy = plan_with("env:HOOK_URL", host="ops.example.com").policy
    assert misplaced(policy, "env:HOOK_URL", "https://any.example.com/x") == ""
    narrowed = policy.model_copy(update={"secrets": policy.secrets | {"HOOK_URL": ("ops.example.com",)}})
    assert misplaced(narrowed, "env:HOOK_URL", "https://ops.example.com/x", f"env:{VARIABLE}") == ""
    assert "does not name" in misplaced(narrowed, "env:HOOK_URL", "https://any.example.com/x")
    assert VARIABLE in misplaced(policy, "env:HOOK_URL", "https://any.example.com/x", f"env:{VARIABLE}")


def test_secrets_that_are_not_there_are_missed(monkeypatch):
    policy = plan_with("env:HOOK_URL", host="ops.example.com").policy
    found = find_missing(policy, {})
    assert [each.path for each in found] == [
        ("alerts", "targets", "ops", "url"),
        ("alerts", "targets", "ops", "secret"),
    ]


@pytest.mark.parametrize(("text", "place"), [("https://a/b?c", True), ("http://[::1]:8/x", True), ("mailto:x", False)])
def test_what_is_an_address(text, place):
    assert is_place(text) is place


def test_the_policy_of_these_tests_names_what_it_needs():
    assert VARIABLE in alerting("http://127.0.0.1:1/x")
