"""Targets that are named exist, and their secrets go only to hosts that are named for them."""

from __future__ import annotations

import pytest
from support.alerting import VARIABLE, alerting, plan_of_targets, plan_with

from router.config.alert_targets import advice, is_place, leads_inward, misplaced
from router.config.problems import PolicyError
from router.config.secret_hosts import widened
from router.config.secrets import find_missing
from router.core.alerts.policy import Send, WeeklyReport


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


HOOK = "kind: webhook, secret: 'env:HOOK'"
MAIL = "kind: mail, sender: a@example.com, to: [b@example.com]"
SECRETS = "secrets: {HOOK: [ops.example.com, 10.0.0.5, localhost]}\n"


def targets(*given: str):
    named = ", ".join(f"t{number}: {{{each}}}" for number, each in enumerate(given))
    return plan_of_targets(named, SECRETS).policy


@pytest.mark.parametrize(
    "target",
    [
        f"{HOOK}, url: 'http://10.0.0.5/x'",
        f"{HOOK}, url: 'http://localhost/x'",
        f"{HOOK}, url: 'https://ops.example.com/x', private: true",
        f"{MAIL}, host: '::1'",
        "kind: slack, url: 'env:X', private: true",
    ],
)
def test_only_the_file_leads_into_the_own_network(target):
    public = targets(f"{HOOK}, url: 'https://ops.example.com/x'")
    off = public.model_copy(update={"alerts": None})
    inward = targets(target)
    assert leads_inward(off, inward).startswith("alerts.targets.t0 would lead into the own network")
    assert leads_inward(public, inward) and leads_inward(inward, inward) == leads_inward(inward, off) == ""
    assert leads_inward(off, public) == leads_inward(inward, public) == ""


def told(*given: str) -> list[str]:
    return [f"{'.'.join(map(str, each.path))}: {each.message}" for each in advice(targets(*given))]


def test_what_can_be_read_on_its_way_is_warned_of():
    assert told(f"{HOOK}, url: 'https://ops.example.com/x'", f"{HOOK}, url: 'http://10.0.0.5/x'") == []
    assert told(f"{MAIL}, host: localhost, tls: none", "kind: slack, url: 'env:X'") == []
    for given in (f"{HOOK}, url: 'http://ops.example.com/x'", f"{MAIL}, host: smtp.example.com, tls: none"):
        (warning,) = told(given)
        assert "can be read on its way" in warning


def test_a_target_that_is_told_of_nothing_is_warned_of():
    policy = targets(
        f"{HOOK}, url: 'https://ops.example.com/x'", "kind: slack, url: 'env:X'", f"{MAIL}, host: m.example.com"
    )
    alerts = policy.alerts.model_copy(
        update={"send": (Send(when=("limit",), to=("t0",)),), "report": WeeklyReport(to=("t2",))}
    )
    (warning,) = advice(policy.model_copy(update={"alerts": alerts}))
    assert warning.path == ("alerts", "targets", "t1")
    assert list(advice(policy.model_copy(update={"alerts": None}))) == []


def test_mail_and_apprise_are_bound_too():
    plan_of_targets(f"t: {{{MAIL}, host: '::1', user: me, password: 'env:P'}}", "secrets: {P: ['[::1]:587']}\n")
    for given, field in (
        (f"{MAIL}, host: evil.example.com, user: me, password: 'env:OPENAI_API_KEY'", "password"),
        ("kind: apprise, url: 'env:APPRISE_URL'", "url"),
    ):
        with pytest.raises(PolicyError) as refused:
            targets(given)
        (problem,) = refused.value.problems
        assert problem.field == f"alerts.targets.t0.{field}" and "secrets: {" in problem.message


def test_a_report_to_nobody_is_told():
    with pytest.raises(PolicyError, match='there is no target "opps"'):
        plan_with("http://127.0.0.1:1/x", "  report: {to: [opps]}\n")
