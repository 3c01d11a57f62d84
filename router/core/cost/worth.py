"""Is the GPU worth its rent? The terms of the break-even at a day's volume, and one plain sentence."""

from __future__ import annotations

from msgspec import Struct

from router.core.cost.preference import BreakEven

_PER_MILLION = 1_000_000
_UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
NO_REFERENCE = "No model is served by both an own GPU and the cloud, so there is no break-even."
NO_GPU = "The policy names no rent for an own GPU (cost.usd_per_hour), so there is nothing to break even."


class Worth(Struct, frozen=True):
    """What a day's volume costs on either side, in USD."""

    gpu_usd_per_day: float
    """F + v·N: the rent, and the variable cost of the volume."""
    cloud_usd_per_day: float
    """c·N."""
    load: float | None
    """The volume as a share of what the GPUs can serve in a day; None when that is not known."""

    @property
    def gap(self) -> float:
        """What the GPU costs more than the cloud would; below zero it saves."""
        return self.gpu_usd_per_day - self.cloud_usd_per_day


def worth(terms: BreakEven, tokens_per_day: int) -> Worth:
    capacity = terms.capacity_tokens_per_day
    return Worth(
        terms.fixed_usd_per_day + terms.local_usd_per_million * tokens_per_day / _PER_MILLION,
        terms.cloud_usd_per_million * tokens_per_day / _PER_MILLION,
        tokens_per_day / capacity if capacity else None,
    )


def sentence(terms: BreakEven | None, tokens_per_day: int) -> str:
    """For people. `terms` is None where no model is served by both sides."""
    if terms is None:
        return NO_REFERENCE
    if not terms.fixed_usd_per_day:
        return NO_GPU
    return f"At a volume of {tokens(tokens_per_day)} tokens a day {_gap(terms, tokens_per_day)}; {_break_even(terms)}."


def _gap(terms: BreakEven, tokens_per_day: int) -> str:
    gap = worth(terms, tokens_per_day).gap
    if abs(gap) < 0.005:
        return "the GPU costs as much as the cloud would"
    return f"the GPU costs {dollars(abs(gap))} a day {'more' if gap > 0 else 'less'} than the cloud would"


def _break_even(terms: BreakEven) -> str:
    if terms.tokens_per_day is None:
        return "it never breaks even, because a token costs no more in the cloud than on the GPU"
    needed = f"it breaks even at {tokens(terms.tokens_per_day)} tokens a day"
    if terms.reachable or terms.capacity_tokens_per_day is None:
        return needed
    return f"{needed}, which is more than the {tokens(terms.capacity_tokens_per_day)} that it can serve"


def tokens(count: float) -> str:
    """Three digits: 532, 1.2 K, 42 M."""
    for size, unit in _UNITS:
        if count >= size * 0.9995:
            return f"{_three_digits(count / size)} {unit}"
    return f"{count:.0f}"


def _three_digits(value: float) -> str:
    text = f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def dollars(usd: float) -> str:
    """Whole dollars from 10 on, cents below: $21, $1,234, $0.35."""
    return f"${usd:,.0f}" if usd >= 9.995 else f"${usd:.2f}"
