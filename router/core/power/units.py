"""One backend's units: what the ledger keeps of them, and what is seen of them.

Times named `at` or `since` are seconds since the epoch, for people and bills. What decides are seconds that have
passed, of which no step adds more than `PowerTerms.longest_step`: so a clock that jumps decides nothing.
"""

from __future__ import annotations

from msgspec import Struct

from router.core.power.savings import NOTHING_SEEN, Savings
from router.core.power.states import Phase
from router.core.power.terms import Order, PowerTerms

LONG_AGO = 366 * 86_400.0
"""Seconds since what never was."""


class Turn(Struct, frozen=True):
    taken_by: str = ""
    """Who has the card, or has it next: this one cannot be woken now."""
    address: bool = False
    """It is no card but an address that it has, which is another name's now."""
    asked_by: str = ""
    """Who has it next: this one goes to sleep."""


ALONE = Turn()

MOST_RUNS = 64
"""That are kept: rent is accounted for long before as many have been."""


class Run(Struct, frozen=True):
    """From when some units cost rent until none did. Seconds since the epoch."""

    begun: float
    """When the unit began, where its driver tells that; else when its start was asked for."""
    ended: float = 0.0
    """When the last one was gone, or was seen to be, where its driver does not tell; 0 while it lasts."""
    units: int = 1
    """So many cost rent at once, at most."""


class UnitsState(Struct, frozen=True):
    """New fields need a default: while gateways are updated, old and new ones read each other."""

    phase: Phase = Phase.OFF
    before: Phase = Phase.OFF
    """What it was before it was unknown."""
    since: float = 0.0
    """When the phase began."""
    at: float = 0.0
    """When the last step was; 0 before the first one."""
    units: int = 0
    """There, as last seen."""
    ready: int = 0
    """Of these, those that answered."""
    possible: int = 0
    """So many cost rent, as of the last step."""
    target: int = 0
    """What the last command asked for."""
    wanted: int = 0
    reason: str = "new"
    """Short code of why so many are wanted."""
    explanation: str = ""
    """The same as a sentence."""
    claim: int = 0
    """How much a unit is wanted, whoever has the card now that it shares, see `cards`; 0 when none is."""
    order: Order = Order.AUTO
    failures: int = 0
    """In a row."""
    error: str = ""
    """The last failure, for people; empty once units have been on for a while."""
    unconfirmed: bool = False
    """Nobody knows yet whether the driver carried out the last command."""
    started_at: float = 0.0
    """When the last start was asked for, or the unit began, where that is told: a billing step begins with it."""
    changed_at: float = 0.0
    """When units were last told to start or to stop."""
    looked_at: float = 0.0
    """Up to here it is known how they were: rent is accounted for no further. 0 before the first look."""
    runs: tuple[Run, ...] = ()
    """The last ones, the latest last."""
    start_seconds: float = 0.0
    """What starts took, as an exponential mean; 0 before the first one."""

    lasted: float = 0.0
    """Seconds of the phase."""
    held: float = LONG_AGO
    """Seconds since the last command, or since all have answered."""
    commanded: float = LONG_AGO
    """Seconds since a command was last given, again or for the first time."""
    starting: float = 0.0
    """Seconds since a start was asked for, until all answer."""
    silent: float = 0.0
    """Seconds for which some have not answered although they are on."""
    idle: float = 0.0
    """Seconds without a running request."""
    unneeded: float = LONG_AGO
    """Seconds since the last request that only these units may serve."""
    rest: float = 0.0
    """Seconds until the next start may be tried, after failures."""

    @property
    def serves(self) -> bool:
        """Whether requests may be sent there."""
        leaving = self.phase is Phase.DRAINING or (self.phase is Phase.STOPPING and not self.target)
        return self.ready > 0 and not leaving

    @property
    def costing(self) -> int:
        """Units that may cost rent: a driver sees only after a while what was started, and what it cannot tell of is
        as it was."""
        match self.phase:
            case Phase.STARTING:
                return max(self.units, self.target)
            case Phase.UNKNOWN:
                return max(self.units, self.possible)
        return self.units

    @property
    def running(self) -> Run | None:
        """The run that lasts."""
        return self.runs[-1] if self.runs and not self.runs[-1].ended else None

    @property
    def retry_at(self) -> float:
        return self.at + self.rest

    @property
    def idle_since(self) -> float:
        return self.at - self.idle

    def seconds_to_serve(self, terms: PowerTerms) -> float:
        """The rest of a start, learned: of the one under way, or of one that is asked for now."""
        if self.serves:
            return 0.0
        whole = self.start_seconds or terms.start_time
        under_way = self.starting if self.phase is Phase.STARTING else 0.0
        return self.rest + max(1.0, whole - under_way)


class Observation(Struct, frozen=True):
    """What a step is told; its numbers are of the moment, where nothing else is said."""

    units: int | None = 0
    """There, as the driver sees it; None: it cannot tell."""
    ready: int = 0
    """Of these, those that answer."""
    why: str = ""
    """What the driver says of that, where there is anything to say: why it cannot tell, or of what they died."""
    at: float = 0.0
    """When that was so, at the earliest."""
    began: float | None = None
    """When the last one began to be there; 0 when none ever did, None where the driver does not tell."""
    ended: float = 0.0
    """When it was gone; 0 while it is there."""
    running: int = 0
    """Requests that the units are working on."""
    waiting: int = 0
    """Requests that wait because only these units may serve them."""
    captive: int = 0
    """Requests that only these units may serve, which run or came since the last step."""
    savings: Savings = NOTHING_SEEN
    scheduled: bool = False
    """The policy's schedule wants a unit now, or as soon as a start would have one ready."""
    turn: Turn = ALONE
    """On the card that it shares with others."""
    order: Order | None = None
    """A new order of an administrator."""
    ledger_ok: bool = True
    """Demand and orders can be read, and what is done can be kept."""
    acting: bool = False
    """The driver is at work on a command."""
    done: bool = False
    """It has carried out the last one since the last step."""
    error: str = ""
    """It could not, and why."""
