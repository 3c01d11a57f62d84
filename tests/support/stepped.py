"""One backend's units that do as they are told, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from router.core.power.control import Command, PhaseChange, step
from router.core.power.savings import Savings
from router.core.power.states import Phase
from router.core.power.terms import PowerTerms
from router.core.power.units import Observation, UnitsState

TERMS = PowerTerms(usd_per_hour=1.0, units=3, longest_step=1e9)
NEW = UnitsState()
ONE, TWO, NONE = Savings((1.2,)), Savings((2.0, 1.2)), Savings((0.0,))


@dataclass
class Backend:
    """Units that do as they are told, unless the test says otherwise, and the state that goes from step to step."""

    terms: PowerTerms = TERMS
    state: UnitsState = NEW
    now: float = 1e9
    units: int | None = 0
    ready: int = 0
    commands: list[Command] = field(default_factory=list)
    changes: list[PhaseChange] = field(default_factory=list)

    def after(self, seconds: float = 0.0, **seen: Any) -> Phase:
        self.now += seconds
        done = step(self.state, Observation(units=self.units, ready=self.ready, **seen), self.terms, self.now)
        self.state = done.state
        self.commands += [] if done.command is None else [done.command]
        self.changes += done.changes
        return self.state.phase

    def on(self, units: int = 1) -> Backend:
        self.after(savings=Savings((1.2,) * units))
        self.units = self.ready = units
        self.after(300, done=True, savings=Savings((1.2,) * units))
        return self
