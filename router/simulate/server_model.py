"""A replica in virtual time: a queue, slots, room in the KV cache, reading one after the other, writing side by side.

    queue    -> as long as slots or room for input and output are lacking, first come first served
    prefill  -> inputs are read one after the other, at `prefill` tokens per second
    decode   -> all that run write at the same speed: their own, or their share of `decode`

All that write advance alike, so one number, the tokens that each has written, says when any of them ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from router.simulate.shape import Shape
from router.simulate.virtual_time import VirtualTime


class Work:
    """One request at a replica. `about` is whoever sent it."""

    __slots__ = ("about", "began", "gone", "input", "kv", "output")

    def __init__(self, about: Any, input: int, kv: int, output: int) -> None:
        self.about = about
        self.input = input
        """Tokens to be read: those that no cache has."""
        self.kv = kv
        self.output = output
        self.began = 0.0
        """When its answer began."""
        self.gone = False


class Server:
    """`done` is called with each work that ends. `units` make it so many times as large."""

    def __init__(self, shape: Shape, time: VirtualTime, done: Callable[[Work], None]) -> None:
        self._shape = shape
        self._time = time
        self._done = done
        self._free_at = 0.0
        """When all inputs that it has are read."""
        self._queue: deque[Work] = deque()
        self._reading: set[Work] = set()
        self._writing: list[tuple[float, int, Work]] = []
        """By the tokens at which each ends."""
        self._written = 0.0
        """Tokens that each has written that was there from the beginning."""
        self._at = 0.0
        """The time for which that was."""
        self._count = 0
        self._planned = 0
        self.running = 0
        self.kv_used = 0
        self.resize(1)

    def resize(self, units: int) -> None:
        shape = self._shape
        self._advance()
        self.slots = None if shape.slots is None else shape.slots * units
        self.room = None if shape.kv is None else shape.kv * units
        self._reads = None if shape.prefill is None else shape.prefill * units
        self._writes = None if shape.decode is None else shape.decode * units
        self._plan()
        self._admit()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def kv_share(self) -> float:
        return 0.0 if not self.room else min(1.0, self.kv_used / self.room)

    def send(self, work: Work) -> None:
        if self._queue or not self._fits(work):
            self._queue.append(work)
        else:
            self._begin(work)

    def stop(self) -> list[Work]:
        """All that it has at work or waiting, which end here."""
        left = [each[2] for each in self._writing] + list(self._queue) + list(self._reading)
        for work in left:
            work.gone = True
        self._queue.clear()
        self._writing.clear()
        self._reading.clear()
        self.running = self.kv_used = 0
        self._free_at = 0.0
        self._planned += 1
        return left

    def _fits(self, work: Work) -> bool:
        if self.slots is not None and self.running >= self.slots:
            return False
        # What is larger than all of it runs alone, or nothing would ever run behind it.
        return self.room is None or not self.running or self.kv_used + work.kv <= self.room

    def _admit(self) -> None:
        while self._queue and self._fits(self._queue[0]):
            self._begin(self._queue.popleft())

    def _begin(self, work: Work) -> None:
        now = self._time.now
        self.running += 1
        self.kv_used += work.kv
        if self._reads is None:
            ready = now
        else:
            ready = self._free_at = max(now, self._free_at) + work.input / self._reads
        self._reading.add(work)
        self._time.at(ready + self._shape.first_byte, self._read, work)

    def _read(self, work: Work) -> None:
        if work.gone:
            return
        self._reading.discard(work)
        work.began = self._time.now
        if work.output <= 1:
            self._end(work)
            return
        before = self._rate() if self._writing else 0.0
        self._advance()
        self._count += 1
        heappush(self._writing, (self._written + work.output - 1, self._count, work))
        if self._writing[0][2] is work or self._rate() != before:
            self._plan()

    def _advance(self) -> None:
        now = self._time.now
        if self._writing:
            self._written += (now - self._at) * self._rate()
        else:
            self._written = 0.0
        self._at = now

    def _rate(self) -> float:
        """Tokens per second of each that writes."""
        speed = self._shape.speed
        if self._writes is None:
            return speed
        return min(speed, self._writes / len(self._writing))

    def _plan(self) -> None:
        """See to the next that ends; what was planned before is no more."""
        self._planned += 1
        if self._writing:
            left = max(0.0, self._writing[0][0] - self._written)
            self._time.at(self._time.now + left / self._rate(), self._ended, self._planned)

    def _ended(self, planned: int) -> None:
        if planned != self._planned:
            return
        self._advance()
        work = heappop(self._writing)[2]
        self._plan()
        self._end(work)

    def _end(self, work: Work) -> None:
        self.running -= 1
        self.kv_used -= work.kv
        self._admit()
        self._done(work)
