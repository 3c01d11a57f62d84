"""The cost strategies: a function and an entry of `_ALL` for each, which says all that others have to know of it.

A strategy never removes a candidate: it prefers a side, and inside a side the cheaper request goes first. One that goes
by price compares single requests instead, on whichever side they are.

The volume strategies remember one bit, the side that they preferred last: once local, they go back to the cloud only
when the volume falls below N·(1 - hysteresis).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol

from router.core.cost.preference import BreakEven, Preference, Side

_SO_LOCAL = ": the own GPUs are preferred."
_SO_CLOUD = ": the cloud is preferred."

BreakEvenNow = Callable[[], BreakEven | None]
"""The terms at the prices and the mix of now; None when no model is served by both an own GPU and the cloud."""


class Case(Protocol):
    """What a strategy may ask about one request; `core.cost.order` answers."""

    @property
    def threshold(self) -> int:
        """Tokens per day, of the policy or of a rule."""

    @property
    def volume(self) -> int:
        """Eligible tokens in the policy's window."""

    @property
    def window(self) -> str:
        """That window, in words that go on after "tokens": "today"."""

    @property
    def hysteresis(self) -> float: ...

    @property
    def previous(self) -> Side:
        """Preferred by the last decision."""

    def break_even(self) -> BreakEven | None: ...

    def cheapest(self) -> tuple[str, Side]:
        """The backend that charges least for one more request like this one, and its side."""


class LooksAt(StrEnum):
    """What a preference depends on, besides the policy, the hour's prices and the side that was preferred last."""

    NOTHING = "nothing"
    VOLUME = "volume"
    """By the band that the volume lies in, no more: see `Strategy.switches_at`."""
    REQUEST = "request"
    """The size of each request."""


class Strategy(NamedTuple):
    name: str
    """What policies call it."""
    prefer: Callable[[Case], Preference]
    looks_at: LooksAt = LooksAt.NOTHING
    """Tells the decision cache what it may remember."""
    switches_at: Callable[[int, BreakEvenNow], float | None] | None = None
    """Of the threshold and the break-even: the tokens of a day from which it is local; None where that is no volume."""
    by_price: bool = False
    """Candidates are ordered by price alone, over both sides."""
    takes_threshold: bool = False
    """The policy's `threshold_tokens_per_day` is its own."""
    needs_gpu_cost: bool = False
    """Owned backends must say what they cost."""


class Band(StrEnum):
    """Where a volume lies. In the band of the hysteresis local stays local."""

    ABOVE = "above"
    HYSTERESIS = "hysteresis"
    BELOW = "below"


def band(volume: int, needed: float, hysteresis: float, previous: Side) -> Band:
    """Local from `needed` eligible tokens on; below that local as long as it was local, down to the hysteresis."""
    if volume >= needed:
        return Band.ABOVE
    if previous is Side.LOCAL and volume >= _exact(needed * (1 - hysteresis)):
        return Band.HYSTERESIS
    return Band.BELOW


def _exact(tokens: float) -> float:
    """Without float dust: 1 - 0.7 is a little more than 0.3 in binary, which would move a switch by a token."""
    return round(tokens, 3)


def _by_volume(case: Case, needed: float, code: str, name: str) -> Preference:
    where = band(case.volume, needed, case.hysteresis, case.previous)
    seen = f"{case.volume:,} eligible tokens {case.window}"
    reason = f"{code}-{where.value}"
    if where is Band.ABOVE:
        return Preference(Side.LOCAL, reason, f"{seen}, at or above {name} of {needed:,.0f}{_SO_LOCAL}")
    if where is Band.HYSTERESIS:
        back_below = _exact(needed * (1 - case.hysteresis))
        return Preference(
            Side.LOCAL,
            reason,
            f"{seen}, below {name} of {needed:,.0f} but not yet below {back_below:,.0f},"
            f" where the cloud takes over again{_SO_LOCAL}",
        )
    return Preference(Side.CLOUD, reason, f"{seen}, below {name} of {needed:,.0f}{_SO_CLOUD}")


def _threshold(case: Case) -> Preference:
    return _by_volume(case, case.threshold, "threshold", "the threshold")


def _at_threshold(threshold: int, break_even: BreakEvenNow) -> float:
    return threshold


def _breakeven(case: Case) -> Preference:
    terms = case.break_even()
    if terms is None:
        return Preference(
            Side.CLOUD,
            "breakeven-unreachable",
            "No model is served by both an own GPU and the cloud, so there is no break-even; the cloud is preferred.",
        )
    if terms.tokens_per_day is None or not terms.reachable:
        return Preference(Side.CLOUD, "breakeven-unreachable", _unreachable(terms))
    return _by_volume(case, _exact(terms.tokens_per_day), "breakeven", "the break-even")


def _at_break_even(threshold: int, break_even: BreakEvenNow) -> float | None:
    terms = break_even()
    if terms is None or terms.tokens_per_day is None or not terms.reachable:
        return None
    return _exact(terms.tokens_per_day)


def _unreachable(terms: BreakEven) -> str:
    if terms.tokens_per_day is None:
        return (
            f"The cloud costs ${terms.cloud_usd_per_million:.4g} per million tokens and the own GPUs"
            f" ${terms.local_usd_per_million:.4g} on top of their rent, so they never break even{_SO_CLOUD}"
        )
    return (
        f"The break-even of {terms.tokens_per_day:,.0f} tokens a day is more than"
        f" the {terms.capacity_tokens_per_day:,.0f} that the own GPUs can serve{_SO_CLOUD}"
    )


def _cheapest(case: Case) -> Preference:
    backend, side = case.cheapest()
    return Preference(
        side,
        "cheapest",
        f"{backend} charges least for one more request of this size; the rent of own GPUs is paid either way.",
    )


def _local_first(case: Case) -> Preference:
    return Preference(Side.LOCAL, "local-first", "The policy tries the own GPUs first.")


def _cloud_first(case: Case) -> Preference:
    return Preference(Side.CLOUD, "cloud-first", "The policy tries the cloud first.")


_ALL = (
    Strategy("threshold", _threshold, LooksAt.VOLUME, _at_threshold, takes_threshold=True),
    Strategy("breakeven", _breakeven, LooksAt.VOLUME, _at_break_even, needs_gpu_cost=True),
    Strategy("cheapest", _cheapest, LooksAt.REQUEST, by_price=True),
    Strategy("local_first", _local_first),
    Strategy("cloud_first", _cloud_first),
)
STRATEGIES: Mapping[str, Strategy] = {strategy.name: strategy for strategy in _ALL}
"""By name. What a policy may say, its schema and the decision cache's memory are made from this."""
