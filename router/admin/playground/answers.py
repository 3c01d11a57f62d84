"""What the API says of requests that are tried with a key's rights."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from router.admin.record_type import OwnRecord, RequestRecord


class PlaygroundKey(Struct, frozen=True):
    name: str
    team: str


class PlaygroundChoices(Struct, frozen=True, kw_only=True):
    allowed: bool
    """Whether whoever asks may try requests."""
    why_not: str = ""
    keys: list[PlaygroundKey] = []
    """That they may choose; `anonymous` where the gateway has none."""
    models: list[str] = []
    levels: list[str] = []
    requests_per_minute: int = 0


class PlaygroundAnswered(Struct, frozen=True, kw_only=True):
    """The head of the gateway's answer."""

    status: int
    request: str
    backend: str
    zone: str
    level: str
    reason: str
    warning: str = ""
    """Of a limit that is nearly used up."""


class PlaygroundLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the answer: the head first, events or a body then, and at last what the request came to."""

    answered: PlaygroundAnswered | None = None
    event: Any = None
    """Of a stream, as the backend sent it."""
    body: Any = None
    """Of an answer in one piece, or of an error."""
    failed: str = ""
    """Why it broke off."""
    ended: bool = False
    record: RequestRecord | None = None
    """Of the request, once it was settled, for those who see all records; left out where that takes too long."""
    own_record: OwnRecord | None = None
    """The same for everybody else, without what the gateway knew as it decided."""
