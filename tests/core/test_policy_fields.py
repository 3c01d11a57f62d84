from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from router.core.policy_fields import Name, Numeric, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("2s", 2.0), ("1.5s", 1.5), ("15m", 900.0), ("1h", 3600.0)]
)
def test_durations_say_their_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_a_duration_that_was_parsed_already_is_taken() -> None:
    assert parse_duration(timedelta(seconds=3)) == 3.0


@pytest.mark.parametrize("value", ["2", "2 s", "s", "-1s", "1d", 2, None])
def test_anything_else_is_no_duration(value: Any) -> None:
    with pytest.raises(ValueError, match="number and a unit"):
        parse_duration(value)


@pytest.mark.parametrize("value", ["8785h", "9" * 400 + "s", "9" * 5000 + "ms"])
def test_a_duration_is_at_most_a_year(value: str) -> None:
    with pytest.raises(ValueError, match="at most 8784h"):
        parse_duration(value)
    assert parse_duration("8784h") == 8784 * 3600


@pytest.mark.parametrize("hidden", ["\u200b", "\u200d", "\u202e", "\u2066", "\ufeff", "\u00ad", "\u0085"])
def test_a_name_that_looks_like_another_is_none(hidden: str) -> None:
    with pytest.raises(ValidationError, match=f"not seen or turns text around, as U.{ord(hidden):04X} is|pattern"):
        TypeAdapter(Name).validate_python(f"le{hidden}gal")


@pytest.mark.parametrize("name", ["مفتاح", "ключ", "法務", "Übung", "🔑", "a.b/c-d_e"])
def test_names_are_of_any_script(name: str) -> None:
    assert TypeAdapter(Name).validate_python(name) == name


def test_a_choice_among_numbers_is_not_made_by_true_which_is_equal_to_one() -> None:
    chosen: TypeAdapter[int] = TypeAdapter(Annotated[Literal[1, 2], Numeric])
    assert chosen.validate_python(2) == 2
    with pytest.raises(ValidationError, match="must be a number, not true or false"):
        chosen.validate_python(True)
