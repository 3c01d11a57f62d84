from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.money import GREATEST_USD, NANO_PER_USD, in_usd, micro_usd, nano_of, usd_text


@pytest.mark.parametrize(("usd", "nano"), [(0.57, 570_000_000), (0.00000002, 20), (9e6, 9 * 10**15), (1.9e-9, 1)])
def test_usd_become_whole_nano_usd_as_they_are_written(usd: float, nano: int) -> None:
    assert nano_of(usd) == nano


def test_the_greatest_limit_is_exact_as_a_number_of_the_server() -> None:
    assert nano_of(GREATEST_USD) == GREATEST_USD * NANO_PER_USD < 2**53


@pytest.mark.parametrize(
    ("nano", "shown"), [(0, "0"), (250_000, "250"), (20, "0.02"), (1_234_567, "1234.567"), (-5, "-0.005")]
)
def test_micro_usd_have_three_decimals_at_most(nano: int, shown: str) -> None:
    assert str(micro_usd(nano)) == shown


@given(st.integers(-(10**15), 10**15))
def test_what_is_shown_is_exact(nano: int) -> None:
    assert Decimal(repr(micro_usd(nano))) * 1000 == nano
    assert Decimal(usd_text(nano).replace(",", "")) * NANO_PER_USD == nano
    assert round(Decimal(repr(in_usd(nano))) * NANO_PER_USD) == nano


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "0.000000"),
        (20, "0.00000002"),
        (1_234_500_000_000, "1,234.500000"),
        (-250_000, "-0.000250"),
        (1, "0.000000001"),
    ],
)
def test_dollars_have_six_decimals_or_as_many_as_are_needed(nano: int, text: str) -> None:
    assert usd_text(nano) == text


def test_a_difference_has_its_sign() -> None:
    assert [usd_text(nano, "+") for nano in (1_000_000, 0, -1_000_000)] == ["+0.001000", "+0.000000", "-0.001000"]
