from __future__ import annotations

import asyncio

from router.gateway.room import Room


async def test_the_first_to_come_is_the_first_to_be_woken():
    loop = asyncio.get_running_loop()
    room, order = Room(loop), []

    async def one(number: int) -> None:
        assert await room.wait(room.ticket(), loop.time() + 5)
        order.append(number)

    waiting = [asyncio.create_task(one(number)) for number in range(3)]
    await asyncio.sleep(0)
    room.wake(2)
    await asyncio.sleep(0.01)
    assert (order, len(room)) == ([0, 1], 1)
    room.wake(5)
    await asyncio.gather(*waiting)
    assert order == [0, 1, 2]


async def test_whoever_comes_back_keeps_its_place():
    loop = asyncio.get_running_loop()
    room, order = Room(loop), []
    first = room.ticket()

    async def one(ticket: int, name: str) -> None:
        await room.wait(ticket, loop.time() + 5)
        order.append(name)

    later = asyncio.create_task(one(room.ticket(), "later"))
    await asyncio.sleep(0)
    again = asyncio.create_task(one(first, "first"))
    await asyncio.sleep(0)
    room.wake(1)
    await again
    assert order == ["first"]
    room.wake(1)
    await later


async def test_waiting_ends():
    loop = asyncio.get_running_loop()
    room = Room(loop)
    assert not await room.wait(room.ticket(), loop.time())
    assert len(room) == 0


async def test_a_client_that_leaves_gives_up_its_place():
    loop = asyncio.get_running_loop()
    room = Room(loop)
    task = asyncio.create_task(room.wait(room.ticket(), loop.time() + 5))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(room) == 0
