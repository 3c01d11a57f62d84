"""Two policies on the same requests, side by side: which requests went elsewhere, and why."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from router.simulate.requests import RecordedRequest
from router.simulate.simulation import Simulation

EXAMPLES = 3

Fate = tuple[str, str, float]
"""Backend, or "" for none, reason or code, and micro-USD."""


class Move(Struct):
    """Requests that one policy sent here and the other there, for the same two reasons."""

    backend: str
    """Empty for what was refused."""
    reason: str
    against_backend: str
    against_reason: str
    requests: int = 0
    usd: float = 0.0
    """Bought by the token."""
    against_usd: float = 0.0
    examples: tuple[str, ...] = ()
    """Ids of the first ones."""


class Comparison:
    """`one` and `other` are told what became of each request by the simulation of either. Only of requests that one of
    them has not heard of yet is anything kept."""

    def __init__(self) -> None:
        self.moves: dict[tuple[str, str, str, str], Move] = {}
        self.same = 0
        """Requests that the same backend answered, or none."""
        self._ones: dict[int, tuple[RecordedRequest, Fate]] = {}
        self._others: dict[int, tuple[RecordedRequest, Fate]] = {}

    def one(self, request: RecordedRequest, backend: str, reason: str, cost: float) -> None:
        known = self._others.pop(id(request), None)
        if known is None:
            self._ones[id(request)] = request, (backend, reason, cost)
        else:
            self._both(request, (backend, reason, cost), known[1])

    def other(self, request: RecordedRequest, backend: str, reason: str, cost: float) -> None:
        known = self._ones.pop(id(request), None)
        if known is None:
            self._others[id(request)] = request, (backend, reason, cost)
        else:
            self._both(request, known[1], (backend, reason, cost))

    def moved(self) -> tuple[Move, ...]:
        """Most requests first."""
        return tuple(sorted(self.moves.values(), key=lambda move: -move.requests))

    def _both(self, request: RecordedRequest, one: Fate, other: Fate) -> None:
        if one[0] == other[0]:
            self.same += 1
            return
        what = one[0], one[1], other[0], other[1]
        move = self.moves.get(what)
        if move is None:
            move = self.moves[what] = Move(*what)
        move.requests += 1
        move.usd += one[2] / 1e6
        move.against_usd += other[2] / 1e6
        if len(move.examples) < EXAMPLES and request.id:
            move.examples += (request.id,)


def run_both(one: Simulation, other: Simulation, requests: Iterable[RecordedRequest]) -> None:
    """Request by request, so that neither is ahead of the other."""
    for request in requests:
        one.take(request)
        other.take(request)
    one.finish()
    other.finish()
