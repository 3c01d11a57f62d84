"""What a driver is: something that starts and stops the units of one backend, and sees which are there."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class DriverError(Exception):
    """A start or a stop that did not work. Its text says why, for people, without secrets."""


class Seen(Struct, frozen=True):
    """What there is, as far as the driver can tell."""

    units: int | None
    """Units that are on, starting or not yet gone: all that may cost rent. None when that cannot be told."""
    ready: int
    """Of them, those that answer."""
    why: str
    """For people, in one line: what makes it so, such as "exited with status 1: ..."."""
    began: float | None = None
    """When the last unit began to be there, in seconds since the epoch; 0 when none ever did. None where the driver
    does not tell: a unit is taken to begin when it is asked for then, and to end when it is seen to be gone."""
    ended: float = 0.0
    """When it was gone; 0 while it is there."""


class Driver(Protocol):
    """All calls end within the driver's own time limits. None keeps anything in memory that matters: one made anew,
    after the process that held the last was killed at any moment, sees and does the same."""

    async def look(self) -> Seen:
        """What is there; whatever goes wrong makes it `units=None`, never an error."""

    async def start(self, units: int) -> None:
        """Makes it at least so many, and returns before they answer. Where they are there already, does nothing.

        Raises DriverError.
        """

    async def stop(self, units: int) -> None:
        """Leaves at most so many. Where no more are there, does nothing. Raises DriverError."""

    async def close(self) -> None:
        """Lets go of connections and files; units that run go on running, and another driver's `look` finds them."""
