"""Whether the own GPUs were worth their rent, in one sentence for people."""

from __future__ import annotations

from router.core.cost.net import Net
from router.core.cost.worth import dollars
from router.core.money import in_usd

_DAY_HOURS = 24
NOTHING_TO_COMPARE = "There is no cloud price to compare with: own GPUs alone can serve what they served."
NO_TRAFFIC = "No traffic yet, so there is nothing to compare."


def verdict(when: str, net: Net) -> str:
    """`when` is such as "this month so far"."""
    if net.cloud_alone is None or net.net is None:
        return NOTHING_TO_COMPARE
    if net == Net():
        return NO_TRAFFIC
    alone, bought, rent, left = (in_usd(each) for each in (net.cloud_alone, net.bought, net.rent, net.net))
    came = "came out even" if abs(left) < _LEAST else f"{'saved' if left > 0 else 'lost'} {dollars(abs(left))}"
    return (
        f"{when[:1].upper()}{when[1:]} the own GPUs {came}: the cloud alone would have cost {dollars(alone)},"
        f" against {dollars(bought)} for what was bought and {dollars(rent)} of rent."
    )


def supposed(net: float, units: int, usd_per_hour: float, volume: float, hours: int = _DAY_HOURS) -> str:
    """Of a month of 30 days, with the last week's traffic times `volume`, of which there are so many hours."""
    few = (
        f" That is extrapolated from {hours} hour{'' if hours == 1 else 's'} of traffic." if hours < _DAY_HOURS else ""
    )
    return _supposed(net, units, usd_per_hour, volume) + few


def _supposed(net: float, units: int, usd_per_hour: float, volume: float) -> str:
    many = "no own GPU" if not units else f"{units} GPU{'s' if units > 1 else ''} at {dollars(usd_per_hour)} an hour"
    much = "this volume" if volume == 1 else f"{volume:g} times this volume"
    if not units or abs(net) < _LEAST:
        return f"With {many} and {much} a month would cost what the cloud alone costs."
    return f"With {many} and {much} a month would {'save' if net > 0 else 'lose'} {dollars(abs(net))}."


_LEAST = 0.005
"""USD that somebody would speak of."""
