"""What headers of an answer say about a backend's limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from router.core.resilience.retry import LONGEST_REST

_LIMITS = ("requests", "tokens", "input-tokens", "output-tokens")


def reset_asked(headers: Mapping[str, str]) -> float | None:
    """Seconds until a limit is lifted that `anthropic-ratelimit-*-remaining` says is used up, at most `LONGEST_REST`.

    None where none is said to be. Both times are the backend's: that of the reset, and that of its answer.
    """
    now = _date(headers.get("date", ""))
    found = None
    for limit in _LIMITS:
        if headers.get(f"anthropic-ratelimit-{limit}-remaining", "").strip() == "0":
            reset = _time(headers.get(f"anthropic-ratelimit-{limit}-reset", ""))
            if now is not None and reset is not None:
                rest = min(max(0.0, (reset - now).total_seconds()), LONGEST_REST)
                found = rest if found is None else max(found, rest)
    return found


def _time(text: str) -> datetime | None:
    """Of RFC 3339."""
    try:
        return _in_zone(datetime.fromisoformat(text.strip()))
    except ValueError:
        return None


def _date(text: str) -> datetime | None:
    """Of RFC 9110, 5.6.7."""
    try:
        return _in_zone(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _in_zone(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
