from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from router.config.load import load
from router.config.problems import PolicyError
from router.config.stored_keys import GrantReader, admitted, check_entry, first_of, stored_grants
from router.core.values import KeyGrant, Permits, Plan

SHA = sha256(b"secret").hexdigest()
LEVELS = "sensitivity: {levels: {public: [local, cloud], restricted: [local]}, tags: {phi: [local]}}\n"
POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends: {b: {zone: local, kind: vllm, url: "http://x/v1", serves: {chat: m}}}
models: {chat: {backends: [b], aliases: [talk]}}
keys: [{name: app, sha256: "%s"}]
"""


@pytest.fixture
def plan_of(tmp_path: Path):
    def make(rest: str = LEVELS) -> Plan:
        path = tmp_path / "policy.yaml"
        path.write_text(POLICY % ("0" * 64) + rest)
        return load(path)

    return make


def test_a_stored_key_may_do_what_it_says(plan_of):
    entry = {"name": "batch", "team": "search", "models": ["chat"], "zones": ["local"], "sensitivity": "restricted"}
    grants, problems = stored_grants(plan_of(), {SHA: entry | {"tags": ["phi"]}})
    only = frozenset({"chat"}), frozenset({"local"})
    assert grants == {SHA: KeyGrant("batch", "search", Permits(*only, "restricted", ("phi",)))}
    assert problems == ()


@pytest.mark.parametrize(
    ("field", "allowed", "said"),
    [
        ({"models": ["chat", "cha"]}, {"chat", "cha"}, 'models: there is no model "cha"; did you mean "chat"?'),
        ({"models": ["talk"]}, {"talk"}, 'models: "talk" is an alias'),
        ({"zones": ["moon"]}, None, 'zones: there is no zone "moon"'),
        ({"sensitivity": "secret"}, None, 'sensitivity: there is no level "secret"'),
        ({"tags": ["gdpr"]}, None, 'tags: there is no tag "gdpr"'),
    ],
)
def test_what_the_policy_does_not_know_is_kept_and_said(plan_of, field, allowed, said):
    """So it matches nothing, or counts as the most restricted."""
    grants, problems = stored_grants(plan_of(), {SHA: {"name": "batch"} | field})
    assert grants[SHA].permits.models == (None if allowed is None else frozenset(allowed))
    assert len(problems) == 1 and problems[0].startswith(f"stored key batch is narrowed: {said}")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"name": "app"}, "the policy has a key of this name, which counts"),
        ({"name": "batch", "team": 7}, "team: "),
        ({"name": "batch", "colour": "red"}, 'unknown key "colour"'),
        ({}, "name"),
    ],
)
def test_a_key_that_cannot_be_taken_is_refused(plan_of, entry, said):
    grants, problems = stored_grants(plan_of(), {SHA: entry})
    assert grants == {}
    assert len(problems) == 1 and "is refused: " in problems[0] and said in problems[0]
    assert SHA not in problems[0]


@pytest.mark.parametrize("label", [{"sensitivity": "restricted"}, {"tags": ["phi"]}])
def test_labels_that_would_mean_nothing_refuse_the_key(plan_of, label):
    grants, (problem,) = stored_grants(plan_of(rest=""), {SHA: {"name": "batch"} | label})
    assert grants == {} and "no sensitivity section" in problem


def test_the_secret_of_a_policys_key_is_the_policys(plan_of):
    assert stored_grants(plan_of(), {"0" * 64: {"name": "other"}})[0] == {}


def test_an_entry_is_checked_before_it_is_stored():
    assert check_entry(SHA, {"name": "app"}).team == "default"
    with pytest.raises(ValueError, match="sensitivity"):
        check_entry(SHA, {"name": "app", "sensitivity": ""})


def test_a_replaced_key_and_its_successor_may_have_one_name(plan_of):
    other = sha256(b"other").hexdigest()
    grants, problems = stored_grants(plan_of(), {SHA: {"name": "batch"}, other: {"name": "batch"}})
    assert grants.keys() == {SHA, other} and problems == ()


def test_rules_may_name_keys_and_teams_that_are_stored(plan_of):
    rules = "rules: [{name: night, when: {key: batch, team: search}, zones: [local]}]\n"
    with pytest.raises(PolicyError, match='there is no key "batch"'):
        plan_of(LEVELS + rules)
    assert plan_of(LEVELS + rules + "server: {stored_keys: true}\n").policy.rules[0].when.key == "batch"


def test_what_many_keys_permit_is_one_object():
    reader = GrantReader()
    entry = {"models": ["chat"], "zones": ["local"], "budget": {"usd_per_day": 3}}
    first, second = (reader.grant(sha256(name.encode()).hexdigest(), {"name": name} | entry) for name in ("a", "b"))
    assert (first.name, second.name) == ("a", "b")
    assert first.permits is second.permits and first.budget is second.budget
    other = reader.grant(SHA, {"name": "c", **entry, "zones": ["cloud"]})
    assert other.permits != first.permits and other.permits.zones == {"cloud"}


@pytest.mark.parametrize("wrong", [{"name": "a b"}, {"team": 7}, {"zones": "local"}])
def test_a_known_shape_excuses_nothing(wrong):
    """What a key shares with others was checked, and what it has for itself is."""
    reader, entry = GrantReader(), {"name": "good", "zones": ["local"]}
    reader.grant(SHA, entry)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        reader.grant(SHA, entry | wrong)
    with pytest.raises(ValueError, match="sha256"):
        reader.grant("no hash", entry)


def test_of_keys_that_lack_the_same_one_is_named(plan_of):
    entries = {sha256(bytes([n])).hexdigest(): {"name": f"app-{n}", "zones": ["moon"]} for n in range(200)}
    grants, problems = stored_grants(plan_of(), entries)
    (problem,) = problems
    assert len(grants) == 200
    assert problem.startswith('stored key app-0 and 199 like it is narrowed: zones: there is no zone "moon"')


def test_a_policy_judges_grants_that_were_read_before_it_was_in_force(plan_of):
    grants = {SHA: GrantReader().grant(SHA, {"name": "batch", "tags": ["phi"]})}
    assert admitted(plan_of(), grants).grants == grants
    assert admitted(plan_of(rest=""), grants).grants == {}


def test_of_many_problems_the_first_are_told():
    assert first_of(["a", "b", "a"]) == ("a", "b")
    assert len(first_of([str(n) for n in range(1000)])) == 101
    assert first_of([str(n) for n in range(1000)])[-1] == "and 900 more"
