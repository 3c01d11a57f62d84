from __future__ import annotations

import argparse

import pytest

from router.cli.whole_numbers import whole_number


def test_within_its_bounds_it_is_a_number() -> None:
    convert = whole_number(1, 100, 20)
    assert [convert(text) for text in ("1", "20", "100")] == [1, 20, 100]


@pytest.mark.parametrize("text", ["0", "101", "-1", "1.5", "", "nan", "\u0661", "9" * 5000])
def test_anything_else_is_told_what_would_be_one(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="from 1 to 100, such as 20"):
        whole_number(1, 100, 20)(text)
