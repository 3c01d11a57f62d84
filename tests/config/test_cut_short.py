from __future__ import annotations

import pytest

from router.config.cut_short import is_cut_short, may_go_on

IN_FORCE = b"# one\nversion: 1\nzones: {}\n# the last line\n"


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (b"# two\nversion: 1\nzones: {}\n# the la", True),
        (b"# two\nversion: 1\nzones: {}\n# another, from a longer text than befo", True),
        (b"", True),
        (b"# two\nversion: 1\n", False),
    ],
)
def test_what_ends_within_a_line_is_cut_short(text: bytes, cut: bool) -> None:
    assert is_cut_short(text, IN_FORCE) is cut
    assert not is_cut_short(text, b"")


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (b"# two\nversion: 1\nzones: {}\n# the last line", False),
        (b"# two\nversion: 1\nzones: {}\n# a new last line", False),
        (b"# two\nversion: 1\nzones: {}\n# the la", True),
        (b"# two\nversion: 1\nzones: {}", True),
    ],
)
def test_a_policy_that_never_had_a_line_end_after_its_last_line_may_stay_without(text: bytes, cut: bool) -> None:
    assert is_cut_short(text, IN_FORCE.rstrip()) is cut


@pytest.mark.parametrize(
    ("text", "goes_on"),
    [
        (b"# two\nversion: 1\n", True),
        (b"# two\nversion: 1\n\n", True),
        (b"", True),
        (b"# two\nversion: 1\n...\n", False),
        (b"version: 1\nzones: {}\n# the last line\n", False),
        (b"# two\nversion: 1\nzones: {}\n# another\n", False),
        (IN_FORCE + b"# more\nversion: 1\n", False),
    ],
)
def test_what_ends_where_the_policy_in_force_goes_on_may_go_on(text: bytes, goes_on: bool) -> None:
    assert may_go_on(text, IN_FORCE) is goes_on
    assert not may_go_on(text, b"")
