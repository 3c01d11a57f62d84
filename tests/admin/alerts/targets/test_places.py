"""Addresses that are secrets."""

from __future__ import annotations

import pytest
from support.alerting import MESSAGE, SECRET, VARIABLE, plan_of_targets, plan_with

from router.admin.alerts.targets.places import secret_of, url_of
from router.admin.alerts.targets.registry import sender_of
from router.admin.alerts.targets.target import NotDelivered
from router.core.alerts.notices import Message

POLICY = plan_with("env:HOOK_URL", host="ops.example.com").policy


def test_an_address_in_the_policy_is_what_it_is():
    assert url_of("https://ops.example.com/x", POLICY) == "https://ops.example.com/x"


def test_one_that_is_kept_as_a_secret_goes_only_where_the_signing_secret_may_go(monkeypatch):
    monkeypatch.setenv("HOOK_URL", "https://ops.example.com/T0KEN")
    assert url_of("env:HOOK_URL", POLICY, f"env:{VARIABLE}") == "https://ops.example.com/T0KEN"
    monkeypatch.setenv("HOOK_URL", "https://elsewhere.example.com/T0KEN")
    with pytest.raises(NotDelivered, match=f"env:{VARIABLE} may not be used") as refused:
        url_of("env:HOOK_URL", POLICY, f"env:{VARIABLE}")
    assert "T0KEN" not in str(refused.value) and "elsewhere" not in str(refused.value)


@pytest.mark.parametrize("value", ["postgres://user:pw@db/x", "a key", "https://u:pw@x/"])
def test_a_secret_that_is_no_address_is_not_told(monkeypatch, value):
    monkeypatch.setenv("HOOK_URL", value)
    with pytest.raises(NotDelivered, match="env:HOOK_URL holds no address") as refused:
        url_of("env:HOOK_URL", POLICY)
    assert "pw" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.5", "[::1]", "localhost", "169.254.169.254"])
def test_an_own_address_that_is_kept_as_a_secret_is_not_written_in_the_policy(monkeypatch, host):
    policy = plan_with("env:HOOK_URL", host=host).policy
    monkeypatch.setenv("HOOK_URL", f"http://{host}/T0KEN")
    with pytest.raises(NotDelivered, match="env:HOOK_URL leads into an own network: private: true permits") as refused:
        url_of("env:HOOK_URL", policy)
    assert host not in str(refused.value)
    assert url_of("env:HOOK_URL", policy, private=True) == f"http://{host}/T0KEN"


async def test_nothing_is_sent_there_by_any_kind_of_target(receiver, monkeypatch):
    monkeypatch.setenv("HOOK_URL", receiver.url)
    monkeypatch.setenv(VARIABLE, SECRET)
    secrets = f"secrets: {{{VARIABLE}: ['{receiver.url.split('/')[2]}']}}\n"
    url = "url: 'env:HOOK_URL'"
    kinds = (
        f"a: {{kind: slack, {url}}}, b: {{kind: teams, {url}}}, c: {{kind: webhook, {url}, secret: 'env:{VARIABLE}'}}"
    )
    policy = plan_of_targets(kinds, secrets).policy
    for name in "abc":
        with pytest.raises(NotDelivered, match="own network"):
            await sender_of(name, policy, lambda: 0.0).send(MESSAGE)
    assert receiver.received == []


async def test_one_that_is_missing_names_its_variable(monkeypatch):
    monkeypatch.setenv(VARIABLE, SECRET)
    assert secret_of(f"env:{VARIABLE}") == SECRET
    monkeypatch.delenv("HOOK_URL", raising=False)
    with pytest.raises(NotDelivered, match="HOOK_URL"):
        await sender_of("ops", POLICY, lambda: 0.0).send(Message("m", 0, []))
