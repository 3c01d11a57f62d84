from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.cost.volume import seen_in
from router.core.cost.volume_tracker import VolumeTracker
from router.core.values import Mixture

BERLIN = ZoneInfo("Europe/Berlin")
NOW = 1_779_267_600.0
QUARTER = int(NOW // 900)


@pytest.fixture
def tracker() -> VolumeTracker:
    return VolumeTracker(BERLIN)


def test_nothing_was_seen_at_first(tracker):
    assert tracker.seen("trailing_24h", NOW) == Mixture()


def test_own_tokens_count_until_the_server_counts_them(tracker):
    tracker.load([QUARTER, 100, 0, 0])
    tracker.add(QUARTER, (5, 6, 7))
    assert tracker.seen("today", NOW) == Mixture(105, 6, 7)
    tracker.answered({QUARTER: (5, 6, 7)}, [QUARTER, 110, 6, 7])
    assert tracker.seen("today", NOW) == Mixture(110, 6, 7)


def test_tokens_that_the_server_did_not_count_are_taken_out(tracker):
    tracker.add(QUARTER, (5, 6, 7))
    assert tracker.seen("today", NOW) == Mixture(5, 6, 7)
    tracker.answered({QUARTER: (5, 6, 7)}, [])
    assert tracker.seen("today", NOW) == Mixture()


def test_tokens_still_under_way_stay_in(tracker):
    tracker.add(QUARTER, (5, 0, 0))
    tracker.add(QUARTER, (7, 0, 0))
    tracker.answered({QUARTER: (5, 0, 0)}, [QUARTER, 5, 0, 0])
    assert tracker.seen("today", NOW) == Mixture(input=12)
    tracker.load([QUARTER, 5, 0, 0])
    assert tracker.seen("today", NOW) == Mixture(input=12)


def test_loading_forgets_what_is_no_longer_there(tracker):
    tracker.load([QUARTER, 100, 0, 0])
    assert tracker.seen("today", NOW) == Mixture(input=100)
    tracker.load([])
    assert tracker.seen("today", NOW) == Mixture()


def test_a_new_time_zone_moves_midnight(tracker):
    tracker.load([QUARTER - 4 * 10, 100, 0, 0])
    assert tracker.seen("today", NOW) == Mixture(input=100)
    tracker.retime(ZoneInfo("America/New_York"))
    assert tracker.seen("today", NOW) == Mixture()
    assert tracker.seen("yesterday", NOW) == Mixture(input=100)


counts = st.tuples(*[st.integers(0, 1000)] * 3)
events = st.lists(st.tuples(st.sampled_from(["own", "other", "pass"]), st.integers(0, 210), counts), max_size=40)


@given(events)
def test_it_always_agrees_with_the_sum_over_all_buckets(events):
    tracker, now, truth = VolumeTracker(BERLIN), NOW, {}
    for kind, number, tokens in events:
        quarter = int(now // 900) - number
        if kind == "pass":
            now += number * 61
            continue
        before = truth.get(quarter, Mixture())
        truth[quarter] = Mixture(before.input + tokens[0], before.cached + tokens[1], before.output + tokens[2])
        if kind == "own":
            tracker.add(quarter, tokens)
        total = truth[quarter]
        counted = [quarter, total.input, total.cached, total.output]
        tracker.answered({quarter: tokens} if kind == "own" else {}, counted)
        for window in ("today", "yesterday", "trailing_24h"):
            assert tracker.seen(window, now) == seen_in(truth, window, now, BERLIN)
