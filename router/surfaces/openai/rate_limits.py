"""What headers of an answer say about a backend's limits."""

from __future__ import annotations

import re
from collections.abc import Mapping

from router.core.resilience.retry import LONGEST_REST

_RESET = re.compile(
    r"([0-9]{1,9}(?:\.[0-9]{1,9})?)"
    r"|(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)s)?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)ms)?",
    re.ASCII,
)


def reset_asked(headers: Mapping[str, str]) -> float | None:
    """Seconds until a limit is lifted that `x-ratelimit-remaining-*` says is used up, at most `LONGEST_REST`.

    None where none is said to be."""
    found = None
    for limit in ("requests", "tokens"):
        if headers.get(f"x-ratelimit-remaining-{limit}", "").strip() == "0":
            reset = _parse_reset(headers.get(f"x-ratelimit-reset-{limit}", ""))
            found = reset if found is None or (reset is not None and reset > found) else found
    return found


def _parse_reset(value: str) -> float | None:
    """Seconds in OpenAI's way of writing them, such as 6m0s or 20ms, or in figures alone."""
    value = value.strip()
    match = _RESET.fullmatch(value)
    if match is None or not value:
        return None
    plain, hours, minutes, seconds, millis = (float(each or 0) for each in match.groups())
    return min(plain + hours * 3600 + minutes * 60 + seconds + millis / 1000, LONGEST_REST)
