"""What the audit says of those who sign in and out: each of them, until one owner does so without end."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

MOST_NOTED = 20
"""Of one kind and one owner within the window."""
WINDOW_SECONDS = 60.0
MOST_OWNERS = 1000

LAST = f"more of these within {WINDOW_SECONDS:.0f} s are not noted one by one; each is a line in the log"


class _Window:
    def __init__(self, since: float) -> None:
        self.since, self.count = since, 0


class Arrivals:
    """Counts by what was done and whose it was: whoever has a token could fill the audit otherwise."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: OrderedDict[tuple[str, ...], _Window] = OrderedDict()

    def note(self, *whose: str) -> str | None:
        """What is noted beside the entry; None when there is to be none."""
        now = self._clock()
        window = self._windows.setdefault(whose, _Window(now))
        self._windows.move_to_end(whose)
        left_out = 0
        if not 0 <= now - window.since < WINDOW_SECONDS:
            left_out = max(0, window.count - MOST_NOTED)
            window.since, window.count = now, 0
        window.count += 1
        while len(self._windows) > MOST_OWNERS:
            self._windows.popitem(last=False)
        if window.count > MOST_NOTED:
            return None
        if window.count == MOST_NOTED:
            return LAST
        return f"and {left_out} more before that" if left_out else ""
