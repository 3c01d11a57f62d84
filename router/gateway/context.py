"""One request on its way through the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from router.core.decision.grounds import grounds_of
from router.core.pins import Pin
from router.core.reading import Reading
from router.core.values import NO_GROUNDS, BackendState, Decision, Facts, Grounds, KeyGrant, Snapshot
from router.gateway.active_policy import ActivePolicy
from router.gateway.auth import Keyring
from router.gateway.request import Request
from router.surfaces.base import Surface

_NO_PINS: Mapping[str, Pin] = {}


class RequestContext:
    """What was asked, by whom, and what is known of it.

    A class and no Struct, as everything that only this package passes on: compiled, its fields are read faster.
    """

    __slots__ = (
        "_decision",
        "_notes",
        "_snapshot",
        "arrived",
        "at",
        "body",
        "deadline",
        "dimensions",
        "facts",
        "key",
        "keyring",
        "pins",
        "reading",
        "replica",
        "request",
        "serving",
        "states",
        "surface",
    )

    def __init__(
        self,
        surface: Surface,
        serving: ActivePolicy,
        key: KeyGrant,
        keyring: Keyring,
        body: bytes,
        reading: Reading,
        facts: Facts,
        request: Request,
        at: float,
        arrived: float,
        deadline: float,
        states: Mapping[str, BackendState],
        pins: Mapping[str, Pin] = _NO_PINS,
        replica: str = "",
        dimensions: tuple[str, ...] = (),
    ) -> None:
        self.surface: Final = surface
        self.serving: Final = serving
        self.key: Final = key
        self.keyring: Final = keyring
        """The keys that were in force."""
        self.body: Final = body
        self.reading: Final = reading
        self.facts: Final = facts
        self.request: Final = request
        self.at = at
        """Seconds since the epoch."""
        self.arrived: Final = arrived
        """In seconds of the monotonic clock, which is finer than the loop's."""
        self.deadline: Final = deadline
        """Loop time until which the answer's first byte must have come."""
        self.states = states
        """What backends looked like when it arrived."""
        self.pins: Final = pins
        """By id, of all that it continues or names."""
        self.replica: Final = replica
        """The identity of the only one that may answer, since it keeps these; empty for any."""
        self.dimensions: Final = dimensions
        """What its record keeps of whom it is for."""
        self._decision: Decision | None = None
        self._snapshot: Snapshot | None = None
        self._notes: tuple[str, ...] = ()

    def decided(self, decision: Decision, snapshot: Snapshot, notes: tuple[str, ...]) -> None:
        """The last of its decisions counts; `notes` are those of the snapshot's backends."""
        self._decision, self._snapshot, self._notes = decision, snapshot, notes

    def grounds(self, reason: str) -> Grounds:
        """Of its decision, for a record that has this reason."""
        if self._decision is None or self._snapshot is None:
            return NO_GROUNDS
        version = self.serving.plan.version
        return grounds_of(self.facts, self._snapshot, self._decision, version, self._notes, reason)

    def waited(self, at: float, states: Mapping[str, BackendState]) -> None:
        """It waited until a unit was on: it counts as one that arrives now, but for its deadline."""
        self.at, self.states = at, states
