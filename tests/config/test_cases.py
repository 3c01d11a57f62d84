from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from router.config.cases import Traffic, cases_beside, check_cases
from router.config.problems import Finding, PolicyError
from router.core.values import Plan
from router.surfaces.registry import SURFACES

Check = Callable[[str], list[str]]


@pytest.fixture
def check(base: str, plan: Callable[[str], Plan], tmp_path: Path) -> Check:
    """What is wrong with a cases file, line by line."""

    def run(cases: str) -> list[str]:
        path = tmp_path / "p.cases.yaml"
        path.write_text(cases)
        try:
            check_cases(path, plan(base))
        except PolicyError as error:
            return [str(problem).removeprefix(f"{path}:") for problem in error.problems]
        return []

    return run


def test_cases_stand_beside_their_policy() -> None:
    assert cases_beside("policies/a.b.yaml") == Path("policies/a.b.cases.yaml")


@pytest.mark.parametrize(
    "case",
    [
        "{name: n, request: {prompt: Hi}, expect: {backend: openai, reason: threshold-below}}",
        "{name: n, request: {prompt: Hi}, expect: {candidates: [openai, gpu]}}",
        "{name: n, request: {prompt: Hi}, given: {tokens_today: 500000}, expect: {backend: gpu}}",
        "{name: n, request: {prompt: Hi}, given: {tokens_today: 450000, previous: local}, expect: {backend: gpu}}",
        "{name: n, request: {prompt: Hi}, given: {down: [openai]}, expect: {candidates: [gpu]}}",
        "{name: n, request: {prompt: Hi}, given: {full: [openai, gpu]}, expect: {waiting: [openai, gpu]}}",
        "{name: n, request: {prompt: Hi}, given: {off: [gpu]}, expect: {backend: openai, reason: gpu-off}}",
        "{name: n, request: {prompt: Hi}, given: {ledger_lost: true}, expect: {candidates: [gpu]}}",
        "{name: n, request: {prompt: Hi}, given: {down: [openai, gpu]}, expect: {refused: backend_unavailable}}",
        "{name: n, request: {model: gpt, prompt: Hi}, expect: {backend: openai, level: public, tags: []}}",
        "{name: n, request: {model: x, prompt: Hi}, expect: {refused: model_not_found}}",
        "{name: n, request: {endpoint: completions, prompt: Hi}, expect: {backend: openai}}",
        "{name: n, request: {endpoint: embeddings, prompt: Hi}, expect: {candidates: [openai]}}",
        "{name: n, request: {headers: {X-Breakeven-Tags: phi}, prompt: Hi}, expect: {backend: gpu, zones: [local]}}",
        "{name: n, request: {headers: {x-breakeven-tags: phi}, prompt: Hi}, given: {hour: 3}, "
        "expect: {backend: gpu, rule: night, tags: [phi]}}",
        "{name: n, request: {prompt: DE89370400440532013000}, given: {key: app}, expect: {backend: gpu}}",
        "{name: n, request: {body: {model: chat, messages: [{role: user, content: Hi}]}}, expect: {backend: openai}}",
    ],
)
def test_cases_that_hold(case: str, check: Check) -> None:
    assert check(f"- {case}") == []


def test_the_number_of_cases(base: str, plan: Callable[[str], Plan], tmp_path: Path) -> None:
    case = "- {name: n, request: {prompt: Hi}, expect: {backend: openai}}\n"
    (tmp_path / "p.cases.yaml").write_text(case * 3)
    assert check_cases(tmp_path / "p.cases.yaml", plan(base)) == 3


def test_every_difference_is_shown_with_what_happened_instead(check: Check) -> None:
    problems = check(
        "- {name: one, request: {prompt: Hi}, expect: {backend: gpu, level: restricted}}\n"
        "- name: two\n"
        "  request: {headers: {x-breakeven-sensitivity: restricted}, prompt: Hi}\n"
        "  given: {down: [gpu]}\n"
        "  expect:\n"
        "    candidates: [openai]\n"
    )
    assert [problem.partition(", got ")[0] for problem in problems] == [
        '1:56: [0].expect.backend: case "one": expected backend gpu',
        '1:68: [0].expect.level: case "one": expected level restricted',
        '6:17: [1].expect.candidates: case "two": expected candidates [openai]',
    ]
    assert "it goes to openai (threshold-below): " in problems[0]
    assert "it was refused with backend_unavailable: " in problems[2]


def test_a_case_about_the_wrong_outcome(check: Check) -> None:
    (problem,) = check("- {name: n, request: {prompt: Hi}, given: {full: [openai, gpu]}, expect: {backend: openai}}")
    assert "expected backend openai, got none; it waits for openai" in problem


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        ("{name: n, request: {}, expect: {backend: gpu}}", "1:13: [0].request: give either prompt or body"),
        (
            "{name: n, request: {prompt: Hi}, expect: {level: public}}",
            "1:36: [0].expect: expect exactly one of backend, candidates, waiting and refused",
        ),
        (
            "{name: n, request: {prompt: Hi}, expect: {backend: gpu, refused: x}}",
            "1:36: [0].expect: expect exactly one of backend, candidates, waiting and refused",
        ),
        (
            "{name: n, request: {prompt: Hi}, given: {hour: 24}, expect: {backend: gpu}}",
            "1:50: [0].given.hour: must be at most 23; this is 24",
        ),
        (
            "{name: n, request: {prompt: Hi}, given: {down: [gpus]}, expect: {backend: gpu}}",
            '1:51: [0].given.down[0]: the policy has no backend "gpus"; did you mean "gpu"? backends: gpu, openai',
        ),
        (
            "{name: n, request: {prompt: Hi}, given: {key: apps}, expect: {backend: gpu}}",
            '1:49: [0].given.key: the policy has no key "apps"; did you mean "app"? keys: app, batch',
        ),
        (
            "{name: n, request: {prompt: Hi}, expect: {backend: gpu, level: secret}}",
            '1:66: [0].expect.level: the policy has no level "secret"; levels: public, restricted',
        ),
        (
            "{name: n, request: {endpoint: xyz, prompt: Hi}, expect: {backend: gpu}}",
            f'1:33: [0].request.endpoint: "xyz" is not permitted; it is one of {", ".join(SURFACES)}',
        ),
    ],
)
def test_a_mistake_in_a_case_is_explained(case: str, problem: str, check: Check) -> None:
    assert check(f"- {case}") == [problem]


def test_a_body_that_cannot_be_decided_on(check: Check) -> None:
    (problem,) = check("- {name: n, request: {body: {model: 7}}, expect: {backend: gpu}}")
    assert problem.startswith('1:22: [0].request: case "n": this is no request that could be decided on: ')


@pytest.mark.parametrize("text", ["{}", "[]", "name: n"])
def test_a_file_without_cases(text: str, check: Check) -> None:
    assert len(check(text)) == 1


def test_a_case_is_one_request_or_traffic(check: Check) -> None:
    for case in ("{name: n}", "{name: n, request: {prompt: Hi}}", "{name: n, expect: {backend: gpu}}"):
        assert any("give either request and expect, or simulate" in each for each in check(f"- {case}"))
    both = "{name: n, request: {prompt: Hi}, expect: {backend: gpu}, simulate: {requests: t.csv, fail_if: [usd > 1]}}"
    assert any("give either request and expect, or simulate" in each for each in check(f"- {both}"))
    assert any("fail_if" in each for each in check("- {name: n, simulate: {requests: t.csv}}"))


def test_traffic_is_played_by_whoever_has_the_time(base: str, plan: Callable[[str], Plan], tmp_path: Path) -> None:
    path = tmp_path / "p.cases.yaml"
    path.write_text('- {name: n, simulate: {requests: t.csv, fail_if: ["usd > 1"]}}\n')
    asked: list[tuple[str, Path]] = []

    def simulate(traffic: Traffic, folder: Path) -> list[Finding]:
        asked.append((traffic.requests, folder))
        return [Finding(("fail_if", 0), "it holds")]

    assert check_cases(path, plan(base)) == 0 and not asked
    with pytest.raises(PolicyError, match=r'p\.cases\.yaml:1:.*case "n": it holds'):
        check_cases(path, plan(base), simulate)
    assert asked == [("t.csv", tmp_path)]


def test_a_misspelt_key_is_told_with_what_is_lacking_without_it(check: Check) -> None:
    found = check("- {name: n, request: {prompt: Hi}, expects: {backend: gpu}}")
    assert any('unknown key "expects"; did you mean "expect"?' in each for each in found) and len(found) == 2
