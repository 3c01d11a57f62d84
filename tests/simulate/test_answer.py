from __future__ import annotations

import pytest

from router.simulate.answer import Answer, choices_for
from router.simulate.asked import Asked, Prompt


def asked(n: int = 1, prompts: int = 1, limit: int | None = None) -> Asked:
    words = tuple(Prompt(f"question {number}", 3) for number in range(prompts))
    return Asked(model="m", prompts=words, n=n, max_tokens=limit)


@pytest.mark.parametrize(("limit", "room", "most"), [(5, 100, 5), (100, 4, 4), (None, 6, 6)])
def test_an_answer_ends_at_its_limit_or_where_the_context_does(limit: int | None, room: int, most: int) -> None:
    [choice] = choices_for(asked(limit=limit), "m", room)
    assert choice.tokens == most and choice.finish == "length"


def test_every_prompt_has_all_of_its_answers_in_order() -> None:
    choices = choices_for(asked(n=2, prompts=3), "m", 100)
    assert [choice.index for choice in choices] == [0, 1, 2, 3, 4, 5]
    assert "question 2" in choices[4].text and choices[4].text != choices[5].text


def test_all_tokens_count_and_choices_are_made_side_by_side() -> None:
    choices = choices_for(asked(n=3), "m", 7)
    answer = Answer("a", 1, "m", 3, choices)
    assert (answer.completion_tokens, answer.steps) == (21, 7)
