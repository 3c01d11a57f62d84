"""How every limit stands: what is used, what running requests hold, what is left, and when it starts anew."""

from __future__ import annotations

from msgspec import Struct

from router.core.limits.limits import Limit, warning_of
from router.core.limits.measures import BY_NAME
from router.core.limits.periods import Periods
from router.core.money import micro_usd, usd_text

_MAYBE = (
    "was lent to workers whose machine is lost or cut off, and no request is known that used it: it counts as used"
    " until their journals are found, or else until the limit starts anew."
)


class Standing(Struct, frozen=True):
    """One limit and its counter, both in the limit's measure."""

    limit: Limit
    used: int
    """Settled in this period, or charged."""
    held: int
    """By running requests."""
    risk: int
    """What running requests may take beyond what they hold: the limit is overrun by that much at most."""
    turns: float | None
    """When it starts anew, in seconds since the epoch; None for what runs at the same time."""
    charged: int = 0
    """Of what is used: lent to workers that are gone, whose journals will say how much of it really was."""

    @property
    def note(self) -> str:
        """Why more is used than requests come to; empty where it is not."""
        if not self.charged:
            return ""
        money = BY_NAME[self.limit.measure].basis == "money"
        charged = f"${usd_text(self.charged)}" if money else f"{self.charged:,} {self.limit.measure}"
        return f"{charged} of what is used {_MAYBE}"

    def shown(self, figure: int) -> int | float:
        """As answers and files have it: money in micro-USD."""
        return micro_usd(figure) if BY_NAME[self.limit.measure].basis == "money" else figure

    @property
    def left(self) -> int:
        return max(0, self.limit.amount - self.used - self.held)

    @property
    def warned(self) -> bool:
        """Whether answers carry a warning."""
        return warning_of(self.limit, self.used, self.held) != ""


def turn_of(limit: Limit, now: float, periods: Periods) -> float | None:
    return periods.end(limit.period, now) if limit.period else None
