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


class Sighting(Struct, frozen=True):
    """One unit, as it is found now. Times are milliseconds since the epoch, 0 where they are not known."""

    state: RentState
    """STARTING, IDLE for one that is on, STOPPING, ASSUMED or OFF."""
    idle: int = MOST_MS
    """For how long it has not worked, at least; before that it worked, as far as it was on."""
    since: int = 0
    """When it began to be so."""
    begun: int = 0
    """When its start was asked for; of one that is off, the start of its last run, which ended at `since`."""
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
    """What has come since the meter's time. A clock that went back accounts for nothing until it has caught up."""
    if meter.at > now:
        return Accrual(meter, meter)
    known = meter if meter.at else Meter(_first(seen, now))
    at = max(known.at, now - MOST_MS)
    spans, after = _spans(Meter(at, known.begun), seen, now)
    entries = [entry for span in spans for entry in _entries(span, price, periods)]
    ended = next((span.end for span in reversed(spans) if span.state is not RentState.OFF), at)
    begun = known.begun or _missed(at, seen, now)
    if begun and seen.state is RentState.OFF and not any(span.state is RentState.GAP for span in spans):
        entries += _rounding(begun, ended, price, periods)
    return Accrual(meter, after, tuple(entries))


def _first(seen: Sighting, now: int) -> int:
    """Where the account of a unit begins that has none: with its start, where that is known. A run that was over
    before anybody would have looked is not brought in: it may have cost nothing then."""
    over = seen.state is RentState.OFF and now - seen.since > LONGEST_LOOK_MS
    return seen.begun if not over and 0 < seen.begun < now else now


def _missed(at: int, seen: Sighting, now: int) -> int:
    """When the run began that came and went since the last look; 0 for none."""
    return seen.begun if seen.state is RentState.OFF and at <= seen.begun < now else 0


def _spans(meter: Meter, seen: Sighting, now: int) -> tuple[list[_Span], Meter]:
    """What the unit was, one time after the other, and its meter now."""
    at = meter.at
    if seen.state is RentState.OFF:
        if not meter.begun:
            start = _missed(at, seen, now) or now
            end = _within(seen.since, start, now)
            spans = [_Span(RentState.OFF, at, start), _Span(RentState.STARTING, start, end)]
            return [*spans, _Span(RentState.OFF, end, now)], Meter(now)
        if not seen.since and now - at > LONGEST_LOOK_MS:
            return [_Span(RentState.GAP, at, now)], Meter(now)
        end = _within(seen.since or now, at, now)
        return [_Span(RentState.STOPPING, at, end), _Span(RentState.OFF, end, now)], Meter(now)
    if not seen.switched and now - at > LONGEST_LOOK_MS:
        return [_Span(RentState.GAP, at, now)], Meter(now, now)
    if meter.begun:
        return _on(seen, at, now), Meter(now, meter.begun)
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
