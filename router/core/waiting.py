"""In which order requests get a slot that wait for one, and for how long they wait.

A queue for each backend: first come, first served, and nobody waits behind one who waits for another backend. A request
that several backends may take stands in the queue of each. It takes a ticket once and keeps it: whoever is woken
decides anew, and may wait again in its old place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from msgspec.structs import replace

from router.core.backend_kinds import Capacity
from router.core.values import BackendState

W = TypeVar("W")


class Queues(Generic[W]):
    """Of waiters, whatever these are. `len` is how many wait, each once."""

    def __init__(self) -> None:
        self._tickets = 0
        self._queues: dict[str, dict[int, W]] = {}
        """By backend and ticket; none is empty."""
        self._size = 0
        self._states: Mapping[str, BackendState] = {}
        self._shown: Mapping[str, BackendState] = {}
        self._moved = False
        """Somebody has come or left since `_shown` was made of `_states`."""

    def __len__(self) -> int:
        return self._size

    def ticket(self) -> int:
        self._tickets += 1
        return self._tickets - 1

    def queued(self, backend: str) -> int:
        """How many wait for it."""
        queue = self._queues.get(backend)
        return 0 if queue is None else len(queue)

    def for_newcomers(self, states: Mapping[str, BackendState]) -> Mapping[str, BackendState]:
        """States as those see them who come now: what others wait for is full, or they would overtake them."""
        if not self._queues:
            return states
        if states is not self._states or self._moved:
            # The same object for the same answer: decisions are remembered by it, and a start may take minutes.
            self._states, self._moved = states, False
            self._shown = {name: self._for_newcomers(name, state) for name, state in states.items()}
        return self._shown

    def _for_newcomers(self, name: str, state: BackendState) -> BackendState:
        queued = self.queued(name)
        return replace(state, full=True, load=state.load or f"{queued} wait for it") if queued else state

    def first(self, headroom: Callable[[str], int], waits: Callable[[W], bool]) -> list[W]:
        """Who is to look again, since there may be room: as many of each backend's queue as it would take, the first
        ones first. Who does not `waits` any more is passed over; who was told before and has not looked yet counts."""
        found = []
        for backend, queue in self._queues.items():
            places = headroom(backend)
            for ticket in sorted(queue):
                if places <= 0:
                    break
                waiter = queue[ticket]
                if waits(waiter):
                    found.append(waiter)
                    places -= 1
        return found

    def join(self, ticket: int, backends: Iterable[str], waiter: W) -> None:
        self._size += 1
        for backend in backends:
            self._queues.setdefault(backend, {})[ticket] = waiter
        self._moved = True

    def leave(self, ticket: int, backends: Iterable[str]) -> None:
        """The same backends as it joined."""
        self._size -= 1
        self._moved = True
        for backend in backends:
            queue = self._queues[backend]
            del queue[ticket]
            if not queue:
                del self._queues[backend]


class Place(Generic[W]):
    """One request's place in the queues. However often it waits, it keeps its turn, and its time to wait is one.

    Times are of whatever clock `deadline` is of.
    """

    def __init__(self, queues: Queues[W], deadline: float) -> None:
        self._queues = queues
        self._deadline = self.until = deadline
        self._ticket = -1
        self._allowed = False

    @property
    def ticket(self) -> int:
        """Taken when it is first asked for."""
        if self._ticket < 0:
            self._ticket = self._queues.ticket()
        return self._ticket

    def allow(self, now: float, seconds: float) -> None:
        """To wait so long from the first time on that this is called, within the deadline: a start takes longer than
        a turn."""
        if not self._allowed:
            self._allowed = True
            self._ticket = self.ticket
            self.until = min(self._deadline, now + seconds)

    def open_to(self, now: float, limits: Mapping[str, Capacity]) -> list[str]:
        """Of these backends those in whose queues it may wait, `until` then; none when all are full."""
        if self._ticket < 0:
            self._ticket = self._queues.ticket()
            patience = max([limit.queue_timeout for limit in limits.values()], default=0.0)
            self.until = min(self.until, now + patience)
        return [name for name, limit in limits.items() if self._queues.queued(name) < limit.queue]
