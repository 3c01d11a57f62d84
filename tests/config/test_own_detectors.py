"""Patterns of a policy's own: what is wrong with them is told where it stands."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from router.config.dry_run import DryRun, attempt
from router.config.load import plan_of
from router.config.problems import PolicyError
from router.core.sensitivity.own.patterns import MOST
from router.core.values import Plan

PROJECT = {"pattern": r"PRJ-\d{6}", "name": "project", "raise_to": "restricted"}

Loads = Callable[..., Plan]


@pytest.fixture
def loads(base: str, now: datetime) -> Loads:
    """The plan of the base policy with these detectors, which JSON, being YAML, can give as they are."""

    def plan(*detectors: dict[str, Any]) -> Plan:
        text = base.replace("\n    - {find: [iban], raise_to: restricted}", f" {json.dumps(detectors)}")
        return plan_of(text.encode(), "p.yaml", now=now)

    return plan


def told(loads: Loads, *detectors: dict[str, Any]) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        loads(*detectors)
    return [f"{problem.field}: {problem.message}" for problem in caught.value.problems]


def test_a_pattern_is_sought_beside_the_built_in_kinds(loads: Loads) -> None:
    plan = loads({"find": ["iban"], "raise_to": "restricted"}, PROJECT)
    body = b'{"model":"chat","messages":[{"role":"user","content":"what of PRJ-123456?"}]}'

    facts, decision = attempt(plan, DryRun(body=body))

    assert plan.own_patterns.names == {"project"}
    assert [label.source for label in facts.labels if label.source.startswith("detector")] == ["detector project"]
    assert {candidate.route.backend for candidate in decision.candidates} == {"gpu"}


def test_examples_that_hold_are_no_news(loads: Loads) -> None:
    loads(PROJECT | {"matches": ["about PRJ-123456."], "ignores": ["PRJ-12", "prj-123456"]})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pattern": "(PRJ)\\1"}, "sensitivity.detectors[0].pattern: back-references are not possible"),
        ({"pattern": "x*"}, "sensitivity.detectors[0].pattern: it matches the empty string"),
        ({"pattern": "[a-z]+"}, "sensitivity.detectors[0].pattern: it is found in nearly every request"),
        ({"name": "iban"}, 'sensitivity.detectors[0].name: "iban" is a kind that detectors know already'),
        (
            {"matches": ["PRJ-123456", "PRJ 123456"]},
            'sensitivity.detectors[0].matches[1]: pattern "project" is not found',
        ),
        ({"ignores": ["xPRJ-1234567"]}, 'sensitivity.detectors[0].ignores[0]: pattern "project" is found'),
        ({"name": None}, 'a pattern needs a "name"'),
        ({"find": ["iban"]}, "a detector has either find or a pattern"),
        ({"pattern": None}, 'a detector needs "find"'),
        ({"pattern": None, "find": ["iban"]}, "belong to a detector with a pattern"),
        ({"raise_to": None}, "a detector needs raise_to, tag or both"),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(loads: Loads, changes: dict[str, Any], message: str) -> None:
    detector = {key: value for key, value in (PROJECT | changes).items() if value is not None}

    assert any(message in each for each in told(loads, detector)), told(loads, detector)


def test_two_patterns_of_one_name_are_one_too_many(loads: Loads) -> None:
    (message,) = told(loads, PROJECT, PROJECT | {"pattern": "PROJ-[0-9]+"})

    assert message.startswith('sensitivity.detectors[1].name: "project" is the name of detectors[0]')


def test_there_are_no_more_than_one_pass_seeks_quickly(loads: Loads) -> None:
    many = [PROJECT | {"name": f"own-{number}", "pattern": f"PRJ-{number}-x"} for number in range(MOST + 1)]

    loads(*many[:MOST])
    (message,) = told(loads, *many)
    assert message == f"sensitivity.detectors[{MOST}].pattern: more than {MOST} patterns: join some of them with |"


def test_all_together_are_no_larger_than_the_engine_compiles_in_seconds(loads: Loads) -> None:
    large = [PROJECT | {"name": f"own-{number}", "pattern": f"PRJ{number}-[^x]{{0,72}}y"} for number in range(6)]

    (message,) = told(loads, *large)
    assert "all patterns together have more than 2,000 characters" in message
