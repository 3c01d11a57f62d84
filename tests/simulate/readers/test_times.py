from __future__ import annotations

import pytest

from router.simulate.readers.malformed import Wrong
from router.simulate.readers.times import seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-11-16 18:15:46.6805900", 1700158546.68059),
        ("2023-11-16T18:15:46Z", 1700158546.0),
        ("2023-11-16T19:15:46+01:00", 1700158546.0),
        ("1700158546.5", 1700158546.5),
        (1700158546.5, 1700158546.5),
        (0, 0.0),
        (" 3 ", 3.0),
    ],
)
def test_times_are_iso_8601_or_seconds(text: object, expected: float) -> None:
    assert seconds(text, "at") == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2023-13-01", -1, "-1", 1e12, "nan", float("nan"), None, "1.2.3"])
def test_anything_else_is_no_time(text: object) -> None:
    with pytest.raises(Wrong, match="is not a time such as 2026-05-20"):
        seconds(text, "at")
