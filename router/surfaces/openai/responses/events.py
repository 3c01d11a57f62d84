"""The shape of one event of a streamed response."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from router.surfaces.openai.responses.answers import Response

NOTHING = msgspec.Raw(b"null")


class Event(Struct, gc=False):
    """What is read of every event; everything else in it is skipped."""

    type: Any = None
    sequence_number: Any = None
    delta: msgspec.Raw = NOTHING
    """Undecoded: mostly its length is all that matters."""
    error: Any = None


class Whole(Struct, gc=False):
    """An event with the whole response in it, as it is now."""

    response: Response | None = None


class Begun(Struct, gc=False):
    """The same of one of the first, for what is said of it if it breaks off."""

    response: dict[str, Any] | None = None
