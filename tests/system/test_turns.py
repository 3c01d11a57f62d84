"""Keys take turns at what they share."""

from __future__ import annotations

import asyncio

from router.system.turns import Turns


async def test_keys_take_turns():
    turns, order = Turns(asyncio.get_running_loop()), []

    async def go(key):
        await turns.take(key)
        order.append(key)
        turns.give_back(key)

    await turns.take("busy")
    tasks = [asyncio.create_task(go(key)) for key in ("busy", "busy", "busy", "calm", "other", "calm")]
    await asyncio.sleep(0)
    assert (turns.count, turns.of("busy"), turns.of("nobody")) == (6, 3, 0)
    turns.give_back("busy")
    await asyncio.gather(*tasks)
    assert order == ["busy", "calm", "other", "busy", "calm", "busy"] and not turns.taken and not turns.count


async def test_of_one_key_no_two_go_at_once():
    turns = Turns(asyncio.get_running_loop(), places=2)
    await turns.take("busy")
    again = asyncio.create_task(turns.take("busy"))
    await turns.take("calm")
    third = asyncio.create_task(turns.take("third"))
    await asyncio.sleep(0)
    assert turns.count == 2
    turns.give_back("calm")
    await third
    assert not again.done(), "there was a place, and one of its own has it already"
    turns.give_back("busy")
    await again
    for key in ("busy", "third"):
        turns.give_back(key)
    assert not turns.taken and not turns.count


async def test_who_leaves_before_its_turn_or_with_it_holds_up_nobody():
    turns = Turns(asyncio.get_running_loop())
    await turns.take("a")
    leaves, stays = asyncio.create_task(turns.take("a")), asyncio.create_task(turns.take("b"))
    await asyncio.sleep(0)
    turns.give_back("a")
    leaves.cancel()
    await stays
    gone, late = asyncio.create_task(turns.take("a")), asyncio.create_task(turns.take("a"))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    assert leaves.cancelled() and turns.count == turns.of("a") == 1
    late.cancel()
    turns.give_back("b")
    await asyncio.wait([late])
    assert not turns.taken and not turns.count
