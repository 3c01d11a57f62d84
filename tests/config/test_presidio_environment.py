"""A policy that has entities sought needs what seeks them, and is told where that is missing."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.plans import plan_of_text

from router.config import presidio_environment
from router.config.dry_run import DryRun, attempt
from router.config.presidio_environment import PRESIDIO_PYTHON, find_uninstalled, presidio_python
from router.config.presidio_pipe import PresidioPipe, PresidioUnusable, cost_of
from router.config.problems import PolicyError
from router.core.sensitivity.entities import entity_search

NAMES = ("{entities: [PERSON], raise_to: restricted}",)
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def told(detectors: tuple[str, ...], presidio: str = "null") -> list[str]:
    with pytest.raises(PolicyError) as caught:
        plan_of_text(detectors, presidio)
    return [f"{problem.field}: {problem.message}" for problem in caught.value.problems]


def python_that(folder: Path, ends_with: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """Stands for an environment, by how looking into it ends."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\nexit {ends_with}\n")
    path.chmod(0o755)
    monkeypatch.setenv(PRESIDIO_PYTHON, str(path))
    return str(path)


def test_it_is_named_or_beside_ours_or_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PRESIDIO_PYTHON, raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    assert presidio_python() == sys.executable
    beside = tmp_path / ".venv-presidio" / "bin" / "python"
    beside.parent.mkdir(parents=True)
    beside.touch()
    assert presidio_python() == str(beside)
    monkeypatch.setenv(PRESIDIO_PYTHON, "/opt/presidio/bin/python")
    assert presidio_python() == "/opt/presidio/bin/python"


def test_entities_need_a_model() -> None:
    (problem,) = told(NAMES)
    assert problem.startswith(
        "sensitivity.detectors[0].entities: entities are sought by Presidio: say with which model"
    )


@pytest.mark.parametrize(
    "detector",
    [
        "{entities: [PERSON], find: [iban], raise_to: restricted}",
        "{entities: [PERSON], pattern: abc, name: abc, raise_to: restricted}",
        "{entities: [PERSON], name: people, raise_to: restricted}",
        "{entities: [person], raise_to: restricted}",
        "{entities: [PERSON]}",
        "{entities: [PERSON], raise_to: secret}",
    ],
)
def test_what_a_detector_of_entities_cannot_be(detector: str) -> None:
    assert told((detector,), "{model: en_core_web_sm}")


@pytest.mark.parametrize("presidio", ["{}", "{model: ''}", "{model: a, language: English}", "{model: a, timeout: 0s}"])
def test_what_presidio_cannot_be_told(presidio: str) -> None:
    assert told(NAMES, presidio)


def test_where_it_is_missing_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python_that(tmp_path, 3, monkeypatch)
    (finding,) = find_uninstalled(plan_of_text(NAMES).policy)
    assert finding.path == ("sensitivity", "presidio")
    assert "scripts/environment.sh presidio" in finding.message and "'breakeven[presidio]'" in finding.message


def test_where_the_python_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PRESIDIO_PYTHON, "/nowhere/python")
    assert len(find_uninstalled(plan_of_text(NAMES).policy)) == 1
    search = entity_search(plan_of_text(NAMES))
    assert search is not None
    with pytest.raises(PresidioUnusable, match="cannot be started: No such file"):
        PresidioPipe(search).start()


def test_where_the_model_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = python_that(tmp_path, 4, monkeypatch)
    (finding,) = find_uninstalled(plan_of_text(NAMES).policy)
    assert finding.path == ("sensitivity", "presidio", "model") and f"for {python}" in finding.message


def test_a_machine_too_busy_to_look_is_not_told_that_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(python_that(tmp_path, 3, monkeypatch))
    path.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(presidio_environment, "LOOK_SECONDS", 0.2)
    assert find_uninstalled(plan_of_text(NAMES).policy) == ()


def test_a_python_without_it_is_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PRESIDIO_PYTHON, sys.executable)
    assert len(find_uninstalled(plan_of_text(NAMES).policy)) == 1


def test_who_seeks_no_entities_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PRESIDIO_PYTHON, "/nowhere/python")
    assert find_uninstalled(plan_of_text(("{find: [iban], raise_to: restricted}",)).policy) == ()
    assert cost_of(plan_of_text(None)) is None


def test_a_process_that_says_nothing_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python_that(tmp_path, 1, monkeypatch)
    with pytest.raises(PresidioUnusable, match="it ended before it was ready"):
        cost_of(plan_of_text(NAMES))


def test_a_request_that_nobody_looked_at_is_tried_as_if_all_were_found() -> None:
    plan = plan_of_text(NAMES)
    body = b'{"model":"chat","messages":[{"role":"user","content":"hello"}]}'
    facts, decision = attempt(plan, DryRun(body=body))
    assert facts.labels[-1].source.startswith("unanswered presidio") and decision.level == "restricted"
