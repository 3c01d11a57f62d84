from __future__ import annotations

import pytest
from support.simulating import MONDAY, POWER, ask, plan, played

from router.simulate.figures import FIGURES, outcome_of


def test_every_figure_is_there_and_nothing_else():
    outcome = outcome_of(played(plan(power=POWER), [ask(10.0 * number) for number in range(100)]), "p.yaml")
    figures = outcome.figures

    assert list(figures) == list(FIGURES)
    assert figures["usd"] == pytest.approx(figures["usd_cloud"] + figures["usd_own_tokens"] + figures["usd_rent"])
    assert figures["usd_saved"] == pytest.approx(figures["usd_cloud_alone"] - figures["usd"])
    assert figures["requests"] == figures["own_requests"] + figures["cloud_requests"] + figures["refused"] == 100
    assert (figures["wait_p50"], figures["own_latency_p50"]) == (None, None), "nobody waited, nothing ran there"
    assert (outcome.begin, outcome.policy) == (MONDAY, "p.yaml") and figures["latency_p50"] == pytest.approx(1.74, 0.1)


def test_without_a_backend_that_is_switched_there_is_no_hindsight():
    outcome = outcome_of(played(plan(), [ask()]), "p.yaml")

    assert outcome.figures["usd_hindsight"] is None
    assert outcome.backends["gpu"]["starts"] is None and outcome.backends["api"]["usd_rent"] is None
    assert outcome.backends["api"]["requests"] == 1 and outcome.reasons == {"api": {"threshold-below": 1}}


def test_what_cannot_leave_has_no_cloud_price():
    outcome = outcome_of(played(plan(), [ask(level="restricted")]), "p.yaml")

    assert outcome.figures["usd_cloud_alone"] == 0.0 and outcome.figures["usd_saved"] == -outcome.figures["usd_rent"]
