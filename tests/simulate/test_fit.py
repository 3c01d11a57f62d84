"""What a simulated backend did is what is found again."""

from __future__ import annotations

from random import Random

import pytest
from msgspec.structs import replace
from support.simulating import MONDAY, ask, plan

from router.core.values import BackendState
from router.simulate.backends import SimulatedBackend
from router.simulate.fit import TooFewAnswers, expected, fit, told
from router.simulate.requests import RecordedRequest
from router.simulate.server_model import Server, Work
from router.simulate.shape import Shape
from router.simulate.virtual_time import VirtualTime

TRUE = Shape(speed=45.0, first_byte=0.08, prefill=9000.0, decode=900.0)
GUESSED = {"gpu": Shape(speed=40.0, first_byte=0.02, slots=64)}


def recorded(shape: Shape, gap: float, count: int = 4000) -> list[RecordedRequest]:
    """What such a backend would have done, with so many seconds between two requests on average."""
    draw, policy, time = Random(1), plan(**{", max_running: 8": ""}).policy, VirtualTime(MONDAY)
    answered: list[RecordedRequest] = []

    def done(work: Work) -> None:
        request: RecordedRequest = work.about
        first_byte, seconds = work.began - request.at, time.now - request.at
        answered.append(replace(request, decided="gpu", sent=0.0, first_byte=first_byte, seconds=seconds))

    backend = SimulatedBackend("gpu", policy.backends["gpu"], policy.health, shape, time, done, changed=lambda: None)
    at = 0.0
    for _ in range(count):
        at += draw.expovariate(1 / gap)
        request = ask(at, input=draw.randint(100, 4000), output=draw.randint(20, 400))
        time.until(request.at)
        replica = backend.pick()
        assert replica is not None
        backend.take(replica, Work(request, request.input, request.input, request.output))
    while time.next():
        pass
    return sorted(answered, key=lambda each: each.at)


def test_what_is_quiet_tells_its_speed_and_how_it_reads():
    [found] = fit(recorded(TRUE, gap=20.0), GUESSED)

    assert found.shape.speed == pytest.approx(45.0, rel=0.05)
    assert found.shape.prefill == pytest.approx(9000.0, rel=0.1)
    assert found.shape.first_byte == pytest.approx(0.08, abs=0.03)
    assert found.shape.decode is None and found.shape.slots == 64, "nothing tells how much it can write, or its slots"
    assert found.half_within < 0.03 and found.answers == 4000


def test_what_is_busy_tells_how_much_all_can_write():
    reads = replace(TRUE, prefill=40_000.0)
    requests = sorted([*recorded(reads, gap=0.3), *_later(recorded(reads, gap=20.0, count=1000))], key=_at)
    [found] = fit(requests, GUESSED)

    assert found.shape.decode == pytest.approx(900.0, rel=0.2)
    assert found.shape.speed == pytest.approx(45.0, rel=0.02)
    assert found.half_within < 0.05 and found.most_within < 0.3


def _at(request: RecordedRequest) -> float:
    return request.at


def _later(requests: list[RecordedRequest]) -> list[RecordedRequest]:
    return [replace(each, at=each.at + 86_400) for each in requests]


def test_the_error_is_told_with_what_was_found():
    [found] = fit(recorded(TRUE, gap=20.0, count=500), GUESSED)
    text = told(found)

    assert text.startswith("fitted to 500 answers of gpu: speed=4") and "slots=64" in text
    assert "of those left out of the fit, half took what it says within" in text


def test_answers_without_times_are_not_enough():
    with pytest.raises(TooFewAnswers, match=r"a fit takes 50 answers of a backend, .*, and gpu has 0 of them"):
        fit([ask(number, decided="gpu") for number in range(100)], GUESSED)
    known = [ask(number, decided="gpu", first_byte=1.0, seconds=2.0) for number in range(49)]
    with pytest.raises(TooFewAnswers, match="gpu has 49 of them; others there that the policy does not have: other"):
        fit([*known, ask(50, decided="other", first_byte=1.0, seconds=2.0)], GUESSED)
    with pytest.raises(TooFewAnswers):
        fit([ask(number, decided="gpu", first_byte=2.0, seconds=1.0) for number in range(99)], GUESSED)


def test_where_all_inputs_are_alike_reading_is_a_part_of_the_first_byte():
    alike = [ask(9 * number, decided="gpu", first_byte=1.0, seconds=1.0, output=1) for number in range(100)]
    [found] = fit(alike, GUESSED)

    assert (found.shape.first_byte, found.shape.prefill, found.shape.speed) == (1.0, None, 40.0)


def test_a_line_that_would_begin_below_nothing_begins_there():
    rising = [
        ask(9 * n, input=1000 * n, decided="gpu", first_byte=float(n * n), seconds=1e6, sent=0.0) for n in range(60)
    ]
    [found] = fit(rising, GUESSED)

    assert found.shape.first_byte == 0.0 and found.shape.prefill


def test_many_answers_are_kept_in_bounded_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("router.simulate.fit._KEPT", 10)
    [found] = fit(recorded(TRUE, gap=20.0, count=1000), GUESSED)

    assert found.half_within < 0.1


def test_what_is_expected_is_what_a_server_takes():
    assert expected(TRUE, 9000, 451, 1) == pytest.approx(0.08 + 1 + 10)
    assert expected(TRUE, 0, 451, 100) == pytest.approx(0.08 + 50)
    assert expected(Shape(speed=10.0, first_byte=1.0), 5000, 1, 100) == 1.0


def test_slots_are_found_where_requests_waited_in_its_queue():
    requests = recorded(replace(TRUE, slots=3, prefill=None, decode=None), gap=2.0, count=400)
    [found] = fit(requests, GUESSED)

    assert found.shape.slots == 3 and found.shape.speed == pytest.approx(45.0, rel=0.1)
    assert found.half_within < 0.1


def test_answers_that_came_as_a_whole_are_enough():
    whole = [replace(each, first_byte=None) for each in recorded(TRUE, gap=20.0, count=100)]
    [found] = fit(whole, GUESSED)

    assert found.answers == 100 and found.half_within < 0.1
    assert found.shape.speed == pytest.approx(45.0, rel=0.15)


def test_a_start_takes_what_requests_saw():
    requests = recorded(TRUE, gap=20.0, count=60)
    off, coming = BackendState(off="It is off."), BackendState(off="It starts.", coming=True)
    looks = [(-400.0, off), (-398.0, coming), (-102.0, coming), (-98.0, None)]
    seen = [ask(at, states={} if state is None else {"gpu": state}) for at, state in looks]
    [found] = fit([*seen, *requests], GUESSED)

    assert found.shape.start == pytest.approx(299.0)


def by_clients(slots: int, clients: int, count: int) -> list[RecordedRequest]:
    """Of clients that each send the next request once they have an answer, to a server that now and then takes a little
    longer than it should."""
    draw, time = Random(3), VirtualTime(MONDAY)
    done: list[RecordedRequest] = []

    def ask_next(_: object = None) -> None:
        output = draw.choice((14, 41, draw.randint(14, 41)))
        asked = ask(time.now - MONDAY, decided="gpu", input=draw.randint(10, 200), output=output, stream=True)
        server.send(Work(asked, round(20 * draw.random()), 300, output))

    def answered(work: Work) -> None:
        asked, now = work.about, time.now
        done.append(replace(asked, first_byte=work.began - asked.at, seconds=now - asked.at))
        time.at(now + 0.005, ask_next)

    server = Server(Shape(speed=50.0, first_byte=0.12, slots=slots, prefill=1000.0), time, answered)
    for _ in range(clients):
        ask_next()
    while len(done) < count:
        time.next()
    return sorted(done, key=lambda each: each.at)


@pytest.mark.parametrize(("slots", "clients"), [(2, 5), (3, 6), (5, 16), (8, 20)])
def test_slots_are_found_where_requests_wait_all_the_time(slots: int, clients: int):
    [found] = fit(by_clients(slots, clients, 20 * slots + 80), {"gpu": Shape(speed=40.0, first_byte=0.02)})

    assert found.shape.slots == slots
    assert found.half_within < 0.25
