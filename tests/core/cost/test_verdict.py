from __future__ import annotations

import pytest

from router.core.cost.net import Net
from router.core.cost.verdict import NO_TRAFFIC, NOTHING_TO_COMPARE, supposed, verdict
from router.core.money import NANO_PER_USD


def usd(*amounts: float) -> Net:
    return Net(*(round(amount * NANO_PER_USD) for amount in amounts))


@pytest.mark.parametrize(
    ("figures", "says"),
    [((80.0, 10.0, 57.66), "saved $12: "), ((80.0, 10.0, 71.5), "lost $1.50: "), ((80.0, 10.0, 70.0), "came out even")],
)
def test_the_sentence_has_every_term(figures: tuple[float, float, float], says: str) -> None:
    told = verdict("this month so far", usd(*figures))
    assert told.startswith(f"This month so far the own GPUs {says}")
    assert "the cloud alone would have cost $80, against $10 for what was bought and $" in told


def test_without_a_cloud_price_or_any_traffic_nothing_is_compared() -> None:
    assert verdict("", Net(None, 0, 5)) == NOTHING_TO_COMPARE
    assert verdict("", Net()) == NO_TRAFFIC


@pytest.mark.parametrize(
    ("net", "units", "volume", "says"),
    [
        (12.0, 1, 1.0, "With 1 GPU at $1.09 an hour and this volume a month would save $12."),
        (-3.0, 2, 1.5, "With 2 GPUs at $1.09 an hour and 1.5 times this volume a month would lose $3.00."),
        (0.0, 1, 1.0, "With 1 GPU at $1.09 an hour and this volume a month would cost what the cloud alone costs."),
        (0.0, 0, 1.0, "With no own GPU and this volume a month would cost what the cloud alone costs."),
    ],
)
def test_what_would_be(net: float, units: int, volume: float, says: str) -> None:
    assert supposed(net, units, 1.09, volume) == says


def test_less_than_a_day_is_extrapolated() -> None:
    assert supposed(12.0, 1, 1.09, 1.0, 1).endswith(" save $12. That is extrapolated from 1 hour of traffic.")
    assert supposed(12.0, 1, 1.09, 1.0, 23).endswith(" That is extrapolated from 23 hours of traffic.")
    assert supposed(12.0, 1, 1.09, 1.0, 24).endswith(" save $12.")
