from __future__ import annotations

import json
from typing import Any

import pytest

from router.core.decision.decide import decide
from router.core.decision.explain import explain, explain_data
from router.core.values import BackendState, Label

SENSITIVITY = {
    "levels": {"public": ["local", "cloud"], "restricted": ["local"]},
    "default": "public",
    "tags": {"phi": ["local"]},
}
FULL = BackendState(full=True, load="8 waiting")


@pytest.fixture
def told(make):
    """The account and the text of one decision."""

    def tell(backends: dict[str, BackendState] | None = None, **options: Any) -> tuple[dict[str, Any], str]:
        plans = {name: options.pop(name) for name in ("sensitivity", "rules", "aliases") if name in options}
        plan, facts = make.plan(**plans), make.facts(**options)
        decision = decide(facts, plan, make.snapshot(backends))
        return explain_data(decision, facts, plan), explain(decision, facts, plan)

    return tell


def test_a_plain_request_in_full(told):
    _, text = told()
    below = "0 eligible tokens in the last 24 hours, below the threshold of 500,000: the cloud is preferred."
    assert text == (
        "model        chat\n"
        "endpoint     chat\n"
        "key          app (team search)\n"
        "sensitivity  none (the policy has no levels)\n"
        "tags         none\n"
        "may reach    cloud, local\n"
        "rules        none\n"
        "outcome      forward: openai then gpu (threshold-below)\n"
        f" 1. openai [cloud] kept by cost order: {below}\n"
        f" 2. gpu    [local] kept by cost order: Next in order. {below}\n"
    )


def test_a_gpu_that_is_off_is_waited_for_by_name(told):
    off = BackendState(off="It is off: nobody has asked for an hour.")
    data, text = told({"gpu": off}, sensitivity=SENSITIVITY, labels=(Label("restricted"),))
    assert [(each["backend"], each["outcome"], each["step"]) for each in data["backends"]] == [
        ("gpu", "waiting", "power"),
        ("openai", "removed", "egress gate"),
    ]
    assert " 1. gpu    [local] waits at power: Waits until it is on. It is off: nobody has asked for an hour." in text


def test_labels_the_gate_and_what_it_removed_are_shown(told):
    labels = (Label("public", (), "header"), Label("restricted", ("phi",), "detector us_ssn"), Label(source="metadata"))
    data, text = told(sensitivity=SENSITIVITY, labels=labels)
    assert (data["level"], data["tags"], data["permitted_zones"]) == ("restricted", ["phi"], ["local"])
    assert {"source": "detector us_ssn", "level": "restricted", "tags": ["phi"]} in data["labels"]
    assert "from header: level public\n" in text
    assert "from detector us_ssn: level restricted, tag phi\n" in text
    assert "from metadata: nothing\n" in text
    assert "  - openai [cloud] removed by egress gate: The request may not reach the zone 'cloud': " in text
    assert " 1. gpu    [local] kept by cost order: The egress gate permits only own GPUs.\n" in text


def test_every_backend_has_a_step_and_a_sentence(told):
    data, _ = told({"gpu": FULL})
    gist = [(entry["backend"], entry["outcome"], entry["position"], entry["step"]) for entry in data["backends"]]
    assert gist == [("openai", "candidate", 1, "cost order"), ("gpu", "removed", None, "capacity")]
    assert data["backends"][1]["explanation"] == "Full: 8 waiting."
    assert data["outcome"] == "forward"


def test_waiting_is_told(told):
    data, text = told({"gpu": FULL, "openai": FULL})
    assert data["outcome"] == "wait"
    assert [entry["position"] for entry in data["backends"]] == [1, 2]
    assert "outcome      wait: openai then gpu (threshold-below)\n" in text
    assert " 1. openai [cloud] waits at capacity: Waits until there is room." in text


def test_a_refusal_is_told(told):
    down = BackendState(healthy=False, why="circuit open", retry_after=9)
    data, text = told({"gpu": down, "openai": down})
    assert data["outcome"] == "refused"
    assert (data["refusal"]["status"], data["refusal"]["code"], data["refusal"]["retry_after"]) == (
        503,
        "backend_unavailable",
        9,
    )
    assert "outcome      refused, 503 backend_unavailable: Every backend" in text
    assert "  - gpu    [local] removed by health: Not healthy: circuit open.\n" in text


def test_an_unknown_model_has_no_backends(told):
    data, text = told(model="gpt-9")
    assert data["backends"] == []
    assert "404 model_not_found" in text


def test_an_alias_and_a_rule_are_named(told):
    rules = [{"name": "everything at home", "when": {}, "cost": {"strategy": "local_first"}}]
    data, text = told(aliases={"gpt-4o-mini": "chat"}, model="gpt-4o-mini", rules=rules)
    assert "model        chat (asked for as gpt-4o-mini)\n" in text
    assert "rules        everything at home\n" in text
    assert data["request"]["resolved_model"] == "chat"


def test_what_a_request_uses_is_told_where_it_uses_anything(told):
    data, text = told(uses=("hosted tools", "citations"))
    assert data["request"]["uses"] == ["hosted tools", "citations"]
    assert "uses         hosted tools, citations\n" in text
    assert "\nuses" not in told()[1]


def test_the_account_is_json(told):
    data, _ = told({"gpu": FULL}, sensitivity=SENSITIVITY, labels=(Label("public", (), "header"),))
    assert json.loads(json.dumps(data)) == data


def test_what_a_client_sends_cannot_steer_a_terminal(told):
    data, text = told(model="\x1b[2Jchat\n 1. gpu")
    assert "\x1b" not in text
    assert "\\x1b[2Jchat\\n 1. gpu" in text
    assert data["request"]["model"] == "\x1b[2Jchat\n 1. gpu"
