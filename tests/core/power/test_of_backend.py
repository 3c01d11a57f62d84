from __future__ import annotations

import math
from zoneinfo import ZoneInfo

import pytest

from router.core.backend_kinds import GpuCost, VllmBackend
from router.core.power.of_backend import Hours, power_of, price_of, terms_of
from router.core.power.terms import PowerTerms

NOON = 1_779_278_400.0
"""On a Wednesday."""


def backend(power: dict[str, object] | None = None, **more: object) -> VllmBackend:
    given = {"kind": "vllm", "zone": "local", "url": "http://127.0.0.1:1/v1", "serves": {"chat": "tiny"}}
    return VllmBackend.model_validate(given | {"power": power} | more)


SLEEPS = {"driver": "sleep"}
COMMANDS = {
    "driver": "command",
    **{name: {"run": ["true"]} for name in ("start", "stop", "look")},
}


def test_a_policy_gives_the_terms():
    cost = GpuCost(usd_per_hour=2.0, usd_per_million_tokens=0.1, billing="1h")
    assert terms_of(backend(COMMANDS | {"min_on": "10m"}, cost=cost)) == PowerTerms(
        usd_per_hour=2.0, usd_per_million_tokens=0.1, billing=3600.0, min_on=600.0
    )


def test_sleep_saves_no_rent():
    assert terms_of(backend(SLEEPS, cost=GpuCost(usd_per_hour=2.0))).usd_per_hour == 0.0
    assert terms_of(backend(SLEEPS)) == PowerTerms(usd_per_hour=0.0)


def test_without_power_there_are_no_terms():
    with pytest.raises(ValueError, match="no power section"):
        power_of(backend())


def test_people_and_what_was_bought_cost_when_it_is_off_too():
    cost = GpuCost(usd_per_hour=1.0, purchase_usd=26_280.0, years=3, ops_usd_per_day=24.0, billing="1m")
    price = price_of(backend(cost=cost))

    assert (price.on, price.off, price.billing) == (pytest.approx(3.0, abs=0.01), pytest.approx(2.0, abs=0.01), 60.0)
    assert price_of(backend()).on == 0.0


def test_a_schedule_wants_a_unit_that_is_ready_when_it_begins():
    hours = Hours("13-20 Mon-Fri", ZoneInfo("UTC"))

    assert not hours.wanted(NOON, 60.0) and hours.wanted(NOON + 3600, 60.0)
    assert hours.wanted(NOON + 3600 - 50, 60.0) and not hours.wanted(NOON + 3600 - 70, 60.0)
    assert not Hours(None, ZoneInfo("UTC")).wanted(NOON + 3600, 60.0)


def test_hours_say_how_long_nothing_of_theirs_changes():
    hours = Hours("13-20 Mon-Fri", ZoneInfo("UTC"))

    assert hours.changes_in(NOON, 60.0) == 840.0, "a unit that starts for a minute is wanted a minute earlier"
    assert hours.changes_in(NOON + 890.0, 60.0) == 10.0
    assert Hours(None, ZoneInfo("UTC")).changes_in(NOON, 60.0) == math.inf
