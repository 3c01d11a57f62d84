from __future__ import annotations

import asyncio
import ssl

import pytest

from router.core.backend_kinds import OpenAIBackend
from router.core.policy import Health
from router.core.resilience.circuit_breaker import Event, State
from router.core.resilience.worker_status import Opening
from router.upstream.pool import Pool
from router.upstream.replica import Replica
from router.upstream.target import target_of_url

HEALTH = Health.model_validate({"failures_to_open": 2, "cooldown": "10s"})


class Seen:
    """A replica, and the openings that it told of."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        backend = OpenAIBackend(kind="openai", zone="cloud", url="http://127.0.0.1:1/v1", serves={"m": "m"})
        target = target_of_url("api", "cloud", "http://127.0.0.1:1/v1", None, ssl.create_default_context())
        self.openings: list[float] = []
        self.changed = 0
        self.replica = Replica(Pool(target, 1.0, loop), backend, HEALTH, self._change, self._opened)

    def _change(self) -> None:
        self.changed += 1

    def _opened(self, replica: Replica) -> None:
        self.openings.append(replica.breaker.until)


@pytest.fixture
async def seen() -> Seen:
    return Seen()


def opening(at: float, until: float, failures: int = 2) -> Opening:
    return Opening("other", at, until, failures, "HTTP 500")


async def test_an_opening_is_told_of_once_and_every_longer_rest_again(seen: Seen) -> None:
    for now in (1.0, 2.0, 3.0):
        seen.replica.report_failure(now, "HTTP 500")
    assert seen.openings == [12.0]
    seen.replica.report(Event.REST, 4.0, rest=5, why="HTTP 429")
    seen.replica.report(Event.REST, 4.0, rest=60, why="HTTP 429")
    assert seen.openings == [12.0, 64.0]


async def test_a_failed_trial_is_an_opening_too(seen: Seen) -> None:
    seen.replica.heard(opening(0.0, 5.0), 1.0)
    seen.replica.take(6.0)
    seen.replica.report_failure(7.0, "HTTP 500")
    assert seen.openings == [17.0]


async def test_what_is_heard_is_obeyed_and_not_told_of_again(seen: Seen) -> None:
    seen.replica.heard(opening(0.0, 9.0), 1.0)
    assert not seen.replica.usable(8.9) and seen.replica.usable(9.0)
    seen.replica.heard(opening(0.0, 60.0, failures=0), 2.0)
    assert not seen.replica.usable(59.0)
    assert seen.openings == [] and seen.changed == 2
    assert seen.replica.breaker.why == "HTTP 500, seen by another worker"


async def test_an_own_success_since_then_says_otherwise(seen: Seen) -> None:
    seen.replica.report(Event.SUCCESS, 2.0)
    seen.replica.heard(opening(1.0, 9.0), 3.0)
    assert seen.replica.usable(3.0)
    seen.replica.heard(opening(2.5, 9.0), 3.0)
    assert not seen.replica.usable(3.0)


async def test_a_rest_that_is_over_changes_nothing(seen: Seen) -> None:
    seen.replica.heard(opening(1.0, 9.0), 9.0)
    assert seen.replica.usable(9.0) and seen.changed == 0


async def test_the_last_changes_are_kept_with_their_reasons(seen: Seen) -> None:
    seen.replica.report(Event.REST, 1.0, rest=1, why="HTTP 429")
    seen.replica.take(2.0)
    seen.replica.report(Event.SUCCESS, 3.0)
    assert list(seen.replica.changes) == [
        (1.0, State.OPEN, "HTTP 429"),
        (2.0, State.HALF_OPEN, ""),
        (3.0, State.CLOSED, ""),
    ]
    for now in range(10):
        seen.replica.report(Event.REST, now * 10.0, rest=1, why="HTTP 429")
        seen.replica.take(now * 10.0 + 1)
    assert len(seen.replica.changes) == 5


async def test_a_slot_is_left_once(seen: Seen) -> None:
    one, two = seen.replica.take(1.0), seen.replica.take(1.0)
    assert seen.replica.inflight == 2
    one.leave(2.0)
    one.leave(3.0)
    assert seen.replica.inflight == 1
    two.leave(3.0)
    assert seen.replica.inflight == 0


async def test_a_trial_that_said_nothing_is_given_back_at_once(seen: Seen) -> None:
    seen.replica.report(Event.REST, 0.0, rest=1, why="HTTP 429")
    trial = seen.replica.take(2.0)
    assert not seen.replica.usable(2.0)
    trial.leave(3.0)
    assert seen.replica.usable(3.0)


@pytest.mark.parametrize(("event", "state"), [(Event.SUCCESS, State.CLOSED), (Event.FAILURE, State.OPEN)])
async def test_a_trial_that_spoke_is_over(seen: Seen, event: Event, state: State) -> None:
    seen.replica.report(Event.REST, 0.0, rest=1, why="HTTP 429")
    trial = seen.replica.take(2.0)
    trial.report(event, 3.0, why="HTTP 500")
    trial.leave(3.0)
    assert seen.replica.breaker.state is state


async def test_who_began_before_the_circuit_opened_gives_nobody_elses_trial_back(seen: Seen) -> None:
    earlier = seen.replica.take(0.0)
    seen.replica.report(Event.REST, 1.0, rest=1, why="HTTP 429")
    seen.replica.take(3.0)
    earlier.leave(4.0)
    assert not seen.replica.usable(4.0)


async def test_a_limit_rests_its_model_and_an_answer_after_it_wakes_it(seen: Seen) -> None:
    seen.replica.refused("m", 1.0, 1.0, 5.0, "HTTP 429", passes=True)
    rest = seen.replica.resting("m", 5.9)
    assert rest is not None and rest.until == 6.0
    assert seen.replica.resting("other", 5.9) is None and seen.replica.resting("m", 6.0) is None
    seen.replica.answered("m", 6.5)
    assert not seen.replica.rests and not seen.openings and seen.replica.usable(1.0)


async def test_a_long_rest_of_all_that_is_served_opens_the_circuit_for_all_workers(seen: Seen) -> None:
    seen.replica.refused("m", 1.0, 1.0, 300.0, "HTTP 429", passes=True)
    assert seen.openings == [301.0] and not seen.replica.usable(2.0)


async def test_a_rest_of_the_whole_backend_is_one_of_each_model(seen: Seen) -> None:
    seen.replica.report(Event.REST, 1.0, rest=5.0, why="HTTP 503")
    rest = seen.replica.resting("m", 2.0)
    assert rest is not None and (rest.until, rest.passes) == (6.0, True)
    assert seen.replica.resting("m", 6.0) is None


async def test_an_endpoint_that_it_does_not_have_keeps_no_model_from_others(seen):
    replica = seen.replica
    replica.refused("m", 0.0, 0.0, 15.0, "404", passes=False, endpoint="responses")
    assert replica.resting("m", 1.0, "responses") is not None
    assert replica.resting("m", 1.0, "chat") is None and replica.resting("m", 1.0) is None
    replica.answered("m", 16.0, "responses")
    assert replica.resting("m", 17.0, "responses") is None and not replica.rests


async def test_a_circuit_is_logged_once_when_it_opens_and_once_when_it_closes(seen: Seen, caplog) -> None:
    caplog.set_level("INFO", "breakeven.upstream")
    for now in (1.0, 2.0, 3.0):
        seen.replica.report_failure(now, "HTTP 500")
    seen.replica.take(20.0)
    seen.replica.report_failure(21.0, "HTTP 500")
    assert seen.replica.on_trial
    seen.replica.take(60.0)
    for now in (61.0, 62.0, 63.0):
        seen.replica.report(Event.SUCCESS, now)
    assert [each.message for each in caplog.records] == ["circuit opened", "circuit closed"]
    assert not seen.replica.on_trial
