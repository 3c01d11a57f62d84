"""The driver of units that cannot be switched: it can tell nothing, and does nothing."""

from __future__ import annotations

from router.power.drivers.driver import DriverError, Seen


class NoDriver:
    """`why`, for people."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def look(self) -> Seen:
        return Seen(None, 0, self._why)

    async def start(self, units: int) -> None:
        raise DriverError(self._why)

    async def stop(self, units: int) -> None:
        raise DriverError(self._why)

    async def close(self) -> None:
        pass
