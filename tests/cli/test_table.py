from __future__ import annotations

import pytest

from router.cli.table import table


def test_names_stand_to_the_left_and_numbers_to_the_right() -> None:
    lines = [("backend", "zone", "tokens"), ("gpu", "local", "12"), ("a-long-name", "eu", "1,234,567")]
    assert table(lines, names=2) == [
        "backend      zone      tokens",
        "gpu          local         12",
        "a-long-name  eu     1,234,567",
    ]


def test_nothing_hangs_over_at_the_end() -> None:
    assert table([("name", "note"), ("a", "")], names=2) == ["name  note", "a"]


def test_lines_of_different_lengths_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        table([("a", "b"), ("c",)], names=1)
