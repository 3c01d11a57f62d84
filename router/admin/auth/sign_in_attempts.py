"""How often somebody may guess a token."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

MOST_FAILURES = 10
WINDOW_SECONDS = 60.0
MOST_ADDRESSES = 1000


class Attempts:
    """Failures by address within the window. Past the limit whoever guesses is told to wait; a right token is no
    guess, and is never held up by those of others."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Seconds until another guess is allowed; 0 when it is allowed now."""
        failed = self._recent(address)
        return failed[0] + WINDOW_SECONDS - self._clock() if len(failed) >= MOST_FAILURES else 0.0

    def failed(self, address: str) -> None:
        self._recent(address).append(self._clock())
        while len(self._failed) > MOST_ADDRESSES:
            self._failed.popitem(last=False)

    def _recent(self, address: str) -> deque[float]:
        failed = self._failed.setdefault(address, deque(maxlen=MOST_FAILURES))
        self._failed.move_to_end(address)
        while failed and failed[0] <= self._clock() - WINDOW_SECONDS:
            failed.popleft()
        return failed
