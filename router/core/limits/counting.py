"""The counters of limits in memory: the plainest statement of when a request is admitted.

The ledger's scripts do the same on its server, for many requests at once; random histories of both are compared.
Whatever is counted here is of one process, and nothing of it is kept.
"""

from __future__ import annotations

from typing import Final

from router.core.limits.amounts import at_risk, held_by
from router.core.limits.counters import BOTH, LOCAL, Admission, Counter, CounterSet, Hold, Reached
from router.core.limits.limits import Verdict


class Kept:
    """What is kept of one limit, in its measure."""

    __slots__ = ("held", "risk", "used")

    def __init__(self) -> None:
        self.used = 0
        self.held = 0
        self.risk = 0


class Counting:
    """`kept` is there to be looked at: by the counter's key and field."""

    def __init__(self) -> None:
        self.kept: Final[dict[tuple[str, str], Kept]] = {}

    def admission(self, hold: Hold) -> Admission:
        """Where there is room for a hold; it is not held by that."""
        blocked = self._blocked(hold, hold.sides)
        if not blocked:
            return Admission(hold.sides)
        verdict = blocked[0]
        spared = hold.local_first or all(each.limit.spare_local for each in blocked)
        if hold.sides == BOTH and spared and not self._blocked(hold, LOCAL):
            return Admission(LOCAL, verdict)
        return Admission(0, verdict)

    def hold(self, hold: Hold, sides: int, sign: int = 1) -> None:
        """Hold what was admitted for these sides; with -1 as its sign, hold it no more."""
        amounts, risks = held_by(hold, sides == LOCAL), at_risk(hold, sides == LOCAL)
        for counter in hold.counters.all:
            if counter.holds(sides):
                kept = self.of(counter)
                kept.held += sign * amounts[counter.measure - 1]
                kept.risk += sign * risks[counter.measure - 1]

    def use(self, counters: CounterSet, local: bool, amounts: tuple[int, ...], sign: int = 1) -> None:
        """Count what was answered on the own side, or on the other one."""
        for counter in counters.all:
            if counter.limit.period and counter.uses(local):
                self.of(counter).used += sign * amounts[counter.measure - 1]

    def reached(self, counters: CounterSet) -> tuple[Reached, ...]:
        """The soft limits that are reached."""
        kept = [(counter, self.of(counter)) for counter in counters.all]
        return tuple(
            [Reached(counter.limit, c.used, c.held) for counter, c in kept if c.used + c.held >= counter.warn_at]
        )

    def of(self, counter: Counter) -> Kept:
        found = self.kept.get((counter.key, counter.field))
        if found is None:
            found = self.kept[counter.key, counter.field] = Kept()
        return found

    def forget(self, key: str) -> None:
        """The counters of a period that is over."""
        for each in [each for each in self.kept if each[0] == key]:
            del self.kept[each]

    def _blocked(self, hold: Hold, sides: int) -> list[Verdict]:
        """The limits without room for this."""
        amounts = held_by(hold, sides == LOCAL)
        blocked = []
        for counter in hold.counters.all:
            asked, kept = amounts[counter.measure - 1], self.of(counter)
            if counter.holds(sides) and asked > 0 and kept.used + kept.held + asked > counter.limit.amount:
                blocked.append(Verdict(counter.limit, kept.used, kept.held, asked))
        return blocked
