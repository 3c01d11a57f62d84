"""What becomes of an alert: by examples, and by anything that may be seen."""

from __future__ import annotations

from itertools import count, pairwise, product

from hypothesis import given
from hypothesis import strategies as st
from support.alerting import observation

from router.core.alerts.observation import Seen
from router.core.alerts.states import OVER, TRANSITIONS, Alert, Phase, Sign, Told, moved, moves

BAD, GOOD, BETWEEN = Seen.BAD, Seen.GOOD, Seen.BETWEEN


def ids():
    numbers = count(1)
    return lambda: f"id{next(numbers)}"


def play(*seen: tuple[float, Seen], hold: float = 0, clear: float = 0) -> list[tuple[float, str]]:
    """When what was told."""
    kept: Alert | None = None
    told, new_id = [], ids()
    for now, each in seen:
        move = moved(observation(each, hold=hold, clear=clear), kept, now, new_id)
        if move is not None:
            kept = move.after
            if move.notice is not None:
                told.append((now, move.notice.id))
    return told


def test_the_table_has_every_phase_and_sign():
    assert TRANSITIONS.keys() == set(product(Phase, Sign))


def test_it_is_told_once_however_long_it_lasts_and_once_when_it_is_over():
    assert play((0, BAD), (5, BAD), (10, BAD), (15, GOOD), (20, GOOD)) == [(0, "id1-firing"), (15, "id1-resolved")]


def test_what_is_bad_for_a_moment_only_is_not_told():
    assert play((0, BAD), (30, GOOD), (40, BAD), (99, BAD), hold=60) == []
    assert play((0, BAD), (59, BAD), (60, BAD), (61, BAD), hold=60) == [(60, "id1-firing")]


def test_what_is_good_for_a_moment_only_is_not_over():
    seen = ((0, BAD), (10, GOOD), (69, GOOD), (70, BAD), (80, GOOD), (140, GOOD))
    assert play(*seen, clear=60) == [(0, "id1-firing"), (140, "id1-resolved")]


def test_what_hovers_between_stays_as_it_was():
    assert play((0, BETWEEN), (1, BAD), (2, BETWEEN), (3, BETWEEN), (9, GOOD)) == [
        (1, "id1-firing"),
        (9, "id1-resolved"),
    ]


def test_each_time_has_a_name_of_its_own():
    assert [id for _, id in play((0, BAD), (1, GOOD), (2, BAD))] == ["id1-firing", "id1-resolved", "id2-firing"]


def test_what_is_told_says_since_when_and_what_about():
    fired = moved(observation(), None, 7.0, ids())
    assert fired is not None and fired.notice is not None and fired.after is not None
    assert (fired.notice.since, fired.notice.title, fired.notice.text) == (7.0, "Half of it is used", "$1 of $2")
    over = moved(observation(GOOD, text="$0 of $2", title="other"), fired.after, 9.0, ids())
    assert over is not None and over.notice is not None and over.after is None
    assert (over.notice.state, over.notice.since, over.notice.text) == ("resolved", 7.0, "$0 of $2")


def test_what_is_no_more_is_over_if_it_was_looked_at():
    fired = moved(observation(), None, 7.0, ids())
    assert fired is not None and fired.after is not None
    kept = {"limit|1": fired.after}
    assert moves(kept, [], (), 9.0, ids()) == []
    assert moves(kept, [observation(key="limit|2", seen=GOOD)], (), 9.0, ids()) == []
    (settling,) = moves(kept, [], ("limit",), 9.0, ids(), clear=60)
    assert settling.after is not None and settling.after.phase is Phase.SETTLING and settling.notice is None
    (over,) = moves(kept, [], ("limit",), 9.0, ids())
    assert over.after is None and over.notice is not None and over.notice.text == OVER


@given(
    st.lists(st.tuples(st.integers(1, 50), st.sampled_from(Seen)), max_size=60),
    st.integers(0, 90),
    st.integers(0, 90),
)
def test_firing_and_resolved_take_turns_and_keep_their_distance(steps, hold, clear):
    """No flapping: what is told alternates, and between two that are told lies as much time as is asked for."""
    now, seen = 0, []
    for step, each in steps:
        now += step
        seen.append((float(now), each))
    told = play(*seen, hold=hold, clear=clear)
    names = [id for _, id in told]
    expected = (f"id{number}-{state.value}" for number in count(1) for state in (Told.FIRING, Told.RESOLVED))
    states = [name.partition("-")[2] for name in names]
    assert states == [each.partition("-")[2] for each, _ in zip(expected, names, strict=False)]
    assert len(set(names)) == len(names)
    for (before, _), (after, name) in pairwise(told):
        assert after - before >= (hold if name.endswith("firing") else clear)
