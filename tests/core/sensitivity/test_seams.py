"""Texts between which a number goes on, whatever stands between them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.core.sensitivity.seams import seams_of

BEGINS, GOES_ON = "a 4111 1111 ", "1111 1111 b"


def seams(value: Any) -> Any:
    found = seams_of(json.dumps(value).encode())
    return json.loads(found) if found else []


@pytest.mark.parametrize(
    "value",
    [
        [BEGINS, GOES_ON],
        [BEGINS, *["", None, " \n", {}, [], "\u200b"] * 50, GOES_ON],
        [{"text": BEGINS, "cache_control": {"ttl": "1h"}}, {"cache_control": {"ttl": "1h"}, "text": GOES_ON}],
        [{"content": BEGINS}, {"tool_call_id": "8bbe3bKf2", "createdAt": "2026-12-01", "content": GOES_ON}],
        [{"content": BEGINS}, {"thinking": "", "signature": "9" * 5000}, {"content": GOES_ON}],
        {"input": [{"output": BEGINS}, {"arguments": "{}"}, {"output": GOES_ON}]},
        json.dumps([{"text": BEGINS}, {"text": GOES_ON}]),
        [json.dumps(json.dumps({"text": BEGINS})), GOES_ON],
    ],
)
def test_a_number_goes_on_in_the_next_text(value: Any) -> None:
    assert seams(value) == [BEGINS, GOES_ON]


@pytest.mark.parametrize(
    "value",
    [
        *("4111", None, 4111, ["4111"], [4111, 1111], {"id": "4111", "name": "1111"}),
        [BEGINS, "and", GOES_ON],
        {"text": BEGINS, "name": GOES_ON},
        ["{not JSON, 4111}", "1111"],
        ["[" * 5000 + "]", "1111"],
    ],
)
def test_others_do_not(value: Any) -> None:
    assert seams(value) == []


def test_numbers_that_go_on_elsewhere_are_not_joined_with_these() -> None:
    assert seams(["4111", "1111", "and", "222", "333"]) == ["4111", "1111", "x", "222", "333"]
    assert seams(["41", "11", "11", "x", "5"]) == ["41", "11", "11"]


def test_of_long_texts_the_ends_are_left() -> None:
    [first, second] = seams(["far away, " * 99 + "4111", "1111, " + "far away, " * 99])

    assert first.endswith("far away, 4111") and second.startswith("1111, far away") and len(first + second) < 600


def test_signs_separate_groups_of_a_number() -> None:
    assert seams(["4111", "-", "1111"]) == ["4111", "-", "1111"]
    assert len(seams(["4111", *["-"] * 99, "1111"])) == 18


def test_digits_of_other_scripts_are_digits() -> None:
    assert len(seams(["\uff14\uff11", "\uff11\uff11"])) == 2


def test_what_only_lenient_parsers_read_is_read() -> None:
    assert json.loads(seams_of(b'["\\ud800 41", "11"]'))[1] == "11"
    assert seams_of(b'["41", "11"') == b""
