"""What is in a request, string by string, with a memory of what was in strings before."""

from __future__ import annotations

import json

import pytest
from support.word_finder import Words

from router.core.sensitivity.entities import FAILED, NO_TEXT, TOO_MANY, Answer, Question
from router.presidio.finder import REMEMBERED_AT_ONCE, Finder
from router.presidio.texts import MOST_PARTS


def answer(finder: Finder, *documents: object, entities: tuple[str, ...] = ("LOCATION", "PERSON")) -> Answer:
    pieces = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in documents]
    question = Question(entities, 0.5, tuple(map(len, pieces)))
    return next(step for step in finder.steps(question, b"".join(pieces)) if step is not None)


def test_kinds_are_named() -> None:
    assert answer(Finder(Words()), {"said": ["Ada", "was in Paris"]}) == Answer(("LOCATION", "PERSON"))
    assert answer(Finder(Words()), ["Ada was in Paris"], entities=("PERSON",)) == Answer(("PERSON",))
    assert answer(Finder(Words()), ["nobody"]) == Answer()


def test_all_pieces_of_a_question_are_looked_at() -> None:
    assert answer(Finder(Words()), ["nobody"], ["Ada"]) == Answer(("PERSON",))


def test_a_string_is_looked_at_once() -> None:
    words = Words()
    finder = Finder(words)
    assert answer(finder, ["one", "Ada"]) == answer(finder, ["one", "Ada", "three"]) == Answer(("PERSON",))
    assert sorted(words.looked_at) == ["Ada", "one", "three"]


def test_what_other_entities_were_sought_in_is_looked_at_anew() -> None:
    words = Words()
    finder = Finder(words)
    answer(finder, ["Ada"], entities=("LOCATION",))
    assert answer(finder, ["Ada"], entities=("PERSON",)) == Answer(("PERSON",))
    assert words.looked_at == ["Ada", "Ada"]


def test_nothing_is_looked_at_once_all_is_found() -> None:
    words = Words()
    answer(Finder(words), ["never looked at", "Ada in Paris"])
    assert words.looked_at == ["Ada in Paris"]


def test_what_is_no_json_is_not_taken_for_clean() -> None:
    assert answer(Finder(Words()), b"no JSON") == Answer(why=NO_TEXT)


def test_nor_is_what_has_too_many_parts() -> None:
    assert answer(Finder(Words()), [1] * (MOST_PARTS + 1)) == Answer(why=TOO_MANY)


def test_others_have_their_turn_also_where_all_is_remembered() -> None:
    finder, texts = Finder(Words()), [f"text {number}" for number in range(3 * REMEMBERED_AT_ONCE)]
    body = json.dumps(texts).encode()
    assert answer(finder, texts) == Answer()
    steps = list(finder.steps(Question(("LOCATION", "PERSON"), 0.5, (len(body),)), body))
    assert steps == [None] * 3 + [Answer()]


def test_a_failure_says_where_and_nothing_of_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(Finder(Words()), ["this fails, says Ada"]) == Answer(why=FAILED)
    told = capsys.readouterr().err
    assert "RuntimeError" in told and "entities_in" in told and "says Ada" not in told


def test_what_failed_is_not_remembered() -> None:
    words = Words()
    finder = Finder(words)
    assert answer(finder, ["fails"]) == answer(finder, ["fails"])
    assert len(words.looked_at) == 2


def test_others_have_their_turn_after_each_piece_of_a_long_text() -> None:
    body = json.dumps(["word " * 2_000]).encode()
    steps = list(Finder(Words()).steps(Question(("PERSON",), 0.5, (len(body),)), body))
    assert len(steps) > 5 and steps[-1] == Answer() and set(steps[:-1]) == {None}
