"""What a call that failed behind the adapter may cost all the same: the gateway cannot see it, so the adapter says so.

With an error answer it is the value of `HEADER`. Once a stream has begun, what came of it is known by its events,
unless its error has the code `UNREAD`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from router.surfaces.openai.complaint import complaint_in

HEADER = "x-breakeven-may-be-billed"
"""Between the adapter and the gateway: clients do not get it, and no other backend is believed."""
UNREAD = "answer_unread"
"""Code of an error: the provider answered, and something in that could not be read."""

UNSUPPORTED = "unsupported_by_backend"
"""Code of an error: what was asked cannot be told to this provider, and was not sent; another backend may do it."""


class MayBeBilled(StrEnum):
    NOTHING = ""
    """Nothing was sent, or the provider refused it."""
    INPUT = "input"
    """The provider answered with an error in place of an answer."""
    ALL = "all"
    """Nobody knows what the provider made of it."""


def told_in(headers: Iterable[tuple[bytes, bytes]]) -> MayBeBilled:
    """What the head of an error answer says, with names in lower case; nothing where it says nothing that is known."""
    told = next((value.decode("latin-1") for name, value in headers if name == _HEADER), "")
    return MayBeBilled(told) if told in _VALUES else MayBeBilled.NOTHING


def is_unread(payload: bytes) -> bool:
    """Whether the payload of an event is an error that says `UNREAD`."""
    complaint = complaint_in(payload)
    return complaint is not None and UNREAD in complaint.words


_HEADER = HEADER.encode()
_VALUES = frozenset(MayBeBilled)
