"""Writes the rent of own backends into the ledger as time passes.

Every gateway of a ledger does so, and none needs a lease: whoever comes first accounts for the time since the last
look, and the others find that it was done. How switched units are is read where their controller keeps it; one that
nobody here switches is on for as long as a policy names it and a gateway runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from router.core.backend_kinds import Backend
from router.core.cost.rent import (
    LONGEST_LOOK_MS,
    MOST_MS,
    Accrual,
    Meter,
    RentState,
    Sighting,
    accrued,
)
from router.core.limits.periods import Periods
from router.core.power.of_backend import price_of
from router.core.power.sightings import milliseconds, sighting_of
from router.core.values import Plan
from router.ledger.errors import LedgerUnavailable
from router.ledger.power import KeptUnits, PowerBook, PowerLink, PowerLook
from router.ledger.rent_book import RentBook, Unit

TICK_SECONDS = 15.0
_DAY_SECONDS = 86_400

log = logging.getLogger("breakeven.rent")


class RentKeeper:
    """`plan` is the policy in force."""

    def __init__(self, url: str, plan: Callable[[], Plan]) -> None:
        """Raises ValueError for a URL that cannot be used."""
        self._link = PowerLink(url)
        self._plan = plan
        self._counts = False
        """There was something to count: what a policy has no more costs until it is gone."""

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                try:
                    await self.tick()
                except LedgerUnavailable:
                    pass  # what has come meanwhile is accounted for afterwards
                except Exception:  # a defect of ours: the next look must come all the same
                    log.exception("rent not accounted for")
                await asyncio.sleep(TICK_SECONDS)
        finally:
            self._link.close()

    async def tick(self) -> None:
        """Account for the time since the last look. Raises `LedgerUnavailable`."""
        plan = self._plan()
        rented = {name: backend for name, backend in plan.policy.backends.items() if backend.cost is not None}
        self._counts = self._counts or bool(rented)
        if not self._counts:
            return  # no connection either
        connection = await self._link.connection()
        look, book = await PowerBook(connection).look(), RentBook(connection)
        periods = Periods(ZoneInfo(plan.policy.cost.timezone))
        accruals = accruals_of(rented, look, await book.meters(), periods)
        await book.accrue(accruals, plan.policy.ledger.retain_days * _DAY_SECONDS)


def accruals_of(
    rented: Mapping[str, Backend], look: PowerLook, meters: Mapping[Unit, Meter], periods: Periods
) -> dict[Unit, Accrual]:
    """What has come for each unit of these backends, and of those that the policy has no more and that a controller is
    still switching off. What is known of them is accounted for, and no more: so nothing has to be taken back when a
    driver tells afterwards when one began or ended."""
    units = {name: (price_of(backend), _seen(name, backend, look, meters)) for name, backend in rented.items()}
    for name, kept in look.kept.items():
        followed = look.now - kept.state.at <= LONGEST_LOOK_MS / 1000
        if name not in rented and kept.price is not None and followed:
            units[name] = kept.price, _switched(name, kept, 1, meters)
    found = {}
    for name, (price, sightings) in units.items():
        switched = None if name in rented and not _is_switched(rented[name]) else look.kept.get(name)
        known = switched.state.looked_at if switched is not None else 0.0
        now = milliseconds(min(look.now, known) if known else look.now)
        for number, seen in enumerate(sightings):
            meter = meters.get((name, number), Meter())
            if meter.at or seen.past or seen.state is not RentState.OFF:
                found[name, number] = accrued(meter, seen, price, now, periods)
    return found


def _seen(name: str, backend: Backend, look: PowerLook, meters: Mapping[Unit, Meter]) -> list[Sighting]:
    """One for each unit that there may be. Putting a model to sleep frees a card's memory, and not its rent."""
    if not _is_switched(backend):
        idle = 0 if look.running.get(name) else MOST_MS
        return [Sighting(RentState.IDLE, idle, switched=False)]
    kept = look.kept.get(name)
    if kept is None:
        return []  # nobody has looked at them yet
    return _switched(name, kept, backend.power.units if backend.power is not None else 1, meters)


def _is_switched(backend: Backend) -> bool:
    return backend.power is not None and backend.power.driver != "sleep"


def _switched(name: str, kept: KeptUnits, most: int, meters: Mapping[Unit, Meter]) -> list[Sighting]:
    known = [number for backend_name, number in meters if backend_name == name]
    units = max(most, kept.state.costing, *(number + 1 for number in known), 1)
    return [sighting_of(kept.state, number, alone=units == 1) for number in range(units)]
