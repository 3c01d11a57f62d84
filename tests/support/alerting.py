"""Policies, plans and observations of alerts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from support.control import POLICY

from router.config.load import plan_of
from router.core.alerts.notices import Message, Notice
from router.core.alerts.observation import Observation, Seen
from router.core.values import Plan

SECRET = "a-secret-of-these-tests"
VARIABLE = "ALERT_SECRET_OF_TESTS"


def alerting(url: str, more: str = "", host: str = "") -> str:
    """A policy's text with one webhook. `more` are further lines of `alerts`."""
    host = host or url.split("/")[2]
    return (
        f"{POLICY}budget: {{usd_per_day: 1}}\n"
        f"secrets: {{{VARIABLE}: ['{host}']}}\n"
        "alerts:\n"
        f"  targets: {{ops: {{kind: webhook, url: '{url}', secret: 'env:{VARIABLE}', timeout: 1s}}}}\n"
        f"  group: 0s\n{more}"
    )


NOTICE = Notice(
    id="c1-firing",
    at=9.0,
    state="firing",
    condition="limit",
    severity="warning",
    subject="global: usd_per_day",
    title="Half of it",
    text="$1 of $2",
    since=9.0,
)
MESSAGE = Message("m1", 10.0, [NOTICE])


def plan_of_targets(targets: str, more: str = "") -> Plan:
    """`targets` as in YAML's flow style."""
    return made(f"{POLICY}{more}alerts:\n  group: 0s\n  targets: {{{targets}}}\n")


def plan_with(url: str, more: str = "", **options: Any) -> Plan:
    return made(alerting(url, more, **options))


def made(text: str) -> Plan:
    return plan_of(text.encode(), "policy.yaml", now=datetime.now(UTC))


def observation(seen: Seen = Seen.BAD, key: str = "limit|1", **fields: Any) -> Observation:
    given = {"condition": "limit", "subject": "global: usd_per_day", "title": "Half of it is used", "text": "$1 of $2"}
    return Observation(key=key, seen=seen, **(given | fields))
