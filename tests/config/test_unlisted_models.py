from __future__ import annotations

from datetime import UTC, datetime

from router.config.load import plan_of
from router.config.unlisted_models import findings, unlisted

POLICY = plan_of(
    b"""
version: 1
zones: {cloud: {}}
backends:
  openai:
    zone: cloud
    kind: openai
    url: https://api.openai.com/v1
    serves: {fast: gpt-4o-mini, best: {model: gpt-4o}, odd: {model: zzz, price: {input: 1, output: 1}}, "*": "*"}
  other: {zone: cloud, kind: openai, url: https://api.openai.com/v1, serves: {fast: gpt-4o-mini}}
models:
  fast: {backends: [openai, other]}
  best: {backends: [openai]}
  odd: {backends: [openai]}
  "*": {backends: [openai]}
""",
    "policy.yaml",
    now=datetime(2026, 11, 1, tzinfo=UTC),
).policy


def test_what_is_listed_is_fine_and_who_did_not_tell_is_not_blamed():
    assert unlisted(POLICY, {}) == {}
    assert unlisted(POLICY, {"openai": frozenset({"gpt-4o-mini", "gpt-4o", "zzz"})}) == {}


def test_names_that_a_backend_lacks():
    assert unlisted(POLICY, {"openai": frozenset({"gpt-4o-mini"})}) == {"openai": ("gpt-4o", "zzz")}


def test_a_finding_says_where_it_stands_and_what_may_be_meant():
    found = findings(POLICY, {"openai": frozenset({"gpt-4o-mini"}), "other": frozenset({"gpt-4o-mini"})})
    assert [each.path for each in found] == [
        ("backends", "openai", "serves", "best"),
        ("backends", "openai", "serves", "odd"),
    ]
    assert found[0].message == 'its /models lacks "gpt-4o"; did you mean "gpt-4o-mini"?'
    assert found[1].message.startswith('its /models lacks "zzz" among 1 models')
