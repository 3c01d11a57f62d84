from __future__ import annotations

import pytest

from router.cli.limit_arguments import changed_budget, limit, limit_or_none, shown_limits


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("usd_per_month=200", ["usd_per_month"], 200),
        ("cloud.usd_per_day=0.5", ["cloud", "usd_per_day"], 0.5),
        ("models.gpt-4.1.usd_per_day=2", ["models", "gpt-4.1", "usd_per_day"], 2),
        ("models.gpt-4.1.cloud.usd_per_day=2", ["models", "gpt-4.1", "cloud", "usd_per_day"], 2),
        ("on_budget_exhausted=local_only", ["on_budget_exhausted"], "local_only"),
    ],
)
def test_a_limit_names_a_setting_of_the_budget(text: str, path: list[str], value: object) -> None:
    assert limit(text) == (path, value)


BUDGET = {"usd_per_day": 5, "cloud": {"usd_per_day": 2}, "models": {"chat": {"cloud": {"tokens_per_day": 9}}}}


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        ([], BUDGET),
        (["usd_per_day=6"], {**BUDGET, "usd_per_day": 6}),
        (["cloud.usd_per_month=7"], {**BUDGET, "cloud": {"usd_per_day": 2, "usd_per_month": 7}}),
        (["cloud.usd_per_day=none"], {name: BUDGET[name] for name in ("usd_per_day", "models")}),
        (["models.chat.cloud.tokens_per_day=none"], {name: BUDGET[name] for name in ("usd_per_day", "cloud")}),
    ],
)
def test_what_is_not_named_stays_and_none_takes_a_limit_out(given: list[str], changed: dict) -> None:
    assert changed_budget(BUDGET, map(limit_or_none, given)) == changed
    assert BUDGET["cloud"] == {"usd_per_day": 2}  # what was there is not touched


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["usd_per_day=1", "usd_per_day=2"], "usd_per_day is given twice"),
        (["usd_per_day.cloud=1"], "usd_per_day cannot have both"),
        (["cloud=1"], "cloud cannot have both"),
        (["usd_per_month=none"], r"no usd_per_month to take out \(there are: usd_per_day=5, cloud.usd_per_day=2"),
        (["usd_per_day.x=none"], "no usd_per_day.x to take out"),
    ],
)
def test_what_contradicts_the_budget_is_said(given: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        changed_budget(BUDGET, map(limit_or_none, given))


def test_limits_are_shown_as_they_are_given() -> None:
    shown = shown_limits(BUDGET)
    assert shown == ["usd_per_day=5", "cloud.usd_per_day=2", "models.chat.cloud.tokens_per_day=9"]
    assert changed_budget({}, map(limit, shown)) == BUDGET
