from __future__ import annotations

from random import Random

import pytest

from router.core.policy import Detector
from router.core.sensitivity.detectors import compile_detectors
from router.core.sensitivity.finders import FINDERS
from router.core.sensitivity.finders.finder import ALWAYS, WORDS, Finder
from router.core.sensitivity.finders.text import Text
from router.core.sensitivity.prefilter import EVERYTHING, glance
from tests.support.sensitive import PLAIN


def test_who_names_no_clue_is_asked_about_every_text() -> None:
    assert Finder("anything", lambda text: True).needs & glance(b"{}", 0) == ALWAYS
    assert Finder("anything", lambda text: True).is_in(Text(b""))


@pytest.mark.parametrize("finder", FINDERS.values(), ids=FINDERS)
def test_whoever_needs_words_names_them_as_they_are_sought(finder: Finder) -> None:
    assert bool(finder.words) == bool(finder.needs & WORDS)
    assert all(word == word.lower() and len(word) > 1 for word in finder.words)


@pytest.mark.parametrize("finder", FINDERS.values(), ids=FINDERS)
def test_a_text_that_a_finder_matches_shows_a_clue_that_it_needs(finder: Finder) -> None:
    random = Random(1)
    for _ in range(20):
        text = PLAIN[finder.kind](random).encode()
        assert finder.is_in(Text(text))
        assert glance(text, EVERYTHING) & finder.needs


def test_every_registered_kind_may_be_named_by_a_policy() -> None:
    detectors = compile_detectors((Detector(find=tuple(FINDERS), tag="t"),))
    assert detectors.gives_tags
