"""A cloud that rents GPUs out and bills by the second, in virtual time, and the driver of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from router.power.drivers.driver import DriverError, Seen

POWER = """
        power: {driver: command, start: {run: [start]}, stop: {run: [stop]}, look: {run: [look]},
                start_time: 60s, start_timeout: 5m, min_on: 10m, min_off: 5m, drain: 1m},"""
PROCESS = "driver: command, start: {run: [start]}, stop: {run: [stop]}, look: {run: [look]}"
"""What another driver takes the place of."""
POLICY = f"""
version: 1
zones: {{local: {{owned: true}}, cloud: {{}}}}
backends:
  gpu: {{zone: local, kind: openai, url: "http://127.0.0.1:1/v1", serves: {{chat: tiny-llama}},{POWER}
        cost: {{usd_per_hour: 1.0}}}}
  api: {{zone: cloud, kind: openai, url: "http://127.0.0.1:1/v1", serves: {{chat: gpt-4o-mini}}}}
models: {{chat: {{backends: [gpu, api]}}}}
sensitivity: {{levels: {{public: [local, cloud], restricted: [local]}}, default: public}}
"""


async def _on(point: str) -> None:
    pass


@dataclass
class Rental:
    """Starts and stops that were made, and what they cost. A unit answers `ready_after` seconds after it began."""

    now: float = 1_770_000_000.0
    ready_after: float = 60.0
    most: int = 1
    on: list[float] = field(default_factory=list)
    """When each unit was started."""
    billed: float = 0.0
    """Seconds of units that are gone."""
    starts: int = 0
    stops: int = 0
    broken: str = ""
    """Why the API refuses everything but questions."""
    blind: str = ""
    """Why it answers no question."""
    deaf: bool = False
    """It takes a start and does nothing."""

    def rent(self) -> None:
        self.starts += 1
        self.on.append(self.now)

    def give_back(self) -> None:
        self.stops += 1
        self.lose()

    def lose(self) -> None:
        """A unit dies by itself."""
        self.billed += self.now - self.on.pop()

    @property
    def seconds(self) -> float:
        return self.billed + sum(self.now - each for each in self.on)


class RentalDriver:
    """`point` is awaited before and after each effect: a test that never lets go of it has killed the controller."""

    def __init__(self, rental: Rental, point: Callable[[str], Awaitable[None]] = _on) -> None:
        self._rental = rental
        self._point = point
        self.closed = False

    async def look(self) -> Seen:
        rental = self._rental
        if rental.blind:
            return Seen(None, 0, rental.blind)
        ready = sum(rental.now - each >= rental.ready_after for each in rental.on)
        return Seen(len(rental.on), ready, "")

    async def start(self, units: int) -> None:
        await self._point("before start")
        rental = self._rental
        if rental.broken:
            raise DriverError(rental.broken)
        while len(rental.on) < units and not rental.deaf:
            rental.rent()
        await self._point("after start")

    async def stop(self, units: int) -> None:
        await self._point("before stop")
        rental = self._rental
        if rental.broken:
            raise DriverError(rental.broken)
        while len(rental.on) > units:
            rental.give_back()
        await self._point("after stop")

    async def close(self) -> None:
        self.closed = True
