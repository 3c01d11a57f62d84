"""Own GPUs that lose money, by examples."""

from __future__ import annotations

import pytest

from router.core.alerts.gpu import GpuNet, observed
from router.core.alerts.observation import Seen
from router.core.cost.net import Net

USD = 1_000_000_000


def gpu(alone: int | None, rent: int, days: int = 7, captive: int = 0) -> GpuNet:
    net = Net(None if alone is None else alone * USD, 0, rent * USD)
    return GpuNet("gpu", net, "2026-11-18", "2026-11-24", days, captive)


def seen(each: GpuNet) -> Seen:
    (found,) = observed([each], 7, 10)
    return found.seen


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        (gpu(100, 110), Seen.BAD),
        (gpu(100, 109), Seen.BETWEEN),
        (gpu(100, 100), Seen.GOOD),
        (gpu(100, 500, days=6), Seen.BETWEEN),
        (gpu(None, 500), Seen.BETWEEN),
    ],
)
def test_it_loses_when_it_costs_so_much_more_than_it_spares_over_all_these_days(each, expected):
    assert seen(each) is expected


def test_it_says_how_much_and_what_does_not_count():
    (lost,) = observed([gpu(100, 150, captive=2)], 7, 10)
    assert lost.text == (
        "From 2026-11-18 to 2026-11-24 it lost $50: $100 of the cloud's bill against $150 of rent."
        " 2 requests could not leave, which is not counted here."
    )
    (saved,) = observed([gpu(150, 100, captive=1)], 7, 10)
    assert "it saved $50" in saved.text and "1 request could not leave" in saved.text
    (unknown,) = observed([gpu(None, 100)], 7, 10)
    assert unknown.text == ""
