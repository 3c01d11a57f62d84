"""Time that passes when something happens: a heap of what is to come."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

Action = Callable[[Any], None]


class VirtualTime:
    """`now` is in seconds since the epoch. What comes at the same time happens in the order in which it was asked
    for."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self._heap: list[tuple[float, int, Action, Any]] = []
        self._count = 0

    def at(self, when: float, action: Action, about: Any = None) -> None:
        """Have `action(about)` called then, or at once when that is past."""
        self._count += 1
        heappush(self._heap, (when, self._count, action, about))

    def until(self, when: float) -> None:
        """Let all happen that comes up to then."""
        heap = self._heap
        while heap and heap[0][0] <= when:
            at, _, action, about = heappop(heap)
            if at > self.now:
                self.now = at
            action(about)
        if when > self.now:
            self.now = when

    def next(self) -> bool:
        """Let the next thing happen; False when there is none."""
        if not self._heap:
            return False
        self.until(self._heap[0][0])
        return True
