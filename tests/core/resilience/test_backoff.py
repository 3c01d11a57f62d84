from __future__ import annotations

import pytest

from router.core.resilience.backoff import backoff


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 5.0), (6, 5.0)])
def test_waits_double_up_to_the_longest(failures: int, seconds: float) -> None:
    assert backoff(failures, 0.5, 5.0) == seconds


def test_a_failure_that_lasts_for_ever_waits_no_longer() -> None:
    assert backoff(10**6, 0.05, 2.0) == 2.0


def test_a_draw_takes_any_part_of_it() -> None:
    assert [backoff(2, 0.5, 5.0, draw) for draw in (0.0, 0.25, 1.0)] == [0.0, 0.25, 1.0]


def test_no_wait_stays_none() -> None:
    assert backoff(3, 0.0, 2.0) == backoff(3, 0.5, 0.0) == 0.0
