from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.histogram import Sketch, merged

SHARES = (0.5, 0.95, 0.99)


def sketch(*values: int) -> Sketch:
    made = Sketch()
    for value in values:
        made.add(value)
    return made


def test_small_numbers_are_exact() -> None:
    assert sketch(*range(1, 64)).quantiles((0.5, 1.0)) == [32, 63]
    assert sketch(-3, 0).quantiles((1.0,)) == [0]


def test_without_numbers_there_is_nothing() -> None:
    assert sketch().quantiles(SHARES) == [0, 0, 0] and sketch().count == 0


@given(st.lists(st.integers(0, 10**10), min_size=1, max_size=200))
def test_every_quantile_is_within_a_32nd_of_a_number_that_has_that_rank(values: list[int]) -> None:
    ranked = sorted(values)
    for share, found in zip(SHARES, sketch(*values).quantiles(SHARES), strict=True):
        exact = ranked[max(0, -(-int(share * 1000) * len(ranked) // 1000) - 1)]
        assert found == pytest.approx(exact, rel=1 / 32, abs=0)


def test_sketches_are_merged_as_if_they_had_been_one() -> None:
    whole = merged([sketch(1, 5, 900), sketch(), sketch(70_000)])
    assert (whole.count, whole.quantiles(SHARES)) == (4, sketch(1, 5, 900, 70_000).quantiles(SHARES))
