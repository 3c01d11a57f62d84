"""Controllers that are killed, one at every step, and that lose the lease to each other while clocks jump and drivers
fail: against a rental that counts what was really started and stopped, and bills by the second."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from router.core.power.terms import Order
from router.ledger.power import PowerBook
from router.power import controller as controllers
from router.power.controller import Controller

POINTS = ("before write", "written", "before start", "after start", "before stop", "after stop")


class Killer:
    """Kills whoever reaches a point, once: nothing of it runs on, and nothing is cleaned up."""

    def __init__(self, house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = ""
        self.killed = 0
        self._house = house
        house.point = self.reach
        killer = self

        class Book(PowerBook):
            async def write(self, token: str, **kwargs: Any) -> bool:
                (controller,) = [each for each in house.controllers if each._token == token]
                acts = any(each.state.unconfirmed for each in kwargs["kept"].values())
                if acts:
                    await killer.reach(controller, "before write")
                written = await super().write(token, **kwargs)
                if acts and written:
                    await killer.reach(controller, "written")
                return written

        monkeypatch.setattr(controllers, "PowerBook", Book)

    async def reach(self, controller: Controller, point: str) -> None:
        if controller not in self._house.controllers:
            await asyncio.Event().wait()
        if point == self.at:
            self.at = ""
            self.killed += 1
            self._house.controllers.remove(controller)
            await asyncio.Event().wait()


async def consistent(house: Any) -> None:
    """What was really done is what was written down, and nothing is on that nobody counts."""
    events = await house.events()
    assert house.rental.starts <= sum(event.after == "starting" and event.before != "starting" for event in events)
    assert house.rental.stops <= sum(event.after in ("stopping", "failed") for event in events)
    assert len(house.rental.on) <= 1


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_any_step_the_next_one_goes_on(house, monkeypatch, point):
    killer = Killer(house, monkeypatch)
    killer.at = point
    house.start()
    house.start()
    await house.run(10)
    await house.order(Order.ON)
    for _ in range(40):
        await house.run(5)
        if not killer.at:
            house.end_lease()
    await house.order(Order.OFF)
    for _ in range(60):
        await house.run(5)
        if not killer.at:
            house.end_lease()
    await consistent(house)
    assert killer.killed == 1
    assert (house.rental.starts, house.rental.stops, house.rental.on) == (1, 1, [])
    assert (await house.kept()).state.units == 0


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_happens_at_most_one_start_and_one_stop_are_made_for_each_change(house, monkeypatch, seed):
    chance, killer = random.Random(seed), Killer(house, monkeypatch)
    house.start()
    house.start()
    died = 0
    for _ in range(40):
        match chance.randrange(10):
            case 0:
                killer.at = chance.choice(POINTS)
            case 1:
                house.end_lease()
                chance.shuffle(house.controllers)
            case 2:
                house.rental.now += chance.choice((-3600.0, 3600.0))
            case 3:
                await house.order(chance.choice(list(Order)))
            case 4 | 5:
                house.wake()
            case 6:
                house.usd_per_hour = chance.choice((0.0, 0.5, 3.0))
            case 7:
                house.rental.broken = chance.choice(("", "", "HTTP 429"))
            case 8:
                house.rental.blind = chance.choice(("", "", "HTTP 403"))
            case 9 if house.rental.on and chance.random() < 0.3:
                house.rental.lose()
                died += 1
        await house.run(seconds := chance.choice((5, 20, 120, 600)), step=max(5, seconds / 10))
        while len(house.controllers) < 2:
            house.start()
        if chance.random() < 0.5:
            house.end_lease()
        await consistent(house)
    killer.at = house.rental.broken = house.rental.blind = ""
    await house.run(60)
    await house.order(Order.OFF)
    await house.run(1800, step=20)
    kept = (await house.kept()).state
    assert (kept.phase, kept.units, house.rental.on) == ("off", 0, [])
    assert house.rental.starts == house.rental.stops + died
