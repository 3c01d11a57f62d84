"""Whether the own GPUs were worth their rent, in one sentence for people."""

from __future__ import annotations

from router.core.cost.worth import dollars

NOTHING_TO_COMPARE = "There is no cloud price to compare with: no model is served by both an own GPU and the cloud."
NO_TRAFFIC = "No traffic yet, so there is nothing to compare."


def verdict(when: str, cloud_alone: float, bought: float, rent: float) -> str:
    """`when` is such as "this month so far"; the rest is USD."""
    net = cloud_alone - bought - rent
    came = "came out even" if abs(net) < 0.005 else f"{'saved' if net > 0 else 'lost'} {dollars(abs(net))}"
    return (
        f"{when[:1].upper()}{when[1:]} the own GPUs {came}: the cloud alone would have cost {dollars(cloud_alone)},"
        f" against {dollars(bought)} for what was bought and {dollars(rent)} of rent."
    )


def supposed(net: float, units: int, usd_per_hour: float, volume: float) -> str:
    """Of a month of 30 days, with the last week's traffic times `volume`."""
    many = "no own GPU" if not units else f"{units} GPU{'s' if units > 1 else ''} at {dollars(usd_per_hour)} an hour"
    much = "this volume" if volume == 1 else f"{volume:g} times this volume"
    if not units or abs(net) < 0.005:
        return f"With {many} and {much} a month would cost what the cloud alone costs."
    return f"With {many} and {much} a month would {'save' if net > 0 else 'lose'} {dollars(abs(net))}."
