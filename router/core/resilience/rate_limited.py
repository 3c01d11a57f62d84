"""How long a model is left alone that a limit spoke of (429).

A rest is as long as the backend asked for, or short where it named no time. It doubles with each refusal that follows
a rest, until an answer comes. Refusals of requests that were under way already say nothing new.
"""

from __future__ import annotations

from msgspec import Struct

from router.core.resilience.backoff import backoff

LONG = 20.0
"""Seconds from which nobody waits for the end of a rest, so that decisions should know of it."""
SHORTEST = 0.5
"""Seconds; SDKs begin with as much."""
LEAST_SPREAD, MOST_SPREAD = 0.02, 1.0
"""Seconds over which those who waited come back."""


class Rest(Struct, frozen=True):
    until: float = 0.0
    """Monotonic seconds."""
    length: float = 0.0
    """Seconds."""
    refusals: int = 0
    """Rests in a row, without an answer between them."""
    why: str = ""
    """For people."""
    passes: bool = True
    """Whether waiting helps."""


AWAKE = Rest()


def refused(
    rest: Rest, sent: float, now: float, asked: float | None, longest: float, why: str, *, passes: bool = True
) -> Rest:
    """The rest after the refusal of a request that was `sent` then.

    It `asked` for so many seconds, or named none; `longest` bounds what was not asked for.
    """
    follows = sent >= rest.until
    count = rest.refusals + 1 if follows else max(1, rest.refusals)
    first = SHORTEST if asked is None else asked
    length = max(first, backoff(count, first or SHORTEST / 2, longest)) if count > 1 else first
    if not follows and now + length <= rest.until:
        return rest
    return Rest(now + length, length, count, why, passes)


def answered(rest: Rest, now: float) -> Rest:
    """After an answer: what comes next is no further refusal in a row, but a rest that was asked for goes on."""
    return Rest(rest.until, rest.length, 0, rest.why, rest.passes) if now < rest.until else AWAKE


def come_back(rest: Rest, now: float, draw: float) -> float:
    """Seconds until a request that waits should look again. `draw` is random, from 0 to 1: not all come at once."""
    spread = min(MOST_SPREAD, max(LEAST_SPREAD, rest.length / 2))
    return max(0.0, rest.until - now) + draw * spread
