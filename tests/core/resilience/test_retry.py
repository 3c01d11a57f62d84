from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.resilience.circuit_breaker import Event
from router.core.resilience.error_cause import ErrorCause
from router.core.resilience.retry import (
    FAULTS,
    LONGEST_REST,
    Action,
    Fault,
    Outcome,
    RetryBudget,
    Verdict,
    client_retry_after,
    judge,
    parse_retry_after,
    parse_retry_after_ms,
    rest_asked,
    retry_budget,
)

COOLDOWN = 15.0
NOVEMBER_6_1994 = 784111777.0


def test_every_fault_before_the_first_byte_has_a_verdict() -> None:
    assert set(FAULTS) == set(Fault) - {Fault.MID_STREAM}


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in (Fault.TOO_LARGE, Fault.NO_ROOM)])
def test_before_the_first_byte_a_fault_is_a_failure_and_the_next_is_tried(fault: Fault) -> None:
    assert judge(Outcome(fault), COOLDOWN) == Verdict(Action.NEXT, Event.FAILURE)


@pytest.mark.parametrize("fault", [Fault.TOO_LARGE, Fault.NO_ROOM])
def test_an_answer_that_is_too_large_says_nothing_bad_of_the_backend(fault: Fault) -> None:
    assert judge(Outcome(fault), COOLDOWN) == Verdict(Action.NEXT, Event.SUCCESS)


@pytest.mark.parametrize("status", [200, 201, 204, 400, 405, 409, 413, 415, 422, 451])
def test_an_answer_is_relayed_and_says_that_the_backend_is_well(status: int) -> None:
    assert judge(Outcome(status=status), COOLDOWN) == Verdict(Action.ANSWER, Event.SUCCESS)


@pytest.mark.parametrize("status", [301, 401, 402, 407, 408, 425, 500, 501, 502, 503, 504, 529, 599, 600, 0])
def test_a_fault_of_the_upstream_is_a_failure_and_the_next_is_tried(status: int) -> None:
    assert judge(Outcome(status=status), COOLDOWN) == Verdict(Action.NEXT, Event.FAILURE)


@pytest.mark.parametrize("status", [503, 529])
@pytest.mark.parametrize("rest", [0.0, 7.5])
def test_a_backend_rests_as_long_as_it_asks(status: int, rest: float) -> None:
    assert judge(Outcome(status=status, retry_after=rest), COOLDOWN) == Verdict(Action.NEXT, Event.REST, rest)


@pytest.mark.parametrize("rest", [None, 0.0, 7.5])
def test_a_limit_rests_the_model_that_it_speaks_of_and_says_nothing_of_the_backends_health(rest: float | None) -> None:
    verdict = Verdict(Action.NEXT, Event.TRIAL_ABANDONED, rest, of_model=True)
    assert judge(Outcome(status=429, retry_after=rest), COOLDOWN) == verdict
    assert judge(Outcome(status=503, retry_after=rest, blame=ErrorCause.LIMIT), COOLDOWN) == verdict


def test_a_model_that_the_backend_does_not_know_rests_for_the_cooldown() -> None:
    assert judge(Outcome(status=404), COOLDOWN) == Verdict(Action.NEXT, Event.TRIAL_ABANDONED, COOLDOWN, of_model=True)


def test_a_bill_of_ours_is_a_failure_of_the_backend_whatever_its_status() -> None:
    for status in (400, 402, 403, 429):
        outcome = Outcome(status=status, blame=ErrorCause.UNPAID, retry_after=7.0)
        assert judge(outcome, COOLDOWN) == Verdict(Action.NEXT, Event.FAILURE)


def test_a_403_opens_no_circuit_unless_it_speaks_of_our_credentials() -> None:
    assert judge(Outcome(status=403), COOLDOWN) == Verdict(Action.NEXT, Event.TRIAL_ABANDONED)
    assert judge(Outcome(status=403, blame=ErrorCause.CREDENTIALS), COOLDOWN) == Verdict(Action.NEXT, Event.FAILURE)


@pytest.mark.parametrize("status", [400, 403, 451, 500, 503])
def test_a_refusal_of_content_is_the_answer(status: int) -> None:
    outcome = Outcome(status=status, blame=ErrorCause.CONTENT, retry_after=1.0)
    assert judge(outcome, COOLDOWN) == Verdict(Action.ANSWER, Event.SUCCESS)


def test_retry_after_on_other_statuses_means_nothing() -> None:
    assert judge(Outcome(status=500, retry_after=9.0), COOLDOWN) == Verdict(Action.NEXT, Event.FAILURE)
    assert judge(Outcome(status=400, retry_after=9.0), COOLDOWN) == Verdict(Action.ANSWER, Event.SUCCESS)


def test_outcomes_say_why() -> None:
    assert Outcome(Fault.DNS).why == "name not resolved"
    assert Outcome(status=503).why == Outcome(status=503).told == "HTTP 503"
    assert Outcome(status=404, detail="no such model").told == "HTTP 404 (no such model)"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("20", 20.0),
        (" 1.5 ", 1.5),
        ("-3", 0.0),
        ("86400", LONGEST_REST),
        ("999999999999999999", LONGEST_REST),
        ("Sun, 06 Nov 1994 08:49:57 GMT", 20.0),
        ("Sunday, 06-Nov-94 08:49:57 GMT", 20.0),
        ("Sun Nov  6 08:49:57 1994", 20.0),
        ("Sun, 06 Nov 1994 08:49:07 GMT", 0.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", LONGEST_REST),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1_0", None),
        ("1e3", None),
        ("٣", None),
        ("1" * 400, None),
        ("Sun, 99 Nov 1994 08:49:57 GMT", None),
        ("Sun, 06 Nov 99999 08:49:57 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert parse_retry_after(value, NOVEMBER_6_1994) == seconds


@given(st.one_of(st.text(), st.from_regex(r"\w{3}, \d{1,5} \w{3} \d{1,6} \d\d:\d\d:\d\d ([A-Z]{3}|[+-]\d{1,9})")))
def test_no_retry_after_raises_or_leaves_the_bounds(value: str) -> None:
    for seconds in (parse_retry_after(value, NOVEMBER_6_1994), parse_retry_after_ms(value)):
        assert seconds is None or 0 <= seconds <= LONGEST_REST


@pytest.mark.parametrize(
    ("seconds_header", "ms_header", "rest"),
    [
        (None, None, None),
        ("2", None, 2.0),
        ("2", "1500", 1.5),
        (None, "250.5", 0.2505),
        (None, "-1", 0.0),
        ("2", "soon", 2.0),
        (None, "soon", None),
        ("soon", None, None),
    ],
)
def test_the_finer_header_wins(seconds_header: str | None, ms_header: str | None, rest: float | None) -> None:
    assert rest_asked(seconds_header, ms_header, NOVEMBER_6_1994) == rest


@pytest.mark.parametrize(
    ("seconds", "header"),
    [(-1.0, 1), (0.2, 1), (1.01, 2), (60.0, 60), (61.0, 60), (float("inf"), 60), (float("nan"), 1)],
)
def test_clients_are_asked_to_wait_a_little(seconds: float, header: int) -> None:
    assert client_retry_after(seconds) == header


def drained(ratio: float, now: float = 100.0) -> RetryBudget:
    budget, paid = retry_budget(ratio).spend(now)
    while paid:
        budget, paid = budget.spend(now)
    return budget


def test_a_full_budget_keeps_the_object() -> None:
    budget = retry_budget(0.2)

    assert budget.earn() is budget


def test_a_retry_costs_as_much_as_its_share_of_requests_brings_in() -> None:
    budget = drained(0.25)
    for _ in range(3):
        budget = budget.earn()
    assert budget.spend(100.0) == (budget, False)

    budget, paid = budget.earn().spend(100.0)

    assert paid
    assert budget.tokens == 0.0


def test_however_few_requests_there_are_some_retries_are_affordable() -> None:
    budget = drained(0.2, now=100.0)
    later, paid = budget.spend(110.0)
    assert paid
    assert later.tokens == pytest.approx(2.0)

    assert not budget.spend(103.0)[1]
    assert later.spend(50.0)[1], "a clock that goes back takes nothing away"
    assert not budget.spend(50.0)[1], "and brings nothing in"
    assert budget.spend(100_000.0)[0].tokens == pytest.approx(2.0), "idle time is worth the floor, not more"


def test_unused_budget_adds_up_to_the_cap_only() -> None:
    full = retry_budget(0.3)
    budget = full.spend(100.0)[0]
    for _ in range(10):
        budget = budget.earn()

    assert budget.tokens == full.tokens


def test_no_budget_means_no_retries() -> None:
    assert retry_budget(0.0).earn().spend(1e9)[1] is False


@given(st.floats(0.01, 1), st.lists(st.booleans(), max_size=400))
def test_retries_never_exceed_their_share_plus_what_was_saved(ratio: float, requests: list[bool]) -> None:
    budget, retries = drained(ratio), 0
    saved = budget.tokens
    for wants_retry in requests:
        budget = budget.earn()
        if wants_retry:
            budget, paid = budget.spend(100.0)
            retries += paid

    assert retries <= saved + ratio * len(requests) + 1e-6
    assert budget.tokens <= budget.cap
