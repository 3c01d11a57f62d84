from __future__ import annotations

import pytest

from router.simulate.fail_if import BadLimit, Limit, NoFigure
from router.simulate.figures import FIGURES

HERE = {**dict.fromkeys(FIGURES, 0), "usd": 120.0, "refused": 3, "requests": 100, "usd_saved": None}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("usd > 100", True),
        ("usd > 100.5 and refused == 0", False),
        ("refused / requests > 0.01 or restricted_left > 0", True),
        ("not refused > 0", False),
        ("100 < usd <= 120", True),
        ("100 < usd < 120", False),
        ("usd - 2 * 10 >= 100", True),
        ("-usd < +0", True),
        ("usd != 120", False),
        ("(usd + refused) > 122.5", True),
    ],
)
def test_a_limit_compares_figures(text: str, holds: bool):
    assert Limit(text).holds(HERE) is holds


def test_what_a_limit_names_is_told_with_its_value():
    assert Limit("usd > 100 and usd < 2 * requests").said(HERE) == "usd is 120, requests is 100"


def test_what_is_not_known_is_told_with_what_there_is():
    with pytest.raises(BadLimit, match=r"there is no figure 'dollars'; there are: usd, usd_cloud"):
        Limit("dollars > 100")


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "usd.real",
        "usd > 'a'",
        "usd ** 9",
        "[usd]",
        "usd if refused else 0",
        "lambda: 1",
        "usd >",
        "",
        "usd in (1, 2)",
        "True",
        "(usd := 1)",
        "(" * 500 + "1" + ")" * 500,
        "usd" + " + 1" * 400,
        "usd ~ 1",
        "~refused",
    ],
)
def test_nothing_but_figures_and_numbers_is_a_limit(text: str):
    with pytest.raises(BadLimit):
        Limit(text)


def test_what_has_no_value_cannot_be_compared():
    with pytest.raises(NoFigure, match="usd_saved has no value here"):
        Limit("usd_saved < 0").holds(HERE)
    with pytest.raises(NoFigure, match="divides by zero"):
        Limit("usd / spilled > 1").holds(HERE)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "usd > 1 and 2",
            "'2' is a number, where a comparison belongs: write what it is compared with, such as '2 > 0'",
        ),
        ("refused", "'refused' is a number, where a comparison belongs: write what it is compared with"),
        ("not refused", "'refused' is a number, where a comparison belongs"),
        ("usd > (refused > 1)", "'refused > 1' is a comparison, where a number belongs: compare numbers alone"),
        ("1 + (usd > 1) > 0", "'usd > 1' is a comparison, where a number belongs"),
        ("-(usd > 1) < 0", "'usd > 1' is a comparison, where a number belongs"),
    ],
)
def test_comparisons_are_joined_and_numbers_compared(text: str, says: str):
    with pytest.raises(BadLimit) as told:
        Limit(text)
    assert str(told.value).startswith(says)
