"""Of what nobody reads whole, the usage is found where it stands near an end, and nothing else is taken for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.surfaces.far_usage import BEGINNING, END, reports_in

REPORT = {"prompt_tokens": 7, "completion_tokens_details": {"reasoning_tokens": [900, {"of": "}"}]}}
FULL = [1] * END


def found_in(value: Any, depth: int = 1) -> list[Any]:
    data = json.dumps(value).encode()
    return [json.loads(report) for report in reports_in(data, data, depth=depth)]


@pytest.mark.parametrize(
    "value",
    [
        {"id": "a", "usage": REPORT, "choices": FULL},
        {"choices": FULL, "usage": REPORT, "user": {"name": '"}]'}},
        {"choices": [{"usage": REPORT}], "items": FULL, "x": [{"y": {}}], "usage": REPORT, "more": [{}]},
    ],
    ids=["first", "last", "among others"],
)
def test_the_members_of_an_answer_are_found_at_either_end(value: Any) -> None:
    assert found_in(value) == [REPORT]
    assert found_in({"type": "a", "response": value}, depth=2) == [REPORT]


@pytest.mark.parametrize(
    "value",
    [
        {"choices": [*FULL, {"usage": REPORT}]},
        {"items": FULL, "tool": {"usage": REPORT}},
        {"tool": {"usage": REPORT}, "items": FULL},
        {"choices": FULL, "text": json.dumps({"usage": REPORT})},
        {"text": json.dumps({"usage": REPORT}), "choices": FULL},
        {"choices": FULL, "usage": None},
        {"choices": FULL, "usage": REPORT, "more": [*range(END)]},
        [FULL, {"usage": REPORT}],
    ],
)
def test_what_is_deeper_said_or_far_from_both_is_none(value: Any) -> None:
    assert found_in(value) == []


def test_one_that_is_cut_is_none() -> None:
    begin = b'{"usage":{"prompt_tokens":' + b" " * BEGINNING + b"1}"
    assert reports_in(begin, b"") == []
    assert reports_in(b"}}]", b'"usage":{"a":1') == []
    assert reports_in(b']"usage":{}', b"") == []


def test_of_very_many_a_few_are_looked_at() -> None:
    assert len(reports_in(b'{"usage":{},' * 100, b"")) == 1
    assert len(reports_in(b"", b',"usage":{}' * 100 + b"}")) == 8
