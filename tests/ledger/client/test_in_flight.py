"""What an answer of the server says of the holds of a batch."""

from __future__ import annotations

from types import SimpleNamespace

from router.core.limits.counters import Admission, Reached
from router.core.limits.limits import Limit, Verdict
from router.ledger.client.in_flight import admissions_of

DAY = Limit(scope="key:app", side="all", model="", measure="requests", period="day", amount=9)
MONTH = Limit(scope="global", side="all", model="", measure="usd", period="month", amount=1000)


def counter(limit: Limit) -> SimpleNamespace:
    return SimpleNamespace(limit=limit, key=limit.period, field=limit.scope)


COUNTERS = [counter(DAY), counter(MONTH)]


def said(verdicts: list[int], reached: list[int]) -> dict[int, Admission]:
    """Of a batch of three holds: the first one has no limits, the others have both."""
    limited = SimpleNamespace(sides=3, counters=SimpleNamespace(all=COUNTERS))
    free = SimpleNamespace(sides=3, counters=SimpleNamespace(all=()))
    flight = SimpleNamespace(batch=SimpleNamespace(holds=[free, limited, limited]))
    return admissions_of(flight, SimpleNamespace(counters=COUNTERS, limited=[1, 2]), verdicts, reached)


def test_nothing_is_said_of_those_that_are_simply_admitted():
    assert said([], []) == {}


def test_a_verdict_names_the_limit_that_is_in_the_way():
    """The second one with limits may go to one side only, for the month is full with these figures."""
    assert said([2, 1, 2, 990, 5, 20], []) == {2: Admission(1, Verdict(MONTH, 990, 5, 20), ())}


def test_a_limit_that_has_reached_its_soft_share_warns_all_that_it_applies_to():
    warning = (Reached(DAY, 7, 1),)
    assert said([], [1, 7, 1]) == {position: Admission(3, None, warning) for position in (1, 2)}
