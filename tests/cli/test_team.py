from __future__ import annotations

import pytest

from router.cli import main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["new", "search"], "--budget"),
        (["new", "two words", "--budget", "usd_per_day=1"], "a name has 1 to 128 characters"),
        (["edit", "search", "--budget", "200"], "a limit is LIMIT=N"),
        (["remove"], "NAME"),
    ],
)
def test_a_wrong_argument_is_explained(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["team", *arguments])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_a_budget_that_contradicts_itself_is_said_before_a_ledger_is_looked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["team", "new", "t", "--budget", "usd_per_day=1", "--budget", "usd_per_day=2"]) == 2
    assert "usd_per_day is given twice" in capsys.readouterr().err
