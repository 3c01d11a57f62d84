"""Limits that fill up, by examples."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.core.alerts.limits import HYSTERESIS, LimitUse, observed
from router.core.alerts.observation import Seen

SHARES = (0.5, 0.8, 1.0)


def use(used: float, held: float = 0, **fields) -> LimitUse:
    given = {"counter": "global|all||usd", "name": "global: usd_per_day", "period": "day", "begun": "2026-11-30"}
    return LimitUse(**(given | {"amount": 100.0, "used": used, "held": held, "unit": "USD"} | fields))


def seen(each: LimitUse) -> list[Seen]:
    """Of each share; what is not told of is well."""
    found = {float(one.key.rpartition("|")[2]): one.seen for one in observed([each], SHARES)}
    return [found.get(share, Seen.GOOD) for share in SHARES]


def test_each_share_is_an_alert_of_its_own():
    assert seen(use(10)) == [Seen.GOOD, Seen.GOOD, Seen.GOOD]
    assert seen(use(50)) == [Seen.BAD, Seen.GOOD, Seen.GOOD]
    assert seen(use(85)) == [Seen.BAD, Seen.BAD, Seen.GOOD]
    assert seen(use(100)) == [Seen.BAD, Seen.BAD, Seen.BAD]
    assert len({each.key for each in observed([use(100)], SHARES)}) == 3


def test_just_below_a_share_it_stays_as_it_was():
    assert seen(use(49))[0] is Seen.BETWEEN and seen(use(47.9))[0] is Seen.GOOD


def test_what_is_held_counts_at_the_whole_limit_alone():
    assert seen(use(45, held=53)) == [Seen.GOOD, Seen.GOOD, Seen.BETWEEN]
    assert seen(use(45, held=54)) == [Seen.GOOD, Seen.GOOD, Seen.BAD]


def test_the_last_percent_counts_as_all_of_it_since_a_request_that_overruns_it_is_refused():
    assert seen(use(99))[2] is Seen.BAD and seen(use(98.9))[2] is Seen.BETWEEN and seen(use(96.9))[2] is Seen.GOOD


def test_a_new_day_is_another_alert():
    keys = {each.key for day in ("2026-11-30", "2026-12-01") for each in observed([use(60, begun=day)], SHARES)}
    assert len(keys) == 2


def test_minutes_what_runs_at_once_and_what_allows_nothing_are_left_out():
    uses = use(100, period="minute"), use(100, period=""), use(0, amount=0.0)
    assert list(observed(uses, SHARES)) == []


def test_it_says_how_much_in_plain_words():
    half, most, whole = observed([use(100.5, held=0.25)], SHARES)
    assert (half.title, whole.title) == (
        "global: usd_per_day: 50% of the limit used",
        "global: usd_per_day: limit reached",
    )
    assert half.text == "$100.50 of $100.00 used in the day 2026-11-30, $0.25 held by running requests."
    assert (most.severity, whole.severity) == ("warning", "critical")
    assert [each.title for each in observed([use(1)], [0.0001, 0.005])] == [
        "global: usd_per_day: 0.01% of the limit used",
        "global: usd_per_day: 0.5% of the limit used",
    ]
    (tokens,) = observed([use(9, amount=9.0, unit="token")], [1.0])
    assert tokens.text == "9 tokens of 9 tokens used in the day 2026-11-30."


@given(st.lists(st.floats(0, 200), min_size=1, max_size=50), st.sampled_from(SHARES))
def test_it_does_not_flap_within_the_hysteresis(figures, share):
    """Between good and bad lies at least the hysteresis, whatever order figures come in."""
    (bad, good) = ([each for each in figures if seen_at(each, share) is wanted] for wanted in (Seen.BAD, Seen.GOOD))
    assert not bad or not good or min(bad) - max(good) > HYSTERESIS * 100 - 1e-9


def seen_at(figure: float, share: float) -> Seen:
    (found, *_) = [each.seen for each in observed([use(figure)], [share])] or [Seen.GOOD]
    return found
