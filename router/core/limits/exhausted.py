"""Rates of requests that are known to be used up: until their minute is over they admit nothing, and nobody has
to be asked.

Only what cannot turn out otherwise is known. Of a minute what was used becomes no less, for what is held by running
requests, or was lent, does not count for that. Each request counts as one, whatever it says, and a limit of all models
on both sides is every request's.
"""

from __future__ import annotations

from router.core.limits.counters import CounterSet, Hold
from router.core.limits.limits import Verdict

MINUTE = 60.0
"""Seconds. A hold whose lease is over is charged as used, which is taken back when it ends; with a shorter lease that
would be of this minute."""


class Exhausted:
    """`known` are the verdicts on limits of the latest minute, by their counter's field."""

    def __init__(self) -> None:
        self.known: dict[str, Verdict] = {}
        self._minute = ""

    def note(self, hold: Hold, verdict: Verdict) -> None:
        """The ledger did not admit this. What workers that are gone were lent must not be in what is used."""
        limit = verdict.limit
        if limit.measure != "requests" or limit.period != "minute" or limit.side != "all" or limit.model:
            return
        if verdict.used < limit.amount or hold.lease < MINUTE:
            return
        for counter in hold.counters.all:
            if counter.limit == limit:
                if counter.key != self._minute:
                    self.known, self._minute = {}, counter.key
                self.known[counter.field] = verdict

    def of(self, counters: CounterSet) -> Verdict | None:
        """Why nothing that has these counters is admitted; None where that is not known."""
        for counter in counters.all:
            if counter.key == self._minute:
                verdict = self.known.get(counter.field)
                if verdict is not None and verdict.limit == counter.limit:
                    return verdict
        return None

    def forget(self) -> None:
        """The books may not be the same any more."""
        self.known = {}
