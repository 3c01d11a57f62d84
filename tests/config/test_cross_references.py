"""What sections say about each other: each reference that leads nowhere, and each contradiction, where it stands."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from router.config.cross_references import find_broken
from router.config.problems import Finding, field_name

GOOD: dict[str, Any] = {
    "zones": {"local": {"owned": True}, "cloud": {}},
    "backends": {
        "gpu": {"zone": "local", "serves": {"chat": "llama"}, "cost": {"usd_per_hour": 1.5}},
        "api": {"zone": "cloud", "serves": {"chat": "gpt", "small": "gpt-mini"}},
    },
    "models": {"chat": {"backends": ["gpu", "api"], "aliases": ["gpt"]}, "small": {"backends": ["api"]}},
    "sensitivity": {
        "levels": {"public": ["local", "cloud"], "internal": ["local", "cloud"], "restricted": ["local"]},
        "default": "public",
        "unreadable": "restricted",
        "sealed": "public",
        "tags": {"phi": ["local"]},
        "detectors": [{"find": ["iban"], "raise_to": "restricted"}, {"find": ["phone"], "tag": "phi"}],
    },
    "cost": {"strategy": "breakeven"},
    "budget": {"models": {"chat": {"day": 1}}},
    "teams": {"web": {"budget": {"models": {"small": {"day": 1}}}}},
    "keys": [
        {"name": "app", "sha256": "aa", "team": "web", "sensitivity": "internal", "tags": ["phi"], "zones": ["local"]},
        {"name": "batch", "sha256": "bb", "models": ["small"], "budget": {"models": {"small": {"day": 1}}}},
    ],
    "rules": [
        {"name": "1", "when": {"tag": "phi", "level": "restricted", "model": "chat"}, "zones": ["local"]},
        {"name": "2", "when": {"team": "web", "key": "batch"}, "cost": {"strategy": "breakeven"}},
        {"name": "3", "when": {"team": "default"}},
    ],
}
LISTED_TWICE = "is listed twice: keep one"


ABSENT = object()


def with_change(path: str, value: Any) -> dict[str, Any]:
    """The good policy with another value at `a.0.b`, or without it."""
    data = deepcopy(GOOD)
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
    place: Any = data
    for step in steps:
        place = place[step]
    place[last] = value
    if value is ABSENT:
        del place[last]
    return data


def told(data: Any) -> dict[str, str]:
    return {field_name(finding.path): finding.message for finding in find_broken(data)}


def test_where_everything_leads_somewhere_there_is_nothing_to_tell() -> None:
    assert told(GOOD) == {}


@pytest.mark.parametrize(
    ("path", "value", "field", "what"),
    [
        ("backends.api.zone", "clowd", "backends.api.zone", 'no zone "clowd"; did you mean "cloud"?'),
        ("sensitivity.levels.public", ["local", "cloud", "moon"], "sensitivity.levels.public[2]", 'no zone "moon"'),
        ("sensitivity.tags.phi", ["lokal"], "sensitivity.tags.phi[0]", 'no zone "lokal"'),
        ("rules.0.zones", ["local", "moon"], "rules[0].zones[1]", 'no zone "moon"; zones: local, cloud'),
        ("keys.0.zones", ["moon"], "keys[0].zones[0]", 'no zone "moon"'),
        (
            "backends.gpu.serves.chat",
            {"model": "llama", "endpoints": ["chat", "completion"]},
            "backends.gpu.serves.chat.endpoints[1]",
            'no endpoint "completion"; did you mean "completions"?',
        ),
        ("rules.2.when", {"endpoint": "xyz"}, "rules[2].when.endpoint", 'no endpoint "xyz"; endpoints: chat'),
        ("models.chat.backends", ["gpu", "apy"], "models.chat.backends[1]", 'no backend "apy"; did you mean "api"?'),
        ("sensitivity.default", "pubic", "sensitivity.default", 'no level "pubic"; did you mean "public"?'),
        ("sensitivity.unreadable", "x", "sensitivity.unreadable", 'no level "x"'),
        ("sensitivity.sealed", "x", "sensitivity.sealed", 'no level "x"'),
        ("sensitivity.detectors.0.raise_to", "x", "sensitivity.detectors[0].raise_to", 'no level "x"'),
        ("sensitivity.detectors.1.tag", "phy", "sensitivity.detectors[1].tag", 'no tag "phy"; did you mean "phi"?'),
        ("keys.0.sensitivity", "x", "keys[0].sensitivity", 'no level "x"'),
        ("keys.0.tags", ["phi", "x"], "keys[0].tags[1]", 'no tag "x"'),
        ("keys.1.models", ["smal"], "keys[1].models[0]", 'no model "smal"; did you mean "small"?'),
        ("rules.0.when.tag", "x", "rules[0].when.tag", 'no tag "x"'),
        ("rules.0.when.level", "x", "rules[0].when.level", 'no level "x"'),
        ("rules.0.when.model", "x", "rules[0].when.model", 'no model "x"'),
        ("rules.1.when.team", "wbe", "rules[1].when.team", 'no team "wbe"'),
        ("rules.1.when.key", "btch", "rules[1].when.key", 'no key "btch"; did you mean "batch"?'),
        ("budget.models", {"chatt": {"day": 1}}, "budget.models.chatt", 'no model "chatt"'),
        ("teams.web.budget.models", {"x": {}}, "teams.web.budget.models.x", 'no model "x"'),
        ("keys.1.budget.models", {"x": {}}, "keys[1].budget.models.x", 'no model "x"'),
        ("backends.api.serves.smal", "m", "backends.api.serves.smal", 'no model "smal"'),
    ],
)
def test_a_name_that_nothing_has_is_told_where_it_stands(path: str, value: Any, field: str, what: str) -> None:
    found = told(with_change(path, value))
    assert found.keys() == {field}
    assert found[field].startswith("there is ") and what in found[field]


@pytest.mark.parametrize(
    ("path", "value", "field", "advice"),
    [
        ("models.small.backends", ["gpu"], "models.small.backends[0]", 'add "small: <the name that the upstream'),
        ("models.chat.backends", ["gpu", "api", "gpu"], "models.chat.backends[2]", LISTED_TWICE),
        ("models.small.aliases", ["chat"], "models.small.aliases[0]", '"chat" is the name of a model'),
        ("models.small.aliases", ["gpt"], "models.small.aliases[0]", 'already an alias of "chat": take it off one'),
        ("keys.1.models", ["gpt"], "keys[1].models[0]", 'give the model\'s own name, "chat"'),
        ("rules.0.when.model", "gpt", "rules[0].when.model", 'give the model\'s own name, "chat"'),
        ("budget.models", {"gpt": {"day": 1}}, "budget.models.gpt", 'give the model\'s own name, "chat"'),
        ("keys.1.name", "app", "keys[1].name", "keys[0] has this name already"),
        ("keys.1.sha256", "aa", "keys[1].sha256", "keys[0] is this very key already"),
        ("backends.api.cost", {"usd_per_hour": 1}, "backends.api.cost", 'set "owned: true" on the zone'),
        ("backends.gpu.cost", ABSENT, "backends.gpu.cost", "cost.strategy: breakeven needs to know"),
    ],
)
def test_a_contradiction_comes_with_what_to_do(path: str, value: Any, field: str, advice: str) -> None:
    data = with_change(path, value)
    del data["rules"][1]  # it is about a key that has another name in one of these examples
    found = told(data)
    assert found.keys() == {field}
    assert advice in found[field]


def test_a_level_may_only_narrow_the_one_above_it() -> None:
    found = told(with_change("sensitivity.levels.public", ["local"]))
    assert found.keys() == {"sensitivity.levels.internal[1]"}
    assert 'permits zone "cloud", which the less restricted level "public" does not' in found.popitem()[1]


def test_keys_of_a_mapping_are_pointed_at_themselves_and_values_at_what_they_say() -> None:
    def on_key(path: str, value: Any) -> list[bool]:
        return [finding.on_key for finding in find_broken(with_change(path, value))]

    assert on_key("budget.models", {"x": {}}) == on_key("backends.api.serves.x", "m") == [True]
    assert on_key("backends.api.zone", "x") == [False]


def test_everything_is_told_at_once() -> None:
    data = with_change("backends.api.zone", "x") | {"keys": [{"name": "app", "tags": ["y"]}]}
    assert {"backends.api.zone", "keys[0].tags[0]", "rules[1].when.key"} <= told(data).keys()


def test_a_section_that_is_missing_is_not_told_again_for_every_name_in_it() -> None:
    for section in ("zones", "backends", "models"):
        found = find_broken({name: part for name, part in GOOD.items() if name != section})
        assert not [each for each in found if f"there is no {section[:-1]} " in each.message]


def test_labels_without_a_sensitivity_section_are_told_why_they_are_not_known() -> None:
    found = told({name: part for name, part in GOOD.items() if name != "sensitivity"})
    assert found["keys[0].tags[0]"] == 'there is no tag "phi"; tags: (none); the policy has no sensitivity section'
    assert found.keys() == {"keys[0].sensitivity", "keys[0].tags[0]", "rules[0].when.tag", "rules[0].when.level"}


def test_keys_that_are_stored_elsewhere_may_have_names_and_teams_that_the_file_does_not_know() -> None:
    elsewhere = {"rules": [{"when": {"team": "sales", "key": "theirs"}}]}
    assert told(GOOD | elsewhere).keys() == {"rules[0].when.team", "rules[0].when.key"}
    assert told(GOOD | elsewhere | {"server": {"stored_keys": True}}) == {}


def test_a_key_without_a_team_is_of_the_default_one() -> None:
    teams = {"rules": [{"when": {"team": "default"}}], "teams": {}}
    assert told(GOOD | teams) == {}
    assert told(GOOD | teams | {"keys": [GOOD["keys"][0]]}).keys() == {"rules[0].when.team"}


def test_a_rule_that_asks_for_the_break_even_needs_the_costs_too() -> None:
    cheap = with_change("backends.gpu.cost", ABSENT)
    assert told(cheap | {"cost": {}, "rules": []}) == {}
    found = told(cheap | {"cost": {}, "rules": [{}, {"cost": {"strategy": "breakeven"}}]})
    assert found["backends.gpu.cost"].startswith('missing key "cost": rules[1].cost.strategy: breakeven needs')


@pytest.mark.parametrize(
    "odd", [None, 3, "text", [], [1, [2]], {"a": 1}, {"a": ["b", {}]}, [{"name": []}], {"1": None}]
)
@pytest.mark.parametrize("section", [*GOOD, "server", "a section that there is not"])
def test_what_has_another_shape_is_passed_over(section: str, odd: Any) -> None:
    assert all(isinstance(finding, Finding) for finding in find_broken(GOOD | {section: odd}))
    assert find_broken(odd) == ()


@pytest.mark.parametrize("odd", [None, 3, ["x"], {"a": {}}, [[]], True])
@pytest.mark.parametrize(
    "path", ["backends.api.zone", "models.chat.aliases", "keys.0.team", "keys.0.name", "rules.0.when"]
)
def test_so_is_a_name_that_is_no_text(path: str, odd: Any) -> None:
    assert not [field for field in told(with_change(path, odd)) if field.startswith(path.replace(".0.", "[0]."))]


def with_power(power: dict[str, Any], **backend: Any) -> dict[str, Any]:
    """The good policy whose own backend is a vLLM that is switched."""
    gpu = GOOD["backends"]["gpu"] | {"kind": "vllm", "url": "http://127.0.0.1:8000/v1", "power": power} | backend
    return with_change("backends.gpu", {name: value for name, value in gpu.items() if value is not ABSENT})


PROCESS = {"driver": "process", "launch": {"model": "m"}}
KUBERNETES = {"driver": "kubernetes", "name": "vllm", "units": 4}
COMMAND = {"driver": "command"}
ELSEWHERE = {"zone": "local", "kind": "vllm", "url": "http://127.0.0.1:8000/v1", "cost": {"usd_per_hour": 1}}


@pytest.mark.parametrize("power", [PROCESS, KUBERNETES, COMMAND, {"driver": "sleep", "wake_for": ["restricted"]}])
def test_an_own_backend_may_be_switched(power: dict[str, Any]) -> None:
    assert told(with_power(power)) == {}
    assert told(with_power(power, url="http://[::1]:8000/v1")) == {}


def test_what_is_not_weighed_needs_no_cost() -> None:
    data = with_power(PROCESS | {"mode": "always"}, cost=ABSENT)
    data["cost"], data["rules"] = {}, []
    assert told(data) == {}


@pytest.mark.parametrize(
    ("power", "backend", "field", "advice"),
    [
        (PROCESS | {"mode": "always"}, {"zone": "cloud", "cost": ABSENT}, "", '"owned: true" on'),
        (PROCESS, {"kind": "openai"}, ".driver", 'switches a vLLM, but the backend is of kind "openai"'),
        (COMMAND, {"kind": "litellm"}, "", 'kind "litellm" has none'),
        (PROCESS | {"units": 2}, {}, ".units", "only kubernetes can have more"),
        (PROCESS | {"wake_for": ["restrictd"]}, {}, ".wake_for[0]", 'did you mean "restricted"?'),
    ],
)
def test_power_that_cannot_be_is_told(power: dict[str, Any], backend: Any, field: str, advice: str) -> None:
    found = told(with_power(power, **backend))
    assert found.keys() == {f"backends.gpu.power{field}"}
    assert advice in found.popitem()[1]


def test_power_by_cost_needs_a_cost_whatever_the_strategy() -> None:
    data = with_power(PROCESS, cost=ABSENT)
    data["cost"], data["rules"] = {}, []
    assert 'mode "auto" weighs what an hour costs' in told(data)["backends.gpu.power.mode"]


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1:8000/v1", "https://127.0.0.1:8000/v1", "http://127.0.0.1/v1", "http://localhost:8000/v2"]
)
def test_a_process_is_on_this_machine_at_a_port(url: str) -> None:
    assert "on this machine alone" in told(with_power(PROCESS, url=url))["backends.gpu.url"]


def test_one_unit_has_one_address() -> None:
    several = with_power(PROCESS, url=ABSENT, urls=["http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"])
    assert "give its address as url" in told(several)["backends.gpu.urls"]


@pytest.mark.parametrize(
    ("power", "other", "field", "advice"),
    [
        (PROCESS, {}, "url", "backends.gpu is started at this address already"),
        (KUBERNETES, {"workload": "Deployment"}, "power.name", "backends.gpu scales this already"),
        ({"driver": "sleep", "card": "a"}, {"card": None}, "power.card", 'add it, such as "card: gpu-0"'),
        (
            {"driver": "sleep", "card": "a", "mode": "always"},
            {},
            "power.mode",
            "backends.gpu is always awake on",
        ),
    ],
)
def test_two_backends_do_not_switch_one_thing(
    power: dict[str, Any], other: dict[str, Any], field: str, advice: str
) -> None:
    data = with_power(power)
    data["backends"]["second"] = ELSEWHERE | {"power": power | other}
    found = told(data)
    assert found.keys() == {f"backends.second.{field}"}
    assert advice in found.popitem()[1]


def test_two_backends_may_scale_two_workloads_and_share_a_card() -> None:
    always = {"driver": "sleep", "card": "a", "mode": "always"}
    for power, other in (
        (KUBERNETES, {"name": "small"}),
        (always, {"mode": "auto"}),
        (always, {"card": "b"}),
    ):
        data = with_power(power)
        data["backends"]["second"] = ELSEWHERE | {"power": power | other}
        assert told(data) == {}


def test_new_objects_of_a_kind_have_one_place():
    (unknown,) = told(with_change("backends.gpu.resources", ["filez"])).values()
    assert 'there is no resource "filez"' in unknown
    data = with_change("backends.gpu.resources", ["files", "evals"])
    assert told(data) == {}
    data["backends"]["api"]["resources"] = "all"
    assert "files are kept by gpu already" in told(data)["backends.api.resources"]
    data["backends"]["api"]["resources"] = ["videos", 7]
    assert told(data) == {}
