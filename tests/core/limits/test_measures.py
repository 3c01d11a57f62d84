from __future__ import annotations

from types import SimpleNamespace
from typing import get_args

from router.core.limits import measures
from router.core.limits.measures import BY_NAME, MEASURES, NUMBERS, SETTINGS, MeasureName, counted_in
from router.core.policy import Amounts, Budget
from router.core.values import Row


def test_the_numbers_are_those_of_holds_that_are_kept() -> None:
    assert tuple(NUMBERS)[:4] == ("usd", "tokens", "requests", "concurrent")
    assert tuple(NUMBERS.values()) == tuple(range(1, len(MEASURES) + 1))


def test_names_are_those_of_the_api() -> None:
    assert tuple(BY_NAME) == get_args(MeasureName)


def test_a_policy_has_every_setting_with_its_meaning() -> None:
    fields = {name: field.description for name, field in Amounts.model_fields.items()}
    assert fields == {setting.name: setting.meaning for measure in MEASURES for setting in measure.settings}
    for measure in MEASURES:
        for setting in measure.settings:
            assert getattr(Budget.model_validate({setting.name: setting.example}), setting.name) == setting.example
            assert SETTINGS[measure.name, setting.period] == setting.name


def test_what_runs_at_the_same_time_is_never_used() -> None:
    assert [measure.name for measure in MEASURES if measure.standing] == ["concurrent"]
    assert all(not measure.totals for measure in MEASURES if measure.standing)


def test_totals_have_the_columns() -> None:
    assert {column for measure in MEASURES for column in measure.totals} <= set(Row.__struct_fields__)


def test_what_is_counted_is_read_from_the_request(monkeypatch) -> None:
    assert [bool(measure.counted) for measure in MEASURES] == [measure.basis == "counted" for measure in MEASURES]
    monkeypatch.setattr(measures, "COUNTED", ("images",))
    assert counted_in(SimpleNamespace(images=3)) == (3,)
