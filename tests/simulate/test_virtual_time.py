from __future__ import annotations

from router.simulate.virtual_time import VirtualTime


def test_what_comes_happens_in_its_order_and_in_that_of_asking():
    time, seen = VirtualTime(10.0), []
    for when, name in ((12.0, "c"), (11.0, "a"), (11.0, "b"), (5.0, "past"), (20.0, "later")):
        time.at(when, lambda name: seen.append((time.now, name)), name)
    time.until(15.0)

    assert seen == [(10.0, "past"), (11.0, "a"), (11.0, "b"), (12.0, "c")]
    assert time.now == 15.0
    assert time.next() and time.now == 20.0 and seen[-1] == (20.0, "later")
    assert not time.next()


def test_what_happens_may_ask_for_more():
    time, seen = VirtualTime(), []

    def again(left: int) -> None:
        seen.append(time.now)
        if left:
            time.at(time.now + 1.0, again, left - 1)

    time.at(1.0, again, 2)
    time.until(2.5)
    assert seen == [1.0, 2.0]
