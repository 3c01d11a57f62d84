from __future__ import annotations

from router.core import features

WORDS = [value for name, value in vars(features).items() if name.isupper()]


def test_each_has_words_of_its_own_for_the_end_of_a_sentence() -> None:
    assert len(set(WORDS)) == len(WORDS) > 10
    assert all(word == word.lower() and word.replace(" ", "").isalpha() for word in WORDS)
