"""Times as files write them: ISO 8601, of UTC where they name no other zone, or seconds from any beginning."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from router.simulate.readers.malformed import Wrong

RIGHT = "a time such as 2026-05-20T09:00:00Z or 1779267600.25"
_TOO_FINE = re.compile(r"(\.\d{6})\d+")
"""Azure's traces have seven digits of a second, and Python takes six."""


def seconds(text: object, column: str) -> float:
    """Since the epoch, or since whatever the file counts from: that is taken for the epoch. Raises Wrong."""
    if isinstance(text, str) and not _is_number(text):
        return _of_iso(text.strip(), column)
    try:
        found = float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not 0 <= found < 1e11:
        raise Wrong(column, text, RIGHT)
    return found


def _is_number(text: str) -> bool:
    return text.strip().replace(".", "", 1).isdecimal()


def _of_iso(text: str, column: str) -> float:
    try:
        at = datetime.fromisoformat(_TOO_FINE.sub(r"\1", text))
    except ValueError:
        raise Wrong(column, text, RIGHT) from None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
