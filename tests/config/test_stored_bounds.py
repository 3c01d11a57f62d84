"""What is kept outside of the policy names no more than every worker can look through."""

from __future__ import annotations

import pytest

from router.config.stored_bounds import MOST_CHARACTERS, MOST_NAMES, check_bounds
from router.config.stored_keys import check_entry

MANY = [f"m{number}" for number in range(MOST_NAMES + 1)]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"models": MANY}, "models: at most 1000 are named at once, not 1001"),
        ({"budget": {"models": {name: {} for name in MANY}}}, "budget: at most 1000"),
        ({"budget": {"models": {"m" * 501: {}}}}, "budget: a text has at most 500 characters"),
        (
            {"budget": {"models": {name: dict.fromkeys(MANY[:20], 1) for name in MANY[1:]}}},
            "at most 10000 names and settings",
        ),
        ({"sensitivity": "x" * (MOST_CHARACTERS + 1)}, "sensitivity: a text has at most 500 characters"),
    ],
)
def test_too_much_is_refused_with_its_field(entry, said):
    with pytest.raises(ValueError, match=said):
        check_bounds(entry)
    with pytest.raises(ValueError, match=said):
        check_entry("0" * 64, {"name": "app", **entry})


def test_what_is_within_the_bounds_is_taken():
    check_bounds({"models": MANY[:-1], "tags": ("x" * MOST_CHARACTERS,), "budget": {"usd_per_day": 3}})
