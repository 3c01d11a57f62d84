"""Limits that fill up -> observations.

Only days and months count: a limit by the minute is full whenever somebody is busy. What running requests hold counts
at the whole limit alone, since it is what they are refused for; below, a hold that is given back is no spending.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from router.core.alerts.observation import Observation, Seen

REACHED = 0.99
"""Of the whole limit: what would overrun the rest is refused, so that it is hardly ever used up to the last cent."""
PERIODS = ("day", "month")
HYSTERESIS = 0.02
"""So far below its threshold, as a share of the limit, is a limit well again."""


class LimitUse(Struct, frozen=True):
    """How full one limit is, in its own measure."""

    counter: str
    """`scope|side|model|measure`."""
    name: str
    """For people."""
    period: str
    """`day` or `month`; others are left out."""
    begun: str
    """Which one: 2026-11-30, or 2026-11."""
    amount: float
    used: float
    held: float
    unit: str = ""
    """`USD`, or what is counted."""


def observed(uses: Iterable[LimitUse], shares: Sequence[float]) -> Iterator[Observation]:
    """Of shares that are reached, or nearly: there may be ten thousand limits, most of which are well."""
    for use in uses:
        if use.period in PERIODS and use.amount > 0:
            for share in shares:
                seen = _seen(use, share)
                if seen is not Seen.GOOD:
                    yield _observation(use, share, seen)


def _seen(use: LimitUse, share: float) -> Seen:
    taken = use.used + (use.held if share >= 1 else 0)
    told_at = REACHED if share >= 1 else share
    if taken >= told_at * use.amount:
        return Seen.BAD
    return Seen.BETWEEN if taken >= (told_at - HYSTERESIS) * use.amount else Seen.GOOD


def _observation(use: LimitUse, share: float, seen: Seen) -> Observation:
    return Observation(
        # The period is part of the key: the next one's crossing is another one.
        key=f"limit|{use.counter}|{use.period}|{use.begun}|{share:g}",
        condition="limit",
        seen=seen,
        subject=use.name,
        severity="critical" if share >= 1 else "warning",
        title=f"{use.name}: {'limit reached' if share >= 1 else f'{100 * share:g}% of the limit used'}",
        text=_text(use),
    )


def _text(use: LimitUse) -> str:
    held = f", {_amount(use, use.held)} held by running requests" if use.held else ""
    return f"{_amount(use, use.used)} of {_amount(use, use.amount)} used in the {use.period} {use.begun}{held}."


def _amount(use: LimitUse, figure: float) -> str:
    if use.unit == "USD":
        return f"${figure:,.2f}" if figure >= 1 or not figure else f"${figure:,.6f}".rstrip("0")
    return f"{figure:,.0f} {use.unit}s".strip()
