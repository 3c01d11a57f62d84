"""Addresses that are secrets."""

from __future__ import annotations

import pytest
from support.alerting import SECRET, VARIABLE, plan_with

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


async def test_one_that_is_missing_names_its_variable(monkeypatch):
    monkeypatch.setenv(VARIABLE, SECRET)
    assert secret_of(f"env:{VARIABLE}") == SECRET
    monkeypatch.delenv("HOOK_URL", raising=False)
    with pytest.raises(NotDelivered, match="HOOK_URL"):
        await sender_of("ops", POLICY, lambda: 0.0).send(Message("m", 0, []))
