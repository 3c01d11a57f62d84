"""Commands have a process of Presidio of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.plans import plan_of_text
from support.presidio import need_presidio, small_pipeline

from router.cli import main
from router.config.dry_run import DryRun, attempt
from router.config.presidio_pipe import PresidioPipe, asking
from router.core.sensitivity.entities import Unanswered, entity_search
from router.core.values import Plan

pytestmark = pytest.mark.timeout(900)  # importing it takes long on a machine that is busy
DETECTORS = ("{entities: [PERSON], raise_to: internal}", "{entities: [LOCATION, EMAIL_ADDRESS], raise_to: restricted}")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> str:
    return small_pipeline(need_presidio(), tmp_path_factory.mktemp("spacy"))


@pytest.fixture(scope="module")
def plan(pipeline: str) -> Plan:
    return plan_of_text(DETECTORS, f"{{model: {pipeline}}}")


def test_a_request_is_explained_by_the_kinds_that_were_found(plan: Plan) -> None:
    body = b'{"model":"chat","messages":[{"role":"user","content":"Ada Lovelace was in Paris"}]}'
    with asking(plan) as ask:
        facts, decision = attempt(plan, DryRun(body=body), ask)
    sources = [label.source for label in facts.labels]
    assert sources == ["default", "detector presidio PERSON", "detector presidio LOCATION"]
    assert decision.level == "restricted" and {each.route.backend for each in decision.candidates} == {"gpu"}


def test_a_killed_process_has_no_answer(plan: Plan) -> None:
    search = entity_search(plan)
    assert search is not None
    pipe = PresidioPipe(search)
    pipe.start()
    assert pipe._process is not None
    pipe._process.kill()
    body = json.dumps(["Ada Lovelace"]).encode()
    with pytest.raises(Unanswered):
        pipe.ask(search.question(plan.policy.sensitivity.detectors, (body,)), (body,))
    pipe.close()


def test_check_runs_the_cases_and_says_what_it_costs(
    pipeline: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "names.yaml"
    policy.write_text(
        "version: 1\nzones: {local: {owned: true}, cloud: {}}\n"
        "backends:\n  gpu: {zone: local, kind: openai, url: http://127.0.0.1:1/v1, serves: {chat: tiny}}\n"
        "  api: {zone: cloud, kind: openai, url: http://127.0.0.1:2/v1, serves: {chat: gpt-4o-mini}}\n"
        "models: {chat: {backends: [api, gpu]}}\n"
        "sensitivity:\n  levels: {public: [local, cloud], restricted: [local]}\n  default: public\n"
        f"  presidio: {{model: {pipeline}}}\n  detectors: [{{entities: [PERSON], raise_to: restricted}}]\n"
    )
    policy.with_name("names.cases.yaml").write_text(
        "- {name: a name, request: {prompt: To Ada Lovelace}, expect: {backend: gpu, level: restricted}}\n"
        "- {name: no name, request: {prompt: To nobody}, expect: {backend: api}}\n"
    )
    assert main(["check", str(policy)]) == 0
    assert "(2 cases)" in (told := capsys.readouterr().out) and "ms of one processor for each KB" in told
