"""Whatever apprise speaks, in a process of its own."""

from __future__ import annotations

import sys

import pytest
from support.alerting import MESSAGE, plan_of_targets

from router.admin.alerts.targets import apprise
from router.admin.alerts.targets.registry import sender_of
from router.admin.alerts.targets.target import NotDelivered


def sender(hosts: str, timeout: str = "30s"):
    policy = plan_of_targets(
        f"more: {{kind: apprise, url: 'env:APPRISE_URL_OF_TESTS', timeout: {timeout}}}",
        f"secrets: {{APPRISE_URL_OF_TESTS: [{hosts}]}}\n",
    ).policy
    return sender_of("more", policy, lambda: 0.0)


async def test_it_arrives_at_the_hosts_that_are_named(receiver, monkeypatch):
    monkeypatch.setenv("APPRISE_URL_OF_TESTS", f"json://127.0.0.1:{receiver.port}/T0KEN")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    await sender("127.0.0.1").send(MESSAGE)
    (got,) = receiver.received
    assert (got.json["title"], got.json["message"]) == ("Half of it", "Half of it\n$1 of $2")


async def test_it_reaches_no_other_host(receiver, monkeypatch):
    monkeypatch.setenv("APPRISE_URL_OF_TESTS", f"json://127.0.0.1:{receiver.port}/T0KEN")
    with pytest.raises(NotDelivered, match="could not deliver") as refused:
        await sender("api.example.com").send(MESSAGE)
    assert receiver.received == [] and "T0KEN" not in str(refused.value)


async def test_a_redirect_leads_nowhere_else(receiver, monkeypatch):
    monkeypatch.setenv("APPRISE_URL_OF_TESTS", f"json://127.0.0.1:{receiver.port}/x")
    receiver.answers, receiver.location = [307], "http://127.0.0.2:1/elsewhere"
    with pytest.raises(NotDelivered):
        await sender(f"'127.0.0.1:{receiver.port}'").send(MESSAGE)


async def test_what_is_no_address_of_its_is_told(monkeypatch):
    monkeypatch.setenv("APPRISE_URL_OF_TESTS", "nothing://known")
    with pytest.raises(NotDelivered, match="knows no such address"):
        await sender("known").send(MESSAGE)


async def test_one_that_hangs_is_ended(receiver, monkeypatch):
    monkeypatch.setenv("APPRISE_URL_OF_TESTS", f"json://127.0.0.1:{receiver.port}/x")
    receiver.answers = [None]
    with pytest.raises(NotDelivered, match="no answer within 3 s"):
        await sender("127.0.0.1", "3s").send(MESSAGE)


async def test_without_the_library_it_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "apprise.py").write_text("raise ImportError")
    monkeypatch.setenv("APPRISE_URL_OF_TESTS", "json://127.0.0.1:1/")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(filter(None, sys.path))}")
    with pytest.raises(NotDelivered, match=r"breakeven\[alerts\]"):
        await sender("127.0.0.1").send(MESSAGE)


async def test_a_process_that_ends_otherwise_is_told(monkeypatch):
    monkeypatch.setenv("APPRISE_URL_OF_TESTS", "json://127.0.0.1:1/")
    monkeypatch.setattr(apprise.sys, "executable", "/bin/false")
    with pytest.raises(NotDelivered, match="apprise ended with 1"):
        await sender("127.0.0.1").send(MESSAGE)
