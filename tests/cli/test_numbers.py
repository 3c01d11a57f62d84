"""Whatever number is given for an argument, it is taken, or refused in words; never a traceback."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

import pytest

from router.cli import main, whole_parser

NUMBERS = ("9" * 5000, "-" + "9" * 5000, "9" * 4000, "99999999999999999999", "nan", "inf", "-inf", "-1", "1e400", "1_0")
UNITS = ("", "d", "h")


def arguments(parser: argparse.ArgumentParser, command: tuple[str, ...] = ()) -> Iterator[tuple[str, argparse.Action]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield from arguments(sub, (*command, name))
        elif callable(action.type):
            yield " ".join((*command, action.dest)), action


ARGUMENTS = dict(arguments(whole_parser()))


@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_argument_takes_or_refuses_every_number(name: str) -> None:
    for number in NUMBERS:
        for unit in UNITS:
            try:
                taken = ARGUMENTS[name].type(number + unit)
            except (argparse.ArgumentTypeError, ValueError):  # what argparse itself turns into a sentence
                continue
            if isinstance(taken, int | float) and not ARGUMENTS[name].choices:
                assert abs(taken) < 1e19, len(number)


@pytest.mark.parametrize("when", ["9999999d", "99999999999999999999d", "9" * 5000 + "d", "9999-12-31", "3000-01-01"])
@pytest.mark.parametrize("command", [["edit", "app"], ["new", "app", "--store"]])
def test_a_key_that_would_outlive_everybody_is_refused(
    command: list[str], when: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["key", *command, "--expires", when])
    assert ended.value.code == 2
    assert re.search("at most 36500d|the last day is 2999-12-31", capsys.readouterr().err)
