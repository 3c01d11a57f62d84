"""When tokens appear."""

from __future__ import annotations

import asyncio

from router.simulate.settings import Settings


class Pace:
    """Counts from its making. Deadlines are absolute, so a slow client does not slow the next token down."""

    def __init__(self, settings: Settings) -> None:
        self._clock = asyncio.get_running_loop().time
        self._first = self._clock() + settings.first_token
        self._interval = 1 / settings.tokens_per_second

    async def until(self, step: int) -> None:
        """Wait for token number `step`, from 0."""
        await asyncio.sleep(max(0.0, self._first + step * self._interval - self._clock()))
