"""Entities are asked for where they could change something, and whatever is no answer counts as all of them."""

from __future__ import annotations

import msgspec
import pytest
from support.plans import plan_of_text

from router.config.dry_run import DryRun, attempt
from router.config.problems import PolicyError
from router.core.sensitivity.entities import (
    BUSY,
    LENGTHS,
    NONSENSE,
    Answer,
    EntitySearch,
    Question,
    Unanswered,
    answer_of,
    entity_search,
    found_labels,
    frame,
    unanswered_labels,
)
from router.core.values import Label, Permits

ALL = Permits()
QUESTION = Question(("LOCATION", "PERSON"), 0.5, (2,))
DETECTORS = (
    "{entities: [PERSON], raise_to: internal}",
    "{entities: [LOCATION], raise_to: restricted, tag: places}",
    "{find: [iban], raise_to: restricted}",
)


@pytest.fixture
def search() -> EntitySearch:
    found = entity_search(plan_of_text(DETECTORS))
    assert found is not None
    return found


def wanted(search: EntitySearch, *labels: Label, permits: Permits = ALL) -> list[tuple[str, ...]]:
    return [each.entities for each in search.wanted(labels, permits)]


def test_a_policy_without_entities_has_nothing_sought() -> None:
    assert entity_search(plan_of_text(DETECTORS[2:])) is None
    assert entity_search(plan_of_text(None)) is None


def test_all_are_wanted_of_a_request_that_nothing_raised(search: EntitySearch) -> None:
    assert wanted(search, Label("public")) == [("PERSON",), ("LOCATION",)]


def test_what_could_change_nothing_is_not_asked_for(search: EntitySearch) -> None:
    assert wanted(search, Label("internal")) == [("LOCATION",)]
    assert wanted(search, Label("restricted", ("places",))) == []
    assert wanted(search, Label("public"), permits=Permits(level="restricted", tags=("places",))) == []


def test_a_tag_is_wanted_at_every_level(search: EntitySearch) -> None:
    assert wanted(search, Label("restricted")) == [("LOCATION",)]


def test_another_model_or_other_entities_are_sought_by_another_process(search: EntitySearch) -> None:
    others = (plan_of_text(DETECTORS[:1]), plan_of_text(DETECTORS, "{model: en_core_web_lg}"))
    sockets = {search.socket, *(each.socket for each in map(entity_search, others) if each is not None)}
    same = entity_search(plan_of_text(DETECTORS, "{model: en_core_web_sm, timeout: 1s, min_score: 0.9}"))
    assert len(sockets) == 3 and same is not None and same.socket == search.socket


def test_a_finding_is_a_label_by_the_name_of_its_kind(search: EntitySearch) -> None:
    detectors = search.wanted((Label("public"),), ALL)
    assert found_labels(detectors, frozenset({"LOCATION"})) == (
        Label("restricted", ("places",), "detector presidio LOCATION"),
    )
    assert found_labels(detectors, frozenset()) == ()


def test_without_an_answer_all_count_as_found(search: EntitySearch) -> None:
    labels = unanswered_labels(search.wanted((Label("public"),), ALL), BUSY)
    assert [(label.level, label.tags) for label in labels] == [("internal", ()), ("restricted", ("places",))]
    assert {label.source for label in labels} == {"unanswered presidio: too many requests wait for it"}


def test_a_frame_says_how_long_its_pieces_are(search: EntitySearch) -> None:
    pieces = (b'["a"]', b"[]")
    question = search.question(search.wanted((Label("public"),), ALL), pieces)
    head, *rest = frame(question, pieces)
    size, total = LENGTHS.unpack(head[: LENGTHS.size])
    assert (size, total, rest) == (len(head) - LENGTHS.size, 7, list(pieces))
    assert msgspec.json.decode(head[LENGTHS.size :], type=Question) == Question(("LOCATION", "PERSON"), 0.5, (5, 2))


def test_an_answer_says_what_was_found() -> None:
    assert answer_of(msgspec.json.encode(Answer(("PERSON",))), QUESTION) == {"PERSON"}
    assert answer_of(b'{"found":[]}', QUESTION) == frozenset()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", NONSENSE),
        (b"{}", NONSENSE),
        (b"null", NONSENSE),
        (b'{"found":"PERSON"}', NONSENSE),
        (b'{"found":["EMAIL_ADDRESS"]}', NONSENSE),
        (b'{"found":[]', NONSENSE),
        (b"\xff\xfe", NONSENSE),
        (b'{"found":[],"why":"the text: secret"}', NONSENSE),
        (msgspec.json.encode(Answer(why=BUSY)), BUSY),
    ],
)
def test_whatever_is_no_answer_is_none(data: bytes, why: str) -> None:
    with pytest.raises(Unanswered) as caught:
        answer_of(data, QUESTION)
    assert str(caught.value) == why


def test_a_request_that_may_go_nowhere_without_an_answer_is_told_so() -> None:
    plan = plan_of_text(DETECTORS)
    body = b'{"model":"cloudy","messages":[{"role":"user","content":"hello"}]}'
    _, decision = attempt(plan, DryRun(body=body))
    assert decision.refusal is not None and decision.refusal.code == "egress_denied"
    assert "that alone raised its level to 'restricted'" in decision.refusal.message
    assert "Try again shortly" in decision.refusal.message and "a retry does not help" not in decision.refusal.message


@pytest.mark.parametrize("other", ["find: [iban]", "pattern: abc, name: abc"])
def test_a_detector_seeks_entities_or_something_else(other: str) -> None:
    with pytest.raises(PolicyError, match="either find, a pattern or entities"):
        plan_of_text((f"{{entities: [PERSON], {other}, raise_to: restricted}}",))
