import pytest

from router.core.cost.preference import BreakEven
from router.core.cost.worth import NO_GPU, NO_REFERENCE, dollars, sentence, tokens, worth

TERMS = BreakEven(
    fixed_usd_per_day=25.2,
    cloud_usd_per_million=0.6,
    local_usd_per_million=0.0,
    tokens_per_day=42_000_000,
    capacity_tokens_per_day=100_000_000,
    reachable=True,
)


def terms(**changed) -> BreakEven:
    return BreakEven(**{name: getattr(TERMS, name) for name in TERMS.__struct_fields__} | changed)


def test_both_sides_of_a_day():
    day = worth(terms(local_usd_per_million=0.1), 10_000_000)
    assert (day.gpu_usd_per_day, day.cloud_usd_per_day) == (pytest.approx(26.2), pytest.approx(6.0))
    assert day.gap == pytest.approx(20.2)
    assert day.load == pytest.approx(0.1)


def test_the_load_is_unknown_without_a_capacity():
    assert worth(terms(capacity_tokens_per_day=None), 1).load is None


@pytest.mark.parametrize(
    ("changed", "volume", "says"),
    [
        (
            {},
            7_000_000,
            "At a volume of 7 M tokens a day the GPU costs $21 a day more than the cloud would; "
            "it breaks even at 42 M tokens a day.",
        ),
        (
            {},
            52_000_000,
            "At a volume of 52 M tokens a day the GPU costs $6.00 a day less than the cloud would; "
            "it breaks even at 42 M tokens a day.",
        ),
        (
            {},
            42_000_000,
            "At a volume of 42 M tokens a day the GPU costs as much as the cloud would; "
            "it breaks even at 42 M tokens a day.",
        ),
        (
            {"capacity_tokens_per_day": 20_000_000, "reachable": False},
            0,
            "At a volume of 0 tokens a day the GPU costs $25 a day more than the cloud would; "
            "it breaks even at 42 M tokens a day, which is more than the 20 M that it can serve.",
        ),
        (
            {"tokens_per_day": None, "reachable": False, "local_usd_per_million": 0.7},
            1_000_000,
            "At a volume of 1 M tokens a day the GPU costs $25 a day more than the cloud would; "
            "it never breaks even, because a token costs no more in the cloud than on the GPU.",
        ),
        (
            {"capacity_tokens_per_day": None},
            0,
            "At a volume of 0 tokens a day the GPU costs $25 a day more than the cloud would; "
            "it breaks even at 42 M tokens a day.",
        ),
    ],
)
def test_one_plain_sentence(changed, volume, says):
    assert sentence(terms(**changed), volume) == says


def test_what_cannot_break_even():
    assert sentence(None, 5) == NO_REFERENCE
    assert sentence(terms(fixed_usd_per_day=0.0, tokens_per_day=0.0), 5) == NO_GPU


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (532, "532"),
        (999.9, "1 K"),
        (1234, "1.23 K"),
        (12_345, "12.3 K"),
        (123_456, "123 K"),
        (999_999, "1 M"),
        (1_200_000_000, "1.2 B"),
        (3e12, "3 T"),
        (100_000, "100 K"),
    ],
)
def test_tokens_in_three_digits(count, text):
    assert tokens(count) == text


def test_dollars():
    assert [dollars(usd) for usd in (0.345, 9.99, 10, 1234.4)] == ["$0.34", "$9.99", "$10", "$1,234"]
