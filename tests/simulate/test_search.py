"""What a simulated backend did is found again, also where requests waited in its queue."""

from __future__ import annotations

from random import Random

import pytest
from msgspec.structs import replace

from router.simulate.search import Observed, error_of, played, searched
from router.simulate.shape import Shape

GUESSED = Shape(speed=40.0, first_byte=0.02)


def recorded(shape: Shape, gap: float, count: int = 150, streamed: bool = True) -> list[Observed]:
    """Answers of such a backend, with so many seconds between two requests on average."""
    draw = Random(1)
    at, asked = 0.0, []
    for _ in range(count):
        at += draw.expovariate(1 / gap)
        input, output = draw.randint(10, 2000), draw.randint(1, 300)
        asked.append(Observed(at, input, input + output, output, took=1.0, first=None))
    return [
        replace(each, took=took, first=began if streamed else None)
        for each, (took, began) in zip(asked, played(shape, asked), strict=True)
    ]


def test_an_answer_takes_what_its_shape_says() -> None:
    [(took, began)] = played(Shape(50.0, 0.1, prefill=1000.0), [Observed(9.0, 500, 600, 101, 1.0, None)])
    assert (took, began) == (pytest.approx(0.1 + 0.5 + 2.0), pytest.approx(0.6))


def test_the_error_is_none_for_the_shape_that_it_was() -> None:
    shape = Shape(45.0, 0.08, slots=4, prefill=9000.0, decode=150.0)
    answers = recorded(shape, gap=1.0)
    assert error_of(shape, answers) == 0.0
    assert error_of(replace(shape, speed=20.0), answers) > 0.1


@pytest.mark.parametrize("streamed", [True, False], ids=["streams", "as a whole"])
def test_slots_are_found_by_what_waited_for_them(streamed: bool) -> None:
    answers = recorded(Shape(60.0, 0.05, slots=4), gap=0.8, streamed=streamed)
    found = searched(GUESSED, answers)
    assert found.slots == 4 and found.speed == pytest.approx(60.0, rel=0.1)
    assert error_of(found, answers) < 0.1


def test_a_bound_that_traffic_never_came_to_is_none() -> None:
    found = searched(GUESSED, recorded(Shape(60.0, 0.3, slots=64, decode=10_000.0), gap=10.0, count=60))
    assert (found.slots, found.decode, found.prefill) == (None, None, None)
    assert (found.speed, found.first_byte) == (pytest.approx(60, rel=0.06), pytest.approx(0.3, rel=0.06))


def test_what_is_known_stays_where_nothing_is_better() -> None:
    shape = Shape(45.0, 0.08, kv=5000, start=100.0)
    found = searched(shape, recorded(shape, gap=10.0, count=30))
    assert (found.kv, found.start, found.speed) == (5000, 100.0, 45.0)
