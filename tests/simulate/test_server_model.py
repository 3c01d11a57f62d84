from __future__ import annotations

import pytest

from router.simulate.server_model import Server, Work
from router.simulate.shape import Shape
from router.simulate.virtual_time import VirtualTime

SHAPE = Shape(speed=10.0, first_byte=1.0)


class Played:
    def __init__(self, shape: Shape) -> None:
        self.time = VirtualTime()
        self.ended: dict[str, float] = {}
        self.began: dict[str, float] = {}
        self.server = Server(shape, self.time, self._done)

    def _done(self, work: Work) -> None:
        self.ended[work.about], self.began[work.about] = self.time.now, work.began

    def send(self, name: str, at: float = 0.0, input: int = 0, output: int = 11) -> None:
        self.time.at(at, lambda work: self.server.send(work), Work(name, input, input + output, output))

    def play(self) -> dict[str, float]:
        while self.time.next():
            pass
        return self.ended


def played(**shape: float | int) -> Played:
    return Played(Shape(**{"speed": 10.0, "first_byte": 1.0, **shape}))


def test_alone_an_answer_takes_its_first_byte_and_its_tokens():
    one = played()
    one.send("a", output=11)
    one.send("b", at=5.0, output=1)
    one.send("c", at=5.0, output=0)

    assert one.play() == pytest.approx({"a": 2.0, "b": 6.0, "c": 6.0})
    assert one.began == pytest.approx({"a": 1.0, "b": 6.0, "c": 6.0})


def test_all_that_write_share_what_it_can_write():
    one = played(decode=10.0)
    for name, output in (("a", 11), ("b", 21)):
        one.send(name, output=output)

    # Both at 5 a second until the shorter one ends, then the other alone at 10.
    assert one.play() == pytest.approx({"a": 3.0, "b": 4.0})


def test_one_that_comes_later_slows_down_those_that_are_there():
    one = played(decode=10.0)
    one.send("a", output=21)
    one.send("b", at=1.0, output=6)

    # a writes 10 alone until b begins at 2.0; both at 5 then: b ends at 3.0 and a has 5 left.
    assert one.play() == pytest.approx({"b": 3.0, "a": 3.5})


def test_inputs_are_read_one_after_the_other():
    one = played(prefill=100.0)
    for name in "abc":
        one.send(name, input=100, output=1)

    assert one.play() == pytest.approx({"a": 2.0, "b": 3.0, "c": 4.0})


def test_others_wait_for_a_slot_in_the_order_in_which_they_came():
    one = played(slots=1)
    for name in "abc":
        one.send(name, output=1)
    one.time.until(0.5)
    assert (one.server.running, one.server.waiting) == (1, 2)

    assert one.play() == pytest.approx({"a": 1.0, "b": 2.0, "c": 3.0})
    assert (one.server.running, one.server.waiting) == (0, 0)


def test_others_wait_for_room_and_what_is_larger_than_all_of_it_runs_alone():
    one = played(kv=100)
    one.send("a", input=89, output=11)
    one.send("huge", at=0.1, input=500, output=1)
    one.send("small", at=0.2, input=1, output=1)
    one.time.until(0.5)
    assert one.server.kv_share == 1.0 and one.server.waiting == 2

    assert one.play() == pytest.approx({"a": 2.0, "huge": 3.0, "small": 4.0})
    assert one.server.kv_share == 0.0 and played().server.kv_share == 0.0


def test_more_units_are_so_many_times_as_large():
    one = played(slots=1, decode=10.0, prefill=100.0, kv=100)
    one.server.resize(2)
    for name in "ab":
        one.send(name, output=11)

    assert one.play() == pytest.approx({"a": 2.0, "b": 2.0})
    assert (one.server.slots, one.server.room) == (2, 200)


def test_units_that_go_leave_what_they_had_at_work():
    one = played(slots=2)
    for name in "abc":
        one.send(name, at=0.0, output=11)
    one.send("reading", at=1.6, output=11)
    one.time.until(1.5)
    left = one.server.stop()

    assert sorted(work.about for work in left) == ["a", "b", "c"]
    assert (one.server.running, one.server.waiting, one.server.kv_used) == (0, 0, 0)
    assert one.play() == pytest.approx({"reading": 3.6}), "nothing ends that is gone"
