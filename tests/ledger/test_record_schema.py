from datetime import UTC, datetime

import pytest

from router.ledger.record_schema import COUNTS, HIDDEN, MICROSECONDS, MONEY, TIME, TOKENS, counts_of, requests_of


def shown(unit, value) -> dict:
    return {form.name.format("x"): form.of(value) for form in unit.columns}


def test_units_say_how_a_value_is_shown():
    assert shown(MONEY, 1_500_000) == {"x_micro_usd": 1500, "x_usd": 0.0015}
    assert shown(MICROSECONDS, 1500) == {"x_us": 1500}
    assert shown(TOKENS, 7) == {"x_tokens": 7}
    assert shown(TIME, 0.25) == {"x": datetime(1970, 1, 1, 0, 0, 0, 250_000, UTC)}
    assert shown(HIDDEN, 1) == {} and HIDDEN.api is None


def test_the_api_has_money_in_micro_usd_and_times_in_milliseconds():
    assert (MONEY.api.name, MONEY.api.of(1_500_000)) == ("{}_micro_usd", 1500)
    assert (MICROSECONDS.api.name, MICROSECONDS.api.of(1500)) == ("{}_ms", 1.5)


@pytest.mark.parametrize("kind", [*COUNTS, "a kind of tomorrow"])
def test_a_record_counts_as_its_kind_does(kind):
    assert counts_of(kind) == COUNTS.get(kind, 0)
    assert requests_of(kind) == (0 if kind == "attempt" else counts_of(kind))
