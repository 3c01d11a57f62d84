"""What every kind of target is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from router.core.alerts.notices import Message


class NotDelivered(Exception):
    """Why, for people: it may be shown and logged, so it holds no address that is a secret, and nothing of a secret."""


class Sender(Protocol):
    async def send(self, message: Message) -> None:
        """Returns once the target has taken it. Raises NotDelivered."""
        ...


Clock = Callable[[], float]
"""Seconds since the epoch."""
