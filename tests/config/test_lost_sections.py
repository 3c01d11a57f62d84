from __future__ import annotations

from datetime import UTC, datetime

import pytest

from router.config.load import plan_of
from router.config.lost_sections import lost_sections
from router.core.policy import Policy

BARE = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends: {gpu: {zone: local, kind: vllm, url: "http://127.0.0.1:1/v1", serves: {chat: m}, cost: {usd_per_hour: 1}}}
models: {chat: {backends: [gpu]}}
"""
LEVELS = "levels: {any: [local, cloud], restricted: [local]}"
DETECTORS = "detectors: [{find: [iban], raise_to: restricted}]"
SENSITIVITY = "sensitivity: {%s}\n"
SECTIONS = {
    "rules": "rules: [{name: own, when: {model: chat}, zones: [local]}]\n",
    "budget": "budget: {usd_per_day: 5}\n",
    "teams": "teams: {search: {budget: {usd_per_day: 5}}}\n",
    "keys": 'keys: [{name: app, sha256: "%s"}]\n' % ("0" * 64),
    "sensitivity": SENSITIVITY % LEVELS,
    "sensitivity.tags": SENSITIVITY % f"{LEVELS}, tags: {{gdpr: [local]}}",
    "sensitivity.detectors": SENSITIVITY % f"{LEVELS}, {DETECTORS}",
}


def policy(rest: str = "") -> Policy:
    return plan_of((BARE + rest).encode(), "policy.yaml", now=datetime.now(UTC)).policy


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_that_protects_is_missed_until_it_is_written_with_nothing_in_it(name: str) -> None:
    before = policy(SECTIONS[name])
    rest = SENSITIVITY % LEVELS if "." in name else ""
    (lost,) = lost_sections(before, policy(rest))
    assert ".".join(map(str, lost.path)) == name
    said = lost.message.partition("write `")[2].partition("`")[0]
    emptied = SENSITIVITY % f"{LEVELS}, {said}" if rest else said + "\n"
    assert not list(lost_sections(before, policy(emptied)))


def test_what_stays_or_was_never_there_is_not_missed() -> None:
    whole = policy("".join(text for name, text in SECTIONS.items() if "." not in name))
    assert not list(lost_sections(whole, whole))
    assert not list(lost_sections(policy(), whole))
    assert not list(lost_sections(policy(), policy()))


def test_a_section_of_which_only_the_name_is_left_is_missed() -> None:
    (lost,) = lost_sections(policy(SECTIONS["sensitivity"]), policy("sensitivity:\n"))
    assert lost.path == ("sensitivity",)
