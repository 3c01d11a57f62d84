from __future__ import annotations

import pytest

from router.simulate.readers.malformed import Malformed, Wrong, shown


@pytest.mark.parametrize(
    ("line", "column", "says"),
    [
        (3, "input", "trace.csv:3: column input: 'x' is not a number"),
        (3, "", "trace.csv:3: 'x' is not a number"),
        (0, "", "trace.csv: 'x' is not a number"),
    ],
)
def test_it_says_where(line: int, column: str, says: str) -> None:
    assert str(Malformed("trace.csv", line, str(Wrong(column, "x", "a number")), column)) == says


def test_only_the_beginning_of_what_was_found_is_shown() -> None:
    assert (shown(""), shown(None), shown("a\n")) == ("nothing", "nothing", r"'a\n'")
    assert len(shown("x" * 1000)) < 100
