"""What a policy says of one backend's units, as the rule takes it. Times are seconds, money is USD."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Mode(StrEnum):
    AUTO = "auto"
    ALWAYS = "always"
    """One unit is always on; more as they pay."""
    NEVER = "never"
    """None is ever started, for no request either."""


class Order(StrEnum):
    """An administrator's word, which stands until the next one, above all but what a driver can do."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class PowerTerms(Struct, frozen=True):
    usd_per_hour: float
    """Rent of one unit while it starts, is on and stops."""
    units: int = 1
    """At most so many."""
    mode: Mode = Mode.AUTO
    left: bool = False
    """The policy has these units no more, but may have others by their name."""
    tokens_per_second: float | None = None
    """What one unit can serve; None: the first one serves all."""
    usd_per_million_tokens: float = 0.0
    """Variable cost of what units serve."""
    billing: float = 1.0
    """Rent is charged in steps of so long, from the start on."""
    start_time: float = 300.0
    """Expected, until starts were seen."""
    start_timeout: float = 900.0
    drain: float = 120.0
    min_on: float = 1800.0
    """A unit that answers stays on so long, and so does one that served what only it may serve."""
    min_off: float = 300.0
    repeat_after: float = 30.0
    """A command that may never have reached the driver is given again after so long."""
    longest_step: float = 60.0
    """More time than this between two steps is not believed: a clock may jump, a controller may have been away."""
