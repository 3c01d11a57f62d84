from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.alike_names import alike


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("search", "Search"),
        ("search-app", "search_app"),
        ("search", "serch"),
        ("search", "searchh"),
        ("search", "saerch"),
        ("ML", "ml"),
        ("agents", "agent"),
    ],
)
def test_a_slip(first: str, second: str) -> None:
    assert alike(first, second) and alike(second, first)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("search", "search"),
        ("team-1", "team-2"),
        ("team-1", "team-11"),
        ("team-12", "team-21"),
        ("dev", "dave"),
        ("de", "dk"),
        ("search", "research"),
        ("alpha", "alphb"),
        ("sales-eu", "sales-us"),
        ("abcdef", "bacdfe"),
        ("abcdef", "cbadef"),
        ("search", "seabrh"),
    ],
)
def test_no_slip(first: str, second: str) -> None:
    assert not alike(first, second) and not alike(second, first)


@given(st.text(min_size=6, max_size=20, alphabet="abcdefg"), st.data())
def test_a_letter_that_is_left_out_is_one_wherever_it_stood(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 1))
    assert alike(name, name[:at] + name[at + 1 :])
