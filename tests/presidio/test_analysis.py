"""A real Presidio with a small pipeline, in a process of its own, as commands ask it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from support.plans import plan_of_text
from support.presidio import need_presidio, small_pipeline

from router.config.presidio_pipe import PresidioPipe, PresidioUnusable, cost_of
from router.core.sensitivity.entities import Question, entity_search
from router.core.values import Plan

pytestmark = pytest.mark.timeout(900)  # importing it takes long on a machine that is busy
DETECTORS = ("{entities: [PERSON], raise_to: internal}", "{entities: [LOCATION, EMAIL_ADDRESS], raise_to: restricted}")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> str:
    return small_pipeline(need_presidio(), tmp_path_factory.mktemp("spacy"))


@pytest.fixture(scope="module")
def plan(pipeline: str) -> Plan:
    return plan_of_text(DETECTORS, f"{{model: {pipeline}}}")


@pytest.fixture(scope="module")
def pipe(plan: Plan) -> Iterator[PresidioPipe]:
    search = entity_search(plan)
    assert search is not None
    pipe = PresidioPipe(search)
    yield pipe
    pipe.close()


def found(pipe: PresidioPipe, *texts: str, min_score: float = 0.5) -> frozenset[str]:
    body = json.dumps(texts).encode()
    return pipe.ask(Question(("EMAIL_ADDRESS", "LOCATION", "PERSON"), min_score, (len(body),)), (body,))


def test_names_and_places_are_found(pipe: PresidioPipe) -> None:
    assert found(pipe, "Write to Ada Lovelace in Paris.") == {"PERSON", "LOCATION"}
    assert found(pipe, "Write to nobody.") == frozenset()
    assert pipe.ms_per_kb > 0


def test_its_own_recognizers_are_asked_and_nothing_is_fetched_for_them(pipe: PresidioPipe) -> None:
    assert found(pipe, "Write to ada@lovelace.example.com") == {"EMAIL_ADDRESS"}


def test_a_name_that_a_cut_would_take_apart(pipe: PresidioPipe) -> None:
    assert found(pipe, "word " * 399 + "Ada Lovelace" + " word" * 400) == {"PERSON"}


def test_what_is_less_sure_than_asked_for_does_not_count(pipe: PresidioPipe) -> None:
    assert found(pipe, "Ada Lovelace", min_score=0.99) == frozenset()


def test_an_unknown_entity_is_told_with_those_that_there_are(pipeline: str) -> None:
    plan = plan_of_text(("{entities: [PERSONS], raise_to: internal}",), f"{{model: {pipeline}}}")
    with pytest.raises(PresidioUnusable, match=r"knows no entity PERSONS .* it knows: .*PERSON"):
        cost_of(plan)


def test_a_model_that_is_not_there_is_not_downloaded() -> None:
    need_presidio()
    plan = plan_of_text(DETECTORS, "{model: en_core_web_nowhere}")
    with pytest.raises(PresidioUnusable, match="'en_core_web_nowhere' is not installed"):
        cost_of(plan)
