from __future__ import annotations

import pytest
from support.simulating import ask

from router.simulate.measured import BackendSpeed, measured


def test_a_backend_is_measured_by_the_time_in_which_it_worked():
    first = ask(0, decided="gpu", input=900, output=100, sent=1.0, seconds=11.0)
    beside = ask(5, decided="gpu", input=400, output=100, seconds=10.0)
    later = ask(100, decided="gpu", input=400, output=100, seconds=6.0)
    bought = ask(200, decided="api", input=10, output=10, seconds=2.0)
    backends, _ = measured([first, beside, later, bought])

    # From 1 to 11, on to 15, and from 100 to 106.
    assert backends == [BackendSpeed("gpu", 3, 2000, 20.0), BackendSpeed("api", 1, 20, 2.0)]
    assert backends[0].tokens_per_second == 100.0


def test_the_volume_is_of_all_that_was_answered_and_of_a_day_at_least():
    _, short = measured([ask(0, decided="gpu"), ask(3600, decided="api"), ask(7200, reason="backends_full")])
    _, long = measured([ask(0, decided="gpu"), ask(2 * 86_400, decided="api")])

    assert short is not None and (short.tokens, short.tokens_per_day) == (2200, 2200)
    assert long is not None and long.tokens_per_day == pytest.approx(1100)


def test_what_own_backends_could_not_have_served_is_no_volume_of_theirs():
    _, volume = measured([ask(0, decided="gpu"), ask(1, decided="api", own=False)])

    assert volume is not None and volume.tokens == 1100


def test_what_has_no_times_or_no_answer_is_not_measured():
    assert measured([ask(), ask(1, decided="gpu")])[0] == []
    assert measured([ask()]) == ([], None)
