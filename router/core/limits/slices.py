"""Slices of limits: what a worker was lent of their counters, so that what fits is admitted without asking the server.

Theory of operation: the server lends a part of what a counter has left, and counts it as taken: `used + held + lent`
stays within the limit. What the worker admits out of its slices is `taken`; with the next batch the server counts that
as held, and no more as lent. So nothing is admitted twice, whoever asks, and no limit is overrun.

How much: what was asked for in about the last half second, at most half of what is left, divided by those who have
slices of the same counter. Nothing is lent beyond the soft limit: from there on the server decides on each request,
and knows who is to be warned. A slice that was not used lately is given back. One that was not given back when it ended
is charged as used, for its worker is gone or cut off and may have admitted as much: until the period is over, or what
it really admitted was brought in::

    look   ->  not busy, or it does not fit  ->  the server is asked
           ->  it fits  ->  take  ->  it ended before it was sent: undo
    ask    ->  what the next batch says of slices  ->  answered, lost, or put back: that batch could not say it
    rest   ->  what was not used lately is given back
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from router.core.limits.amounts import at_risk, held_by
from router.core.limits.counters import BOTH, LOCAL, Counter, CounterSet, Hold

WINDOW = 0.5
"""Seconds that the pace is measured in."""
BUSY = 4
"""Requests in a window from which slices are asked for: fewer can wait for the server."""
USABLE = 1.0
"""Seconds after a batch was sent that what it was lent may be used."""
MOST_COUNTERS = 48
"""Of which one batch speaks."""
_REMEMBERED = 1000
"""Sets: those of every minute are others."""


class Pace:
    """What was asked for lately: how much in the last whole window, and so far in this one."""

    __slots__ = ("before", "since", "so_far")

    def __init__(self, now: float) -> None:
        self.since = now
        self.before = 0
        self.so_far = 0

    def turn(self, now: float) -> None:
        passed = now - self.since
        if passed >= WINDOW:
            self.before = self.so_far if passed < 2 * WINDOW else 0
            self.so_far = 0
            self.since = now

    @property
    def lately(self) -> int:
        return max(self.before, self.so_far)


class Slice:
    """Of one counter. Amounts are in its measure."""

    __slots__ = ("back", "counter", "held", "left", "pace", "risk", "said", "taken", "until", "used_at")

    def __init__(self, counter: Counter, now: float) -> None:
        self.counter = counter
        self.left = 0
        """What may be admitted yet."""
        self.until = 0.0
        """Until when, by the clock of the caller: up to then the counter has not reached its soft limit, either."""
        self.taken = 0
        """Of the slice, since the last batch."""
        self.held = 0
        """Of that, what is held when the next batch is applied; the rest has ended."""
        self.risk = 0
        self.back = 0
        """Given back with the next batch."""
        self.said = False
        """Whether a batch that is on its way speaks of it: one that could not would put back what it says."""
        self.pace = Pace(now)
        self.used_at = now

    def is_over(self, now: float) -> bool:
        return now - self.used_at > 4 * WINDOW and not (self.taken or self.held or self.risk or self.back or self.said)

    def give_back(self, keep: int = 0) -> None:
        if self.left > keep:
            self.back += self.left - keep
            self.left = keep


class _Place:
    """One counter of a set."""

    __slots__ = ("measure", "side", "slice")

    def __init__(self, slice: Slice) -> None:
        self.slice: Final = slice
        self.measure: Final = slice.counter.measure - 1
        self.side: Final = slice.counter.side


class _Set:
    """The slices of one set of counters."""

    __slots__ = ("pace", "places", "touched")

    def __init__(self, places: list[_Place], now: float) -> None:
        self.places: Final = places
        self.pace: Final = Pace(now)
        self.touched = False

    def turn(self, now: float) -> None:
        self.pace.turn(now)
        for place in self.places:
            place.slice.pace.turn(now)


class Share:
    """What one batch says of one slice."""

    __slots__ = ("back", "held", "risk", "slice", "taken", "wish")

    def __init__(self, slice: Slice, wish: int) -> None:
        self.slice: Final = slice
        self.taken: Final = slice.taken
        self.held: Final = slice.held
        self.risk: Final = slice.risk
        self.back: Final = slice.back
        self.wish: Final = wish
        """How large the slice should be then."""


class Slices:
    """Those of one worker. `due` says that something is to be given back, so that there has to be a batch."""

    def __init__(self) -> None:
        self.due = False
        self._slices: dict[tuple[str, str], Slice] = {}
        self._sets: dict[CounterSet, _Set] = {}
        self._touched: list[_Set] = []
        self._counters = 0
        """Of those that were touched: some may count twice."""
        self._ended = False
        self._tidying = False
        self._amounts: tuple[int, ...] = ()
        """Of the hold that was looked at last."""

    @property
    def any(self) -> bool:
        return bool(self._slices)

    def fits(self, hold: Hold, now: float) -> bool:
        """Whether all its counters have a slice with room for it. Nothing is taken by that."""
        found = self._sets.get(hold.counters)
        if found is None:
            found = self._begin(hold.counters, now)
        if not found.touched:
            if self._counters + len(found.places) > MOST_COUNTERS:
                return False
            self._counters += len(found.places)
            found.touched = True
            self._touched.append(found)
            found.turn(now)
        found.pace.so_far += 1
        sides = hold.sides
        amounts = self._amounts = held_by(hold, sides == LOCAL)
        fits = True
        for place in found.places:
            slice = place.slice
            if place.side == 0 or sides == BOTH or place.side == sides:
                amount = amounts[place.measure]
                slice.pace.so_far += amount
                if amount > slice.left or now > slice.until:
                    fits = False
            elif now > slice.until:
                fits = False
        return fits

    def take(self, hold: Hold) -> None:
        """What `fits` has just said has room is held from now on."""
        amounts, sides = self._amounts, hold.sides
        for place in self._sets[hold.counters].places:
            if place.side == 0 or sides == BOTH or place.side == sides:
                slice, amount = place.slice, amounts[place.measure]
                slice.left -= amount
                slice.taken += amount
                slice.held += amount
        if hold.cost_at_risk or hold.tokens_at_risk or hold.local_cost_at_risk:
            self._risk(hold, 1)

    def undo(self, hold: Hold) -> None:
        """It ended before it was sent: of what it took nothing is held."""
        sides = hold.sides
        amounts = held_by(hold, sides == LOCAL)
        for place in self._of(hold.counters):
            if place.side == 0 or sides == BOTH or place.side == sides:
                place.slice.held -= amounts[place.measure]
        if hold.cost_at_risk or hold.tokens_at_risk or hold.local_cost_at_risk:
            self._risk(hold, -1)

    def _risk(self, hold: Hold, sign: int) -> None:
        sides = hold.sides
        risks = at_risk(hold, sides == LOCAL)
        for place in self._of(hold.counters):
            if place.side == 0 or sides == BOTH or place.side == sides:
                place.slice.risk += sign * risks[place.measure]

    def _of(self, counters: CounterSet) -> list[_Place]:
        found = self._sets.get(counters)
        return (self._begin(counters, 0.0) if found is None else found).places

    def ask(self, now: float) -> list[Share]:
        """What the next batch says: what was taken and is given back, and how large slices of the busy should be."""
        speaking: dict[int, Share] = {}
        for each in self._touched:
            each.touched = False
            if each.pace.lately >= BUSY and not self._ended:
                self._speak(each, speaking, now, busy=True)
        for each in self._touched:
            self._speak(each, speaking, now, busy=False)
        self._touched = []
        self._counters = 0
        if self.due:
            self.due = False
            for slice in self._slices.values():
                if (slice.back or slice.taken or slice.risk) and id(slice) not in speaking:
                    if len(speaking) >= MOST_COUNTERS:
                        self.due = True
                        break
                    speaking[id(slice)] = self._share(slice, now, 0)
        if self._tidying:
            self._tidy(now)
        return list(speaking.values())

    def _speak(self, of: _Set, speaking: dict[int, Share], now: float, *, busy: bool) -> None:
        """Of a slice of several sets, those that are busy say how large it should be: they come first."""
        for place in of.places:
            slice = place.slice
            if id(slice) not in speaking and (busy or slice.taken or slice.held or slice.risk):
                slice.used_at = now
                speaking[id(slice)] = self._share(slice, now, slice.pace.lately if busy else 0)

    def _share(self, slice: Slice, now: float, wish: int) -> Share:
        if now > slice.until:
            slice.give_back()
        share = Share(slice, wish)
        slice.taken = slice.held = slice.risk = slice.back = 0
        slice.said = True
        return share

    def answered(self, shares: Sequence[Share], lent: Sequence[int], until: float) -> None:
        """`lent` has three figures for each: what the slice is, what it may be at most, and 1 when it may be used."""
        for n, share in enumerate(shares):
            slice = share.slice
            slice.said = False
            size, most, free = lent[3 * n : 3 * n + 3]
            slice.left = max(0, size - slice.taken - slice.back)
            slice.until = until if free else 0.0
            slice.give_back(max(0, most - slice.taken))
            self.due = self.due or slice.back > 0

    def put_back(self, shares: Sequence[Share]) -> None:
        """A batch could not say it: the next one does."""
        for share in shares:
            slice = share.slice
            slice.said = False
            slice.taken += share.taken
            slice.held += share.held
            slice.risk += share.risk
            slice.back += share.back
            self.due = True

    def rest(self, now: float) -> None:
        """Gives back what was not used lately, and forgets what is over, now or with the next batch."""
        for slice in self._slices.values():
            if now - slice.used_at >= WINDOW:
                slice.give_back()
                self.due = self.due or slice.back > 0
        self._tidying = True
        if not self._touched:
            self._tidy(now)

    def _tidy(self, now: float) -> None:
        """While no set is touched, so that nobody goes on with a slice that is not here any more."""
        self._tidying = False
        over = [place for place, slice in self._slices.items() if slice.is_over(now)]
        for place in over:
            del self._slices[place]
        if over or len(self._sets) > _REMEMBERED:
            self._sets.clear()

    def end(self) -> None:
        """Everything is given back, and nothing more is asked for: the worker ends."""
        self._ended = True
        for slice in self._slices.values():
            slice.give_back()
            self.due = self.due or slice.back > 0

    def lose(self) -> None:
        """The server is lost, and with it what it lent: there that is free once all that was admitted is brought in."""
        self.due = False
        self._slices.clear()
        self._sets.clear()
        self._touched = []
        self._counters = 0

    def _begin(self, counters: CounterSet, now: float) -> _Set:
        found = self._sets[counters] = _Set([_Place(self._slice(counter, now)) for counter in counters.all], now)
        return found

    def _slice(self, counter: Counter, now: float) -> Slice:
        found = self._slices.get((counter.key, counter.field))
        if found is None:
            found = self._slices[counter.key, counter.field] = Slice(counter, now)
        elif found.counter.limit != counter.limit:
            found.counter = counter
            found.give_back()
            self.due = self.due or found.back > 0
        return found


def counters_in(shares: Iterable[Share]) -> list[Counter]:
    return [share.slice.counter for share in shares]
