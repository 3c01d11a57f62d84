"""How long to wait before something that failed is tried again: one formula for all that is.

    seconds = draw * min(longest, first * 2 ** (failures - 1))

`draw` is random, from 0 to 1, where many who failed together would else come back together: "full jitter", which of the
usual ways spreads them most evenly. It is 1 where nobody else waits for the same thing.

It stands here, and no library is asked, because those that have it keep it inside a loop of their own that calls what
fails again and again: here the next attempt goes somewhere else, or what failed had worked for days.
"""

from __future__ import annotations

_MOST_DOUBLINGS = 60
"""More make no wait longer, and the power of a failure that lasts for hours would be no float any more."""


def backoff(failures: int, first: float, longest: float, draw: float = 1.0) -> float:
    """Seconds to wait after so many failures in a row, from 1 on. `first` and `longest` are seconds."""
    return draw * min(longest, first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))
