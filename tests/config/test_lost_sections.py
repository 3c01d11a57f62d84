from __future__ import annotations

from datetime import UTC, datetime

import pytest

from router.config.load import plan_of
from router.config.lost_sections import lost_sections, protects_less
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
    "server.stored_keys": "server: {stored_keys: true}\n",
    "media.allow_hosts": "media: {allow_hosts: [images.example.com]}\n",
    "playground.access": "playground: {access: nobody}\n",
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
    rest = SENSITIVITY % LEVELS if name.startswith("sensitivity.") else ""
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


@pytest.mark.parametrize("name", ["server.stored_keys", "media.allow_hosts", "playground.access"])
def test_so_is_a_field_whose_section_is_there(name: str) -> None:
    other = {"server": "max_connections: 10", "media": "own_hosts: []", "playground": "requests_per_minute: 5"}
    section = name.partition(".")[0]
    (lost,) = lost_sections(policy(SECTIONS[name]), policy(f"{section}: {{{other[section]}}}\n"))
    assert ".".join(map(str, lost.path)) == name


KEYS = f'keys: [{{name: app, sha256: "{"0" * 64}", zones: [local]}}, {{name: bot, sha256: "{"1" * 64}"}}]\n'


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        (KEYS, KEYS, ""),
        (KEYS, KEYS.partition(", {name: bot")[0] + "]\n", ""),
        (KEYS, KEYS.replace(", zones: [local]", ""), "keys.app.zones"),
        (SECTIONS["teams"], "teams: {search: {}}\n", "teams.search.budget"),
        ("health: {cooldown: 20s}\n", "", ""),
        (SENSITIVITY % f"{LEVELS}, {DETECTORS}", SENSITIVITY % f"{LEVELS}, detectors: []", "sensitivity.detectors.0"),
    ],
)
def test_it_protects_less_where_it_no_longer_says_what_narrows(before: str, after: str, where: str) -> None:
    assert protects_less(policy(before), policy(after)) == where
