"""How long one attempt's answer is waited for."""

from __future__ import annotations

from collections.abc import Callable

from router.core.resilience.timeouts import Needed, look_before, look_inside, turn, turn_of_living
from router.upstream.replica import Replica


class AnswerTimeout:
    """Asked by the connection's clock; times are those of the loop.

    `others` tells whether another backend may take over, as long as the client has nothing.
    """

    __slots__ = (
        "_deadline",
        "_events",
        "_living",
        "_needed",
        "_others",
        "_progress",
        "_replica",
        "_turn",
        "asked",
        "first_look",
    )

    def __init__(
        self, replica: Replica, needed: Needed, *, stream: bool, now: float, deadline: float, others: Callable[[], bool]
    ) -> None:
        self._replica = replica
        self._needed = needed
        self._living = not stream
        """Signs of life count."""
        self.asked = self._progress = now
        """When the request was sent."""
        self._deadline = deadline
        self._others = others
        self._events = 0
        self._turn = turn(now, deadline, replica.first_byte_timeout, needed.seconds)
        self.first_look = min(deadline, self._turn)

    def look(self, now: float, begun: bool, events: int) -> float:
        """The next look; not later than `now` for none. `begun`: there is something for the client."""
        replica = self._replica
        if begun:
            if events != self._events:
                self._events, self._progress = events, now
                replica.alive = now
            return look_inside(now, self.asked, self._progress, replica.idle_timeout, replica.stream_timeout)
        until = self._turn
        if self._living:
            sign = max(replica.alive, replica.succeeded)
            until = turn_of_living(until, self.asked, replica.first_byte_timeout, replica.answer_timeout, sign)
        return look_before(now, self._deadline, until, now >= until and self._others())

    @property
    def latest(self) -> float:
        """When a stream has to have ended, whoever is slow."""
        return self.asked + self._replica.stream_timeout

    def resumed(self, now: float) -> None:
        """The client reads again: what came meanwhile was not looked at."""
        self._progress = now

    def answered(self, now: float) -> None:
        """The answer is fit for the client: as long as that, answers of its model need."""
        self._needed.add(now - self.asked)
