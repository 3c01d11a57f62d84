"""How long an answer is waited for: what was seen, now and the limits -> the next look at it, or the end.

Before anything has come that the client can be given, two instants count, and no byte moves either::

    deadline   of the request: nothing is waited for after it
    turn       of the next backend, if there is one that may answer: `first` seconds after the request was sent, or what
               answers of this model have needed here; for an answer that is no stream, `first` seconds after the
               backend's last sign of life, and `answer` seconds at most

Once the client has a byte nobody else can take over. Then the stream ends `idle` seconds after its last event, and
`total` seconds after it was asked for. Times are seconds of the loop's clock.
"""

from __future__ import annotations

from router.core.histogram import FadingHistogram

OFTEN = 1.0
"""Seconds between two looks where nothing else says when."""
FACTOR = 3.0
"""How many times longer than 99 in 100 answers one may take."""
ENOUGH = 20
"""Answers after which their times count."""
_BETWEEN = 16
_ALL = 256
_ONE_IN = 4
OVER = 0.0
"""In the place of the next look: it is not waited for any longer."""


def turn(asked: float, deadline: float, first: float, needed: float) -> float:
    """When a stream's first event is no longer waited for; however much was `needed`, others have half of the time."""
    if FACTOR * needed <= first:
        return asked + first
    return asked + max(first, min(FACTOR * needed, (deadline - asked) / 2))


def turn_of_living(turn: float, asked: float, first: float, answer: float, sign: float) -> float:
    """The same of another answer, of a backend whose last `sign` of life was then."""
    return max(turn, min(sign + first, asked + answer))


def look_before(now: float, deadline: float, turn: float, others: bool) -> float:
    """The next look at an answer of which the client has nothing; `others` may take over."""
    if now >= deadline or (now >= turn and others):
        return OVER
    return min(deadline, turn if now < turn else now + OFTEN)


def look_inside(now: float, asked: float, progress: float, idle: float, total: float) -> float:
    """The next look at a stream that the client has begun to see, with its last event at `progress`."""
    end = min(progress + idle, asked + total)
    return OVER if now >= end else min(end, now + OFTEN)


class Needed:
    """The seconds that 99 in 100 answers needed, rounded up by an eighth at most; 0 until there are `ENOUGH`.

    Where there are many, some of them say as much as all.
    """

    __slots__ = ("_due", "_millis", "_seen", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self._millis = FadingHistogram()
        self._due = ENOUGH
        self._seen = 0

    def add(self, seconds: float) -> None:
        self._seen += 1
        if self._seen > _ALL and self._seen % _ONE_IN:
            return
        self._millis.add(int(seconds * 1000))
        self._due -= 1
        if self._due == 0:
            self._due = _BETWEEN
            self.seconds = self._millis.upper() / 1000
