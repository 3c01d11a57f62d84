"""What the units of own backends have cost by time: from how far their rent is accounted for to entries of days.

Rent is no formula over a month but a sum of entries, written as time passes at the price then in force: so a price that
is edited changes nothing of yesterday, and a backend that is removed leaves its past.

A run of a unit begins when its start was asked for, and is billed by the step: at its end the rest of a step that has
begun is paid, too. A unit that nobody here switches is on for as long as somebody looks; a time in which nobody did is
a gap, which is shown and costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from router.core.limits.periods import Periods
from router.core.money import NANO_PER_USD

LONGEST_LOOK_MS = 300_000
"""A longer time in which nobody has looked is a gap, where nothing else tells how a unit was."""
MOST_MS = 31 * 86_400_000
"""More is not accounted for at once: a clock has jumped, or nobody has looked for a month."""
_HOUR_MS = 3_600_000


class RentState(StrEnum):
    STARTING = "starting"
    BUSY = "busy"
    IDLE = "idle"
    STOPPING = "stopping"
    ROUNDING = "rounding"
    """The rest of a billing step at a stop."""
    OFF = "off"
    """What was bought goes on costing while it is off."""
    ASSUMED = "assumed"
    """Its driver could not tell, and it was on before, or on its way: it costs what it costs while it is on."""
    GAP = "gap"
    """Nobody looked: nothing is charged."""


class UnitPrice(Struct, frozen=True):
    """Of one unit, in USD per hour."""

    on: float
    off: float = 0.0
    billing: float = 1.0
    """Seconds of a step."""


class Meter(Struct, frozen=True):
    """How far one unit's rent is accounted for. Milliseconds since the epoch."""

    at: int = 0
    """0: not at all."""
    begun: int = 0
    """When the run began that lasts; 0 while it is off."""


class Past(Struct, frozen=True):
    """A run that is over. Milliseconds since the epoch."""

    begun: int
    ended: int


class Sighting(Struct, frozen=True):
    """One unit, as it is found now. Times are milliseconds since the epoch, 0 where they are not known."""

    state: RentState
    """STARTING, IDLE for one that is on, STOPPING, ASSUMED or OFF."""
    idle: int = MOST_MS
    """For how long it has not worked, at least; before that it worked, as far as it was on."""
    since: int = 0
    """When it began to be so."""
    begun: int = 0
    """When its start was asked for, or when it began, where that is known."""
    past: tuple[Past, ...] = ()
    """Its last runs, the latest last: those that are not accounted for yet, and maybe earlier ones."""
    switched: bool = True
    """Whether the gateway switches it, and so knows how it was while nobody looked."""


class RentEntry(Struct, frozen=True):
    day: str
    """YYYY-MM-DD of the policy's time zone."""
    state: RentState
    milliseconds: int
    nano_usd: int


class RentRow(Struct, frozen=True):
    """What one unit was in one state over a day, as the ledger has added it up."""

    day: str
    backend: str
    unit: int
    state: RentState
    milliseconds: int
    nano_usd: int


class Accrual(Struct, frozen=True):
    """One unit's step from one meter to the next."""

    before: Meter
    after: Meter
    entries: tuple[RentEntry, ...] = ()


class _Span(Struct, frozen=True):
    state: RentState
    start: int
    end: int


def accrued(meter: Meter, seen: Sighting, price: UnitPrice, now: int, periods: Periods) -> Accrual:
    """What has come since the meter's time, up to `now`, until which it is known how the unit was. A clock that went
    back accounts for nothing until it has caught up."""
    if meter.at > now:
        return Accrual(meter, meter)
    known = meter if meter.at else Meter(_first(seen, now))
    reached, spans, entries = Meter(max(known.at, now - MOST_MS), known.begun), list[_Span](), list[RentEntry]()
    for run in _unaccounted(reached, seen):
        # The first of them may be the one that the meter is in.
        state = RentState.STOPPING if reached.begun else RentState.STARTING
        start = reached.at if reached.begun else _within(run.begun, reached.at, now)
        end = _within(run.ended, start, now)
        spans += [_Span(RentState.OFF, reached.at, start), _Span(state, start, end)]
        entries += _rounding(reached.begun or start, end, price, periods)
        reached = Meter(end)
    rest, after = _spans(reached, seen, now)
    if reached.begun and not after.begun and not any(span.state is RentState.GAP for span in rest):
        ended = next((span.end for span in reversed(rest) if span.state is not RentState.OFF), reached.at)
        entries += _rounding(reached.begun, ended, price, periods)
    spent = [entry for span in (*spans, *rest) for entry in _entries(span, price, periods)]
    return Accrual(meter, after, (*spent, *entries))


def _first(seen: Sighting, now: int) -> int:
    """Where the account of a unit begins that has none: with its start, where that is known. A run that was over
    before anybody would have looked is not brought in: it may have cost nothing then."""
    recent = [run.begun for run in seen.past if now - run.ended <= LONGEST_LOOK_MS]
    begun = [*recent, *([seen.begun] if seen.begun and seen.state is not RentState.OFF else [])]
    return min([now, *begun])


def _unaccounted(meter: Meter, seen: Sighting) -> list[Past]:
    """The runs that are over of which the meter does not know that they are."""
    if meter.begun:
        return [run for run in seen.past if run.ended > meter.begun]
    return [run for run in seen.past if run.begun >= meter.at]


def _spans(meter: Meter, seen: Sighting, now: int) -> tuple[list[_Span], Meter]:
    """What the unit was since its last run that is over, one time after the other, and its meter now."""
    at = meter.at
    if seen.state is RentState.OFF:
        if not meter.begun:
            return [_Span(RentState.OFF, at, now)], Meter(now)
        if not seen.since and now - at > LONGEST_LOOK_MS:
            return [_Span(RentState.GAP, at, now)], Meter(now)
        end = _within(seen.since or now, at, now)
        return [_Span(RentState.STOPPING, at, end), _Span(RentState.OFF, end, now)], Meter(now)
    if not seen.switched and now - at > LONGEST_LOOK_MS:
        return [_Span(RentState.GAP, at, now)], Meter(now, now)
    if meter.begun:
        return _on(seen, at, now), Meter(now, meter.begun)
    if seen.begun > now:
        return [_Span(RentState.OFF, at, now)], Meter(now)  # nobody knows yet how it is since then
    start = _within(seen.begun or now, at, now) if seen.switched else at
    return [_Span(RentState.OFF, at, start), *_on(seen, start, now)], Meter(now, start)


def _on(seen: Sighting, start: int, now: int) -> list[_Span]:
    """From `start` on it was not off; before it was what it is now it was what comes before that."""
    turn = _within(seen.since, start, now)
    if seen.state is RentState.STOPPING:
        return [_Span(RentState.IDLE, start, turn), _Span(RentState.STOPPING, turn, now)]
    if seen.state is RentState.STARTING:
        return [_Span(RentState.STARTING, start, now)]
    rest = _within(now - seen.idle, turn, now)
    if seen.state is RentState.ASSUMED:
        return [_Span(RentState.BUSY, start, rest), _Span(RentState.ASSUMED, rest, now)]
    return [_Span(RentState.STARTING, start, turn), _Span(RentState.BUSY, turn, rest), _Span(RentState.IDLE, rest, now)]


def _within(at: int, first: int, last: int) -> int:
    return min(max(at, first), last)


def _entries(span: _Span, price: UnitPrice, periods: Periods) -> Iterator[RentEntry]:
    usd = {RentState.OFF: price.off, RentState.GAP: 0.0}.get(span.state, price.on)
    for day, length in _by_day(span.start, span.end, periods):
        yield RentEntry(day, span.state, length, _nano(length, usd))


def _by_day(start: int, end: int, periods: Periods) -> Iterator[tuple[str, int]]:
    """Local days, and how many milliseconds of the time lie in each."""
    while start < end:
        turn = min(end, round(periods.end("day", start / 1000) * 1000))
        yield periods.ids(start / 1000).day, turn - start
        start = turn


def _rounding(begun: int, ended: int, price: UnitPrice, periods: Periods) -> list[RentEntry]:
    """What is paid beyond the end of a run, on the day of its end."""
    step = max(1, round(price.billing * 1000))
    rest = math.ceil((ended - begun) / step) * step - (ended - begun)
    day = periods.ids(ended / 1000).day
    return [RentEntry(day, RentState.ROUNDING, rest, _nano(rest, price.on))] if rest > 0 else []


def _nano(milliseconds: int, usd_per_hour: float) -> int:
    return round(milliseconds * usd_per_hour * NANO_PER_USD / _HOUR_MS)
