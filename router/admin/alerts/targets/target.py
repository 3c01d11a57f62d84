"""What every kind of target is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from router.core.alerts.notices import Message


class NotDelivered(Exception):
    """Why, for people: it may be shown and logged, so it holds no address that is a secret, and nothing of a secret."""


class Refused(NotDelivered):
    """It was answered, and for what the message says: the same would be refused again, and another one may not be."""


class MayBeRefused(Refused):
    """It is answered so for what the message says, and by one that is out of order for anything: only what becomes of
    other messages tells."""


class TooLong(Refused):
    """It was not even sent: the target takes less at once, and a part of it fits."""


class Sender(Protocol):
    async def send(self, message: Message) -> None:
        """Returns once the target has taken it. Raises NotDelivered; a message of one notice is never TooLong."""
        ...


Clock = Callable[[], float]
"""Seconds since the epoch."""
