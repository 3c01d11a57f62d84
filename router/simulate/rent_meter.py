"""What a backend's units cost by time in a simulation, by the same accounts as the ledger's."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from router.core.backend_kinds import Backend
from router.core.cost.rent import LONGEST_LOOK_MS, MOST_MS, Meter, RentState, Sighting, accrued
from router.core.limits.periods import Periods
from router.core.power.of_backend import price_of
from router.core.power.sightings import milliseconds, sighting_of
from router.core.power.units import UnitsState

LOOK_SECONDS = LONGEST_LOOK_MS / 1000
_NOT_ON = (RentState.OFF, RentState.ROUNDING)


class RentMeter:
    def __init__(self, backend: Backend, timezone: ZoneInfo, begin: float, units: int) -> None:
        self.price = price_of(backend)
        self.nano = 0
        self.seconds: dict[RentState, float] = {}
        self.by_hour: dict[int, int] = {}
        """Nano-USD by hour since the epoch: of the time before it was accounted for, which is minutes."""
        self._periods = Periods(timezone)
        self._meters = [Meter(milliseconds(begin)) for _ in range(units)]

    def switched(self, state: UnitsState, now: float) -> None:
        """Account for units that are switched, up to now."""
        for number in range(len(self._meters)):
            self._account(number, sighting_of(state, number, alone=len(self._meters) == 1), now)

    def always_on(self, now: float, *, busy: bool) -> None:
        """Account for one that nobody switches; to be called every `LOOK_SECONDS`."""
        for number in range(len(self._meters)):
            self._account(number, Sighting(RentState.IDLE, 0 if busy else MOST_MS, switched=False), now)

    def end(self, now: float) -> None:
        """What is on is paid to the end of its billing step."""
        for number, meter in enumerate(self._meters):
            if meter.begun:
                self._account(number, Sighting(RentState.OFF, since=milliseconds(now)), now)

    def _account(self, number: int, seen: Sighting, now: float) -> None:
        step = accrued(self._meters[number], seen, self.price, milliseconds(now), self._periods)
        self._meters[number] = step.after
        hour = int(now // 3600)
        for entry in step.entries:
            self.nano += entry.nano_usd
            self.by_hour[hour] = self.by_hour.get(hour, 0) + entry.nano_usd
            self.seconds[entry.state] = self.seconds.get(entry.state, 0.0) + entry.milliseconds / 1000

    @property
    def hours_on(self) -> float:
        return sum(seconds for state, seconds in self.seconds.items() if state not in _NOT_ON) / 3600
