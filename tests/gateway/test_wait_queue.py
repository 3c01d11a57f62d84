from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from router.core.backend_kinds import Capacity
from router.core.values import BackendState
from router.gateway.wait_queue import Position, WaitQueue

LOOP_CLOCK_S = 0.002
"""uvloop counts whole milliseconds, so that a timer may seem to end one before its time."""


def only(**places: int) -> Callable[[str], int]:
    """So much headroom, and none anywhere else."""
    return lambda backend: places.get(backend, 0)


class Waiting:
    """Requests that wait in a room, and the order in which they were let go."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.room = WaitQueue(self.loop)
        self.order: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, *backends: str, ticket: int | None = None) -> None:
        ticket = self.room.ticket() if ticket is None else ticket
        self.tasks[name] = asyncio.create_task(self._wait(name, ticket, backends))
        await asyncio.sleep(0)

    async def _wait(self, name: str, ticket: int, backends: tuple[str, ...]) -> None:
        assert await self.room.wait(ticket, backends, self.loop.time() + 5)
        self.order.append(name)

    async def wake(self, **places: int) -> list[str]:
        self.room.wake(only(**places))
        await asyncio.sleep(0.01)
        return self.order

    async def end(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


@pytest.fixture
async def waiting():
    made = Waiting()
    yield made
    await made.end()


async def test_the_first_to_come_is_the_first_to_be_woken(waiting):
    for name in "abc":
        await waiting.come(name, "gpu")
    assert await waiting.wake(gpu=2) == ["a", "b"]
    assert len(waiting.room) == waiting.room.queued("gpu") == 1
    assert await waiting.wake(gpu=5) == ["a", "b", "c"]


async def test_nobody_waits_behind_one_who_waits_for_another_backend(waiting):
    for name in ("first", "second", "third"):
        await waiting.come(name, "full")
    await waiting.come("last", "idle")
    assert await waiting.wake(idle=1) == ["last"]
    assert len(waiting.room) == waiting.room.queued("full") == 3


async def test_who_may_go_to_several_backends_takes_the_first_that_has_room(waiting):
    await waiting.come("either", "a", "b")
    await waiting.come("a only", "a")
    assert await waiting.wake(b=1) == ["either"]
    assert (waiting.room.queued("a"), waiting.room.queued("b")) == (1, 0)
    assert await waiting.wake(a=1) == ["either", "a only"]


async def test_whoever_comes_back_keeps_its_place(waiting):
    first = waiting.room.ticket()
    await waiting.come("later", "gpu")
    await waiting.come("first", "gpu", ticket=first)
    assert await waiting.wake(gpu=1) == ["first"]


async def test_room_is_promised_to_whoever_was_woken_until_it_has_decided(waiting):
    """Told twice of the same room, nobody else is woken; and who was woken and left leaves it to the next."""
    await waiting.come("first", "gpu")
    await waiting.come("second", "gpu")
    waiting.room.wake(only(gpu=1))
    assert waiting.room.queued("gpu") == 2
    assert await waiting.wake(gpu=1) == ["first"]


async def test_who_left_is_promised_nothing(waiting):
    await waiting.come("left", "gpu")
    await waiting.come("stays", "gpu")
    waiting.tasks["left"].cancel()
    await asyncio.sleep(0)
    assert await waiting.wake(gpu=1) == ["stays"]


async def test_newcomers_do_not_overtake(waiting):
    states = {"gpu": BackendState(context=4096), "api": BackendState()}
    assert waiting.room.for_newcomers(states) is states
    await waiting.come("first", "gpu")
    seen = waiting.room.for_newcomers(states)
    assert seen["gpu"] == BackendState(full=True, load="1 wait for it", context=4096)
    assert seen["api"] is states["api"]
    await waiting.wake(gpu=1)
    assert waiting.room.for_newcomers(states) is states


async def test_waiting_ends():
    loop = asyncio.get_running_loop()
    room = WaitQueue(loop)
    assert not await room.wait(room.ticket(), ["gpu"], loop.time())
    assert len(room) == room.queued("gpu") == 0


async def test_a_client_that_leaves_gives_up_its_place(waiting):
    await waiting.come("left", "a", "b")
    waiting.tasks["left"].cancel()
    await asyncio.gather(waiting.tasks["left"], return_exceptions=True)
    assert len(waiting.room) == waiting.room.queued("a") == waiting.room.queued("b") == 0


# --- a place

HOUR = Capacity(queue=1, queue_timeout="1h")


async def test_a_place_is_in_the_queues_that_are_not_full(waiting):
    await waiting.come("first", "full")
    place = Position(waiting.room, waiting.loop, waiting.loop.time() + 5)
    waits = asyncio.create_task(place.wait({"full": HOUR, "other": HOUR}))
    await asyncio.sleep(0)
    assert (waiting.room.queued("full"), waiting.room.queued("other")) == (1, 1)
    await waiting.wake(other=1)
    assert await waits
    assert not await place.wait({"full": HOUR}) and not await place.wait({})


async def test_a_place_keeps_its_turn(waiting):
    place = Position(waiting.room, waiting.loop, waiting.loop.time() + 5)
    waits = asyncio.create_task(place.wait({"gpu": HOUR}))
    await asyncio.sleep(0)
    await waiting.wake(gpu=1)
    assert await waits
    await waiting.come("later", "gpu")
    waits = asyncio.create_task(place.wait({"gpu": Capacity(queue=2)}))
    await asyncio.sleep(0)
    assert await waiting.wake(gpu=1) == [] and await waits


@pytest.mark.parametrize(("seconds", "patience"), [(0.0, "1h"), (3600.0, "1ms")], ids=["deadline", "patience"])
async def test_a_place_ends_at_the_deadline_or_when_patience_does(seconds, patience):
    loop = asyncio.get_running_loop()
    room = WaitQueue(loop)
    place = Position(room, loop, loop.time() + seconds)
    limits = {"gpu": Capacity(queue_timeout=patience)}
    assert not await place.wait(limits)
    assert not await place.wait(limits), "its time is over, whatever it waits for next"
    assert not room


async def test_who_waits_for_a_start_is_allowed_more_time_once_and_keeps_the_place() -> None:
    loop = asyncio.get_running_loop()
    room = WaitQueue(loop)
    limits = {"gpu": Capacity(queue=2, queue_timeout="10ms")}
    first, second = Position(room, loop, loop.time() + 60), Position(room, loop, loop.time() + 60)
    first.allow(30.0)
    first.allow(0.0)
    waits = asyncio.create_task(first.wait(limits))
    await asyncio.sleep(0.05)
    assert not waits.done() and not await second.wait(limits)
    room.wake(only(gpu=1))
    assert await waits


async def test_no_start_is_waited_for_beyond_the_deadline_whatever_was_waited_for_before() -> None:
    loop = asyncio.get_running_loop()
    room = WaitQueue(loop)
    deadline, limits = loop.time() + 0.2, {"gpu": Capacity(queue_timeout="1ms")}
    place = Position(room, loop, deadline)
    assert not await place.wait(limits)
    place.allow(3600.0)
    assert not await asyncio.wait_for(place.wait(limits), 30)
    assert loop.time() >= deadline - LOOP_CLOCK_S


async def test_at_the_end_who_waits_decides_anew_and_nobody_waits_beyond_it(waiting) -> None:
    for name in "ab":
        await waiting.come(name, "gpu")
    waiting.room.end(waiting.loop.time())
    await asyncio.sleep(0.01)
    assert waiting.order == ["a", "b"]
    assert not await waiting.room.wait(waiting.room.ticket(), ["gpu"], waiting.loop.time() + 3600)


async def test_newcomers_see_the_same_object_until_somebody_comes_or_leaves(waiting):
    states = {"gpu": BackendState(), "api": BackendState()}
    assert waiting.room.for_newcomers(states) is states
    await waiting.come("a", "gpu")
    shown = waiting.room.for_newcomers(states)
    assert shown["gpu"].full and not shown["api"].full
    assert waiting.room.for_newcomers(states) is shown
    assert waiting.room.for_newcomers(dict(states)) is not shown
    await waiting.come("b", "api")
    assert waiting.room.for_newcomers(states)["api"].full
    await waiting.wake(gpu=1, api=1)
    assert waiting.room.for_newcomers(states) is states


async def test_who_waits_for_a_rest_or_in_a_queue_looks_again_when_something_else_is_in_force() -> None:
    loop = asyncio.get_running_loop()
    room = WaitQueue(loop)
    waiting = [
        asyncio.create_task(room.rest(600)),
        asyncio.create_task(room.wait(room.ticket(), ["gpu"], loop.time() + 600)),
    ]
    await asyncio.sleep(0)
    room.judge_again()
    assert await asyncio.wait_for(asyncio.gather(*waiting), 20) == [None, True]


async def test_a_rest_ends_by_itself_too() -> None:
    await asyncio.wait_for(WaitQueue(asyncio.get_running_loop()).rest(0.001), 20)
