"""Turns at something that all keys share."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """Who may go next: keys in turn, and of one key whoever came first. So many keys go at once, each with one of its
    own: whoever takes long holds up nobody else while there is another place."""

    def __init__(self, loop: asyncio.AbstractEventLoop, places: int = 1) -> None:
        self._loop = loop
        self._places = places
        self._going: set[str] = set()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """By key, in the order of their turns; none is empty."""
        self.count = 0
        """How many wait."""

    @property
    def taken(self) -> bool:
        return bool(self._going)

    def of(self, key: str) -> int:
        """How many of this key wait."""
        return len(self._waiting.get(key, ()))

    async def take(self, key: str) -> None:
        """Wait for it. Whoever has it gives it back."""
        if key not in self._going and len(self._going) < self._places:
            self._going.add(key)
            return
        turn = self._loop.create_future()
        waiting = self._waiting.setdefault(key, deque())
        waiting.append(turn)
        self.count += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it came in the same moment
                self.give_back(key)
            else:
                self._forget(key, turn)
            raise

    def give_back(self, key: str) -> None:
        self._going.discard(key)
        while len(self._going) < self._places:
            following = next((each for each in self._waiting if each not in self._going), None)
            if following is None:
                return
            waiting = self._waiting.pop(following)
            turn = waiting.popleft()
            self.count -= 1
            if waiting:
                self._waiting[following] = waiting  # behind all others
            if not turn.done():  # else whoever waited is leaving
                self._going.add(following)
                turn.set_result(None)

    def _forget(self, key: str, turn: asyncio.Future[None]) -> None:
        waiting = self._waiting.get(key)
        if waiting is not None and turn in waiting:
            waiting.remove(turn)
            self.count -= 1
            if not waiting:
                del self._waiting[key]
