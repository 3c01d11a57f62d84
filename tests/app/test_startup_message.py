"""What `breakeven serve` says once it serves."""

from __future__ import annotations

import shlex

import msgspec
import pytest

from router.app.defaults import Found
from router.app.startup_message import Dashboard, greeting
from router.config.load import load
from router.core.values import Plan

URL = "http://127.0.0.1:8080"
ADMIN = "http://127.0.0.1:8081"
DASHBOARD = Dashboard(ADMIN)


@pytest.fixture
def plan(policy) -> Plan:
    return load(policy)


def test_it_says_where_and_by_which_policy(plan):
    lines = greeting(URL, plan, Found(), "p.yaml", "", DASHBOARD).splitlines()
    assert lines[0] == f"Breakeven serves on {URL} (OpenAI base URL: {URL}/v1) by p.yaml, version {plan.version}"
    assert lines[1] == f"Dashboard: {ADMIN}, sign in with the token that was given"
    assert lines[2] == "Try it:" and len(lines) == 4


def test_a_token_that_was_made_is_shown_once_and_then_only_its_file(plan):
    first = greeting(URL, plan, Found(), "p.yaml", "", Dashboard(ADMIN, "ba-secret", "data/admin-token"))
    assert "sign in with ba-secret (shown this once, kept in data/admin-token)" in first
    later = greeting(URL, plan, Found(), "p.yaml", "", Dashboard(ADMIN, "", "data/admin-token"))
    assert "sign in with the token in data/admin-token" in later


def test_the_line_to_paste_asks_a_model_that_chats(plan):
    words = shlex.split(greeting(URL, plan, Found(), "p.yaml", "", DASHBOARD).splitlines()[-1])
    assert words[:3] == ["curl", "-si", f"{URL}/v1/chat/completions"]
    assert '"model": "chat"' in words[-1] and "Authorization: Bearer YOUR-KEY" not in words


def test_where_only_patterns_are_served_the_line_has_a_place_for_a_model(policy):
    policy.write_text(
        "version: 1\nzones: {cloud: {}}\n"
        "backends: {api: {zone: cloud, kind: openai, url: 'https://api.openai.com/v1', serves: {'*': '*'}}}\n"
        "models: {'*': {backends: [api]}}\n"
    )
    assert '"model": "YOUR-MODEL"' in greeting(URL, load(policy), Found(), "p.yaml", "", DASHBOARD)


def test_with_keys_the_line_has_a_place_for_one(policy):
    policy.write_text(policy.read_text() + '\nkeys: [{name: app, sha256: "%s"}]\n' % ("0" * 64))
    assert "-H 'Authorization: Bearer YOUR-KEY'" in greeting(URL, load(policy), Found(), "p.yaml", "", DASHBOARD)


def test_a_key_that_may_be_shown_is_in_its_place(policy):
    policy.write_text(policy.read_text() + '\nkeys: [{name: app, sha256: "%s"}]\n' % ("0" * 64))
    line = greeting(URL, load(policy), Found(), "p.yaml", "", DASHBOARD, "bk-shown")
    assert "-H 'Authorization: Bearer bk-shown'" in line and "YOUR-KEY" not in line


def test_pretended_backends_are_never_passed_off_as_real(plan):
    assert "SIMULATED" in greeting(URL, plan, Found(simulated={"local": "x", "cloud": "y"}), "p.yaml", "", DASHBOARD)
    assert "SIMULATED" not in greeting(URL, plan, Found(), "p.yaml", "", DASHBOARD)


def test_a_lost_ledger_is_said_with_what_follows_from_it(plan):
    assert "LEDGER LOST: host:1: refused. Cloud backends are refused" in greeting(
        URL, plan, Found(), "p.yaml", "host:1: refused", DASHBOARD
    )
    ledger = plan.policy.ledger.model_copy(update={"on_loss": "allow"})
    allowing = msgspec.structs.replace(plan, policy=plan.policy.model_copy(update={"ledger": ledger}))
    assert "are used all the same" in greeting(URL, allowing, Found(), "p.yaml", "host:1: refused", DASHBOARD)
