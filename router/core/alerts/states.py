"""What becomes of an alert as time passes. The transitions are a table.

::

    ok -> pending -> firing -> settling -> ok
       <-                   <-

An alert is told when it begins to fire, and when it is over: not when it was bad for a moment only, and not when it was
good for a moment only. `crossing` is a name of its own for each time that it fires.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from router.core.alerts.notices import Notice
from router.core.alerts.observation import Observation, Seen, Severity


class Phase(StrEnum):
    OK = "ok"
    PENDING = "pending"
    """Bad, and not yet for long enough."""
    FIRING = "firing"
    SETTLING = "settling"
    """Good again, and not yet for long enough."""


class Sign(StrEnum):
    """What was seen, and whether that has lasted as long as it has to."""

    BAD = "bad"
    BAD_LONG = "bad for long enough"
    GOOD = "good"
    GOOD_LONG = "good for long enough"


class Told(StrEnum):
    NOTHING = ""
    FIRING = "firing"
    RESOLVED = "resolved"


TRANSITIONS: Mapping[tuple[Phase, Sign], tuple[Phase, Told]] = {
    (Phase.OK, Sign.BAD): (Phase.PENDING, Told.NOTHING),
    (Phase.OK, Sign.BAD_LONG): (Phase.FIRING, Told.FIRING),
    (Phase.OK, Sign.GOOD): (Phase.OK, Told.NOTHING),
    (Phase.OK, Sign.GOOD_LONG): (Phase.OK, Told.NOTHING),
    (Phase.PENDING, Sign.BAD): (Phase.PENDING, Told.NOTHING),
    (Phase.PENDING, Sign.BAD_LONG): (Phase.FIRING, Told.FIRING),
    (Phase.PENDING, Sign.GOOD): (Phase.OK, Told.NOTHING),
    (Phase.PENDING, Sign.GOOD_LONG): (Phase.OK, Told.NOTHING),
    (Phase.FIRING, Sign.BAD): (Phase.FIRING, Told.NOTHING),
    (Phase.FIRING, Sign.BAD_LONG): (Phase.FIRING, Told.NOTHING),
    (Phase.FIRING, Sign.GOOD): (Phase.SETTLING, Told.NOTHING),
    (Phase.FIRING, Sign.GOOD_LONG): (Phase.OK, Told.RESOLVED),
    (Phase.SETTLING, Sign.BAD): (Phase.FIRING, Told.NOTHING),
    (Phase.SETTLING, Sign.BAD_LONG): (Phase.FIRING, Told.NOTHING),
    (Phase.SETTLING, Sign.GOOD): (Phase.SETTLING, Told.NOTHING),
    (Phase.SETTLING, Sign.GOOD_LONG): (Phase.OK, Told.RESOLVED),
}
_BEFORE: Mapping[Seen, Phase] = {Seen.BAD: Phase.PENDING, Seen.GOOD: Phase.SETTLING}
"""The phase in which time counts towards being told."""


class Alert(Struct, frozen=True, kw_only=True):
    """What is kept of an alert that is not well. New fields need a default."""

    phase: Phase
    since: float
    """When it entered this phase, in seconds since the epoch."""
    crossing: str
    fired: float = 0.0
    """When it began to fire; 0 before."""
    condition: str
    subject: str
    severity: Severity
    title: str
    text: str


class Move(Struct, frozen=True):
    """A change to be written, if what is kept still is `before`."""

    key: str
    before: Alert | None
    after: Alert | None
    """None: it is well, and nothing has to be kept."""
    notice: Notice | None


def moves(
    kept: Mapping[str, Alert],
    seen: Iterable[Observation],
    looked_at: Collection[str],
    now: float,
    new_id: Callable[[], str],
    clear: float = 0.0,
) -> list[Move]:
    """What these observations change. Whatever is kept of a condition that was looked at, and nothing was seen of, is
    well: a limit that was taken out, a day that is over. It, too, has to stay so for `clear` seconds: gateways that do
    not yet have the same policy do not see the same."""
    found = {each.key: each for each in seen}
    for key, alert in kept.items():
        if key not in found and alert.condition in looked_at:
            found[key] = _gone(key, alert, clear)
    made = (moved(each, kept.get(key), now, new_id) for key, each in found.items())
    return [each for each in made if each is not None]


def moved(seen: Observation, before: Alert | None, now: float, new_id: Callable[[], str]) -> Move | None:
    """None when nothing changes."""
    if seen.seen is Seen.BETWEEN:
        return None
    phase = Phase.OK if before is None else before.phase
    reached, told = TRANSITIONS[phase, _sign(seen, before, now)]
    if reached is phase:
        return None
    after = None if reached is Phase.OK else _kept(seen, before, reached, now, new_id)
    notice = None
    if told is not Told.NOTHING:
        notice = _notice(after or before, told, seen, now)
    return Move(seen.key, before, after, notice)


def _sign(seen: Observation, before: Alert | None, now: float) -> Sign:
    bad = seen.seen is Seen.BAD
    needed = seen.hold if bad else seen.clear
    counts = before is not None and before.phase is _BEFORE[seen.seen]
    lasted = now - before.since if before is not None and counts else 0.0
    if bad:
        return Sign.BAD_LONG if lasted >= needed else Sign.BAD
    return Sign.GOOD_LONG if lasted >= needed else Sign.GOOD


def _kept(seen: Observation, before: Alert | None, phase: Phase, now: float, new_id: Callable[[], str]) -> Alert:
    if before is not None and seen.seen is Seen.GOOD:
        return replace(before, phase=phase, since=now)
    fired = before.fired if before is not None and before.fired else now if phase is Phase.FIRING else 0.0
    return Alert(
        phase=phase,
        since=now,
        crossing=new_id() if before is None else before.crossing,
        fired=fired,
        condition=seen.condition,
        subject=seen.subject,
        severity=seen.severity,
        title=seen.title,
        text=seen.text,
    )


def _notice(alert: Alert | None, told: Told, seen: Observation, now: float) -> Notice:
    assert alert is not None  # what is told was kept before, or is from now on
    return Notice(
        id=f"{alert.crossing}-{told.value}",
        at=now,
        state=told.value,
        condition=alert.condition,
        severity=alert.severity,
        subject=alert.subject,
        title=alert.title,
        text=alert.text if told is Told.FIRING else seen.text or OVER,
        since=alert.fired,
    )


OVER = "It is over."


def _gone(key: str, alert: Alert, clear: float) -> Observation:
    return Observation(
        key=key,
        condition=alert.condition,
        seen=Seen.GOOD,
        subject=alert.subject,
        severity=alert.severity,
        text=OVER,
        clear=clear,
    )
