from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.histogram import FadingHistogram, QuantileSketch, bucket_of, lowest_of, merged

SHARES = (0.5, 0.95, 0.99)


def sketch(*values: int) -> QuantileSketch:
    made = QuantileSketch()
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


@given(st.integers(0, 2**40), st.sampled_from([3, 5]))
def test_a_number_lies_in_a_bucket_that_is_not_wide(value: int, bits: int) -> None:
    bucket = bucket_of(value, bits)
    lowest, edge = lowest_of(bucket, bits), lowest_of(bucket + 1, bits) - 1
    assert lowest <= value <= edge <= lowest + lowest // 2**bits
    assert {bucket_of(lowest, bits), bucket_of(edge, bits)} == {bucket}


@given(st.lists(st.integers(-5, 5000), min_size=1, max_size=300))
def test_at_most_one_in_a_hundred_numbers_lies_above(values: list[int]) -> None:
    histogram = FadingHistogram()
    for value in values:
        histogram.add(value)
    upper = histogram.upper()
    assert sum(value > upper for value in values) <= len(values) / 100
    lower = lowest_of(bucket_of(upper, 3), 3) - 1
    assert sum(max(value, 0) > lower for value in values) > len(values) / 100


def test_an_empty_histogram_has_no_numbers() -> None:
    assert FadingHistogram().upper() == 0


def test_numbers_beyond_the_last_bucket_are_in_it() -> None:
    histogram = FadingHistogram()
    histogram.add(10**15)
    assert histogram.upper() == 2**30 - 1
