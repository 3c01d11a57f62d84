from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest
from msgspec import structs

from router.core.backend_kinds import OpenAIBackend
from router.core.policy import Health
from router.core.resilience.circuit_breaker import Event
from router.core.resilience.replica_load import ReplicaLoad
from router.core.resilience.worker_status import PowerState
from router.core.values import BackendState
from router.upstream.fleet import SETTLING_SECONDS, BackendSpec, Fleet
from router.upstream.replica import Replica
from router.upstream.target import target_of_url

TLS = ssl.create_default_context()
HEALTH = Health.model_validate({"failures_to_open": 2, "cooldown": "10s"})
NONE: frozenset = frozenset()


def spec(name: str = "gpu", replicas: int = 1, **capacity: int) -> BackendSpec:
    url = "http://127.0.0.1:1/v1"
    backend = OpenAIBackend(kind="openai", zone="local", url=url, serves={"m": "m"}, capacity=capacity)
    urls = [url, *(f"http://127.0.0.1:{port}/v1" for port in range(2, replicas + 1))]
    return BackendSpec(name, backend, tuple(target_of_url(name, "local", each, None, TLS) for each in urls), HEALTH)


class Told:
    """A fleet, and how often those who wait were told of room."""

    def __init__(self, *specs: BackendSpec) -> None:
        self.fleet = Fleet(asyncio.get_running_loop())
        self.times = 0
        self.fleet.on_room = self._room
        self.fleet.apply(specs)

    def _room(self, headroom) -> None:
        self.times += 1


async def test_who_decides_in_the_same_turn_sees_that_the_last_slot_is_taken():
    fleet = Told(spec(max_running=1), spec("api")).fleet
    before = fleet.states
    assert not before["gpu"].full
    replica = fleet.backends["gpu"].pick(0.0, NONE, "m")
    slot = replica.take(0.0)
    assert (fleet.states["gpu"].full, fleet.states["gpu"].load) == (True, "1 running")
    assert fleet.backends["gpu"].pick(0.0, NONE, "m") is None and fleet.headroom("gpu") == 0
    slot.leave(0.0)
    assert not fleet.states["gpu"].full and fleet.headroom("gpu") == 1
    assert not before["gpu"].full, "what was handed out does not change"


async def test_states_stay_the_same_object_while_nothing_changes():
    """Decisions are remembered for it."""
    fleet = Told(spec(max_running=3)).fleet
    before = fleet.states
    slot = fleet.backends["gpu"].pick(0.0, NONE, "m").take(0.0)
    slot.leave(0.0)
    assert fleet.states is before


async def test_several_changes_in_one_turn_wake_those_who_wait_once():
    told = Told(spec(max_running=1))
    await asyncio.sleep(0)
    before = told.times
    for _ in range(3):
        told.fleet.backends["gpu"].pick(0.0, NONE, "m").take(0.0).leave(0.0)
    assert told.times == before
    await asyncio.sleep(0)
    assert told.times == before + 1


async def test_who_waits_is_told_whenever_a_request_has_ended():
    """A probe every few seconds would let no more go on than may wait at a server."""
    told = Told(spec())
    await asyncio.sleep(0)
    for awaited, times in ((0, 0), (3, 1)):
        told.fleet.awaited = lambda awaited=awaited: awaited
        before = told.times
        told.fleet.backends["gpu"].pick(0.0, NONE, "m").take(0.0).leave(0.0)
        await asyncio.sleep(0)
        assert told.times - before == times


@pytest.mark.parametrize("replicas", [1, 2, 3])
async def test_slots_are_of_each_replica(replicas):
    fleet = Told(spec(replicas=replicas, max_running=2)).fleet
    backend = fleet.backends["gpu"]
    slots = []
    while (replica := backend.pick(0.0, NONE, "m")) is not None:
        slots.append(replica.take(0.0))
    assert len(slots) == 2 * replicas and [each.inflight for each in backend.replicas] == [2] * replicas
    assert fleet.states["gpu"].full
    slots[0].leave(0.0)
    assert backend.pick(0.0, NONE, "m") is slots[0].replica


async def test_it_is_occupied_when_another_slot_is_all_that_a_model_lacks():
    one, two = (backend := Told(spec(replicas=2, max_running=1)).fleet.backends["gpu"]).replicas
    taken = one.take(0.0)
    assert not backend.occupied("m", 0.0), "the other one has a slot"
    two.report(Event.REST, 0.0, rest=60, why="HTTP 429")
    assert backend.occupied("m", 0.0)
    one.refused("m", 0.0, 0.0, 60, "HTTP 429", passes=True)
    assert not backend.occupied("m", 0.0), "a slot would not help"
    taken.leave(0.0)
    assert not backend.occupied("other", 0.0)


async def test_without_a_limit_there_is_always_a_slot():
    backend = Told(spec()).fleet.backends["gpu"]
    for _ in range(1000):
        backend.pick(0.0, NONE, "m").take(0.0)
    assert not backend.state(0.0).full


async def test_the_least_loaded_replica_is_picked_and_one_that_was_not_tried_before_it():
    one, two = (backend := Told(spec(replicas=2)).fleet.backends["gpu"]).replicas
    one.take(0.0)
    assert backend.pick(0.0, NONE, "m") is two
    assert backend.pick(0.0, {two}, "m") is one
    assert backend.pick(0.0, {one, two}, "m") is two
    two.probed(ReplicaLoad(waiting=50))
    assert backend.pick(0.0, NONE, "m") is one


async def test_what_one_replica_keeps_is_asked_for_nowhere_else():
    one, two = (backend := Told(spec(replicas=2, max_running=1)).fleet.backends["gpu"]).replicas
    assert one.identity != two.identity
    assert backend.pick(0.0, NONE, "m", one.identity) is one
    taken = one.take(0.0)
    assert backend.pick(0.0, NONE, "m", one.identity) is None, "it is waited for"
    taken.leave(0.0)
    assert backend.pick(0.0, {one}, "m", one.identity) is one
    assert backend.pick(0.0, NONE, "m", "of another address") is None


async def test_an_unhealthy_backend_says_why_and_when_to_come_back():
    fleet = Told(spec()).fleet
    (replica,) = fleet.backends["gpu"].replicas
    now = asyncio.get_running_loop().time()
    replica.report(Event.REST, now, rest=30, why="HTTP 429")
    state = fleet.states["gpu"]
    assert not state.healthy and "HTTP 429" in state.why and 29 < state.retry_after <= 30
    assert fleet.backends["gpu"].pick(now, NONE, "m") is None


async def test_a_reload_keeps_what_is_the_same_and_lets_go_of_the_rest():
    told = Told(spec(), spec("api"))
    gpu, api = told.fleet.backends["gpu"], told.fleet.backends["api"]
    told.fleet.apply([spec(), spec("api", max_running=1)])
    assert told.fleet.backends["gpu"] is gpu and told.fleet.backends["api"] is not api
    told.fleet.apply([spec()])
    assert told.fleet.states.keys() == {"gpu"}
    assert told.fleet.headroom("api") > 1000, "who waits for what is gone decides anew"
    told.fleet.close()


def switched(name: str = "gpu", *, probed: bool = True, **fields: object) -> BackendSpec:
    return structs.replace(spec(name), powered=True, probed=probed, **fields)


def power(phase: str, **fields: Any) -> PowerState:
    return PowerState(at=0.0, phase=phase, **({"serves": phase == "on", "why": f"It is {phase}."} | fields))


async def test_a_backend_that_is_off_takes_nothing_and_says_when_it_could():
    fleet = Told(switched()).fleet
    backend, now = fleet.backends["gpu"], asyncio.get_running_loop().time()
    fleet.told({"gpu": power("starting", coming=True, ready_at=100.0)}, shift=now)
    state = fleet.states["gpu"]
    assert (state.off, state.coming, state.wakes) == ("It is starting.", True, True)
    assert state.retry_after == pytest.approx(100, abs=10) and backend.starts_in(now) == pytest.approx(100, abs=10)
    assert backend.pick(now, NONE, "m") is None and fleet.headroom("gpu") == 0


@pytest.mark.parametrize("known", [True, False])
async def test_nobody_waits_for_what_rests_after_a_failure_while_it_is_off(known):
    fleet = Told(switched()).fleet
    fleet.told({"gpu": power("failed", rests=True, known=known)}, 0.0)
    assert fleet.states["gpu"].rests and fleet.headroom("gpu") > 1000, "who does decides anew"
    fleet.told({"gpu": power("on", rests=True)}, 0.0)
    assert not fleet.states["gpu"].rests and fleet.headroom("gpu") == 0
    fleet.told({"gpu": power("off")}, 0.0)
    assert not fleet.states["gpu"].rests and fleet.headroom("gpu") == 0


async def test_what_is_said_to_be_on_is_trusted_once_it_answers_and_only_as_long():
    fleet = Told(switched()).fleet
    backend, loop = fleet.backends["gpu"], asyncio.get_running_loop()
    (replica,) = backend.replicas
    fleet.told({"gpu": power("off")}, 0.0)
    fleet.told({"gpu": power("on")}, 0.0)
    assert fleet.states["gpu"].coming, "no probe has reached it yet"
    replica.probed(ReplicaLoad())
    assert fleet.states["gpu"] == BackendState() and backend.pick(loop.time(), NONE, "m") is replica
    replica.probe_failed("connection refused", certain=True)
    assert backend.state(loop.time()).coming, "it may not have settled yet"
    late = backend.state(loop.time() + SETTLING_SECONDS)
    assert not late.off and not late.healthy and "connection refused" in late.why


async def test_what_is_never_probed_is_taken_as_it_is_said_to_be():
    fleet = Told(switched(probed=False)).fleet
    fleet.told({"gpu": power("off")}, 0.0)
    assert fleet.states["gpu"].off
    fleet.told({"gpu": power("on")}, 0.0)
    assert fleet.states["gpu"] == BackendState()


@pytest.mark.parametrize("said", [{}, {"gpu": power("unknown", known=False)}])
async def test_while_nobody_can_tell_probes_decide(said):
    fleet = Told(switched()).fleet
    fleet.told(said, 0.0)
    state = fleet.states["gpu"]
    assert state.off.endswith("It does not answer.") and state.wakes and not state.coming
    fleet.backends["gpu"].replicas[0].probed(ReplicaLoad())
    assert fleet.states["gpu"] == BackendState()


async def test_nothing_that_happened_before_it_was_off_counts_when_it_is_on_again():
    fleet = Told(switched(probed=False)).fleet
    (replica,) = fleet.backends["gpu"].replicas
    replica.refused("m", 0.0, 0.0, 60, "HTTP 429", passes=True)
    for _ in range(3):
        replica.report_failure(0.0, "HTTP 500")
    fleet.told({"gpu": power("off")}, 0.0)
    told: list[Replica] = []
    fleet.on_opened = told.append
    for _ in range(3):
        replica.report_failure(0.0, "connection refused")
    replica.probe_failed("connection refused", certain=True)
    assert not told, "nobody hears that what is off does not answer"
    fleet.told({"gpu": power("on")}, 0.0)
    assert fleet.states["gpu"] == BackendState() and fleet.backends["gpu"].rest("m", 0.0) is None


async def test_states_stay_the_same_object_while_the_controller_says_the_same():
    fleet = Told(switched()).fleet
    fleet.told({"gpu": power("off")}, 0.0)
    before = fleet.states
    fleet.told({"gpu": structs.replace(power("off"), at=9.0, ready_at=99.0)}, 0.0)
    assert fleet.states is before
    fleet.told({"gpu": power("off", why="It is kept off.")}, 0.0)
    assert fleet.states["gpu"].off == "It is kept off."


async def test_a_reload_knows_what_is_off_and_what_a_former_plan_has_left_hears_of_it():
    told = Told(switched())
    fleet, former = told.fleet, told.fleet.backends["gpu"]
    fleet.told({"gpu": power("off")}, 0.0)
    fleet.apply([switched(probed=False)])
    assert fleet.states["gpu"].off == "It is off."
    fleet.told({"gpu": power("on")}, 0.0)
    assert fleet.states["gpu"] == BackendState() and not former.replicas[0].off


async def test_what_is_not_switched_hears_nothing():
    fleet = Told(spec()).fleet
    fleet.told({"gpu": power("off")}, 0.0)
    assert fleet.states["gpu"] == BackendState()


async def test_after_a_reload_what_is_on_is_waited_for_until_it_was_probed_anew():
    fleet = Told(switched()).fleet
    fleet.told({"gpu": power("on")}, 0.0)
    fleet.backends["gpu"].replicas[0].probed(ReplicaLoad())
    fleet.apply([switched(health=Health.model_validate({"cooldown": "20s"}))])
    assert fleet.states["gpu"].coming
    fleet.backends["gpu"].replicas[0].probed(ReplicaLoad())
    assert fleet.states["gpu"] == BackendState()
