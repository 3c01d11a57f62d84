"""Nobody fills the audit by signing in."""

from __future__ import annotations

from support.control import Clock

from router.admin.auth.arrivals import LAST, MOST_NOTED, MOST_OWNERS, WINDOW_SECONDS, Arrivals


def test_each_is_noted_until_one_owner_does_so_without_end():
    clock = Clock()
    arrivals = Arrivals(clock)
    told = [arrivals.note("sign-in", "viewer") for _ in range(MOST_NOTED + 5)]
    assert told == [""] * (MOST_NOTED - 1) + [LAST] + [None] * 5
    assert arrivals.note("sign-in", "admin") == "" and arrivals.note("sign-out", "viewer") == ""
    clock.now += WINDOW_SECONDS
    assert arrivals.note("sign-in", "viewer") == "and 5 more before that"
    assert arrivals.note("sign-in", "viewer") == ""


def test_many_owners_do_not_fill_the_memory():
    arrivals = Arrivals(Clock())
    for number in range(MOST_OWNERS + 50):
        arrivals.note("sign-in", str(number))
    assert len(arrivals._windows) == MOST_OWNERS
