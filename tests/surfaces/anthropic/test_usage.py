from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from router.core.values import Usage
from router.surfaces.anthropic.usage import Report, later, usage_of


def used(**report: Any) -> Usage | None:
    return usage_of(json.dumps({"usage": report}).encode())


@pytest.mark.parametrize(
    ("report", "usage"),
    [
        ({"input_tokens": 10, "output_tokens": 3}, Usage(10, output=3)),
        (
            {"input_tokens": 10, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 30, "output_tokens": 3},
            Usage(130, 90, 30, 3),
        ),
        (
            {
                "input_tokens": 0,
                "cache_creation_input_tokens": 30,
                "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
                "output_tokens": 0,
            },
            Usage(30, 0, 30, 0, cache_write_1h=20),
        ),
        ({"input_tokens": 1, "output_tokens": 1, "service_tier": "priority"}, Usage(1, output=1, service="priority")),
        ({"input_tokens": 1, "output_tokens": 1, "service_tier": "standard"}, Usage(1, output=1, service="standard")),
        (
            {"input_tokens": 1, "output_tokens": 1, "service_tier": "standard", "speed": "fast"},
            Usage(1, output=1, service="fast"),
        ),
        ({"input_tokens": 1, "output_tokens": 1, "inference_geo": "us"}, Usage(1, output=1, service="geo-us")),
        ({"input_tokens": 1, "output_tokens": 1, "inference_geo": "global"}, Usage(1, output=1)),
        (
            {"input_tokens": 9, "output_tokens": 1, "server_tool_use": {"web_search_requests": 2}},
            Usage(9, output=1, estimated=True),
        ),
        ({"input_tokens": 9, "output_tokens": 1, "server_tool_use": {"web_search_requests": 0}}, Usage(9, output=1)),
        ({"input_tokens": 0, "output_tokens": 0}, None),
        ({"input_tokens": -1, "output_tokens": 5}, None),
        ({"input_tokens": 10**12, "output_tokens": 5}, None),
        ({"input_tokens": 9, "output_tokens": 1, "service_tier": 5, "server_tool_use": "odd"}, Usage(9, output=1)),
        ({"input_tokens": "many"}, None),
    ],
)
def test_a_report(report: dict[str, Any], usage: Usage | None) -> None:
    assert used(**report) == usage


def test_what_took_place_behind_an_answer_is_not_in_its_totals() -> None:
    whole = {"input_tokens": 10, "output_tokens": 3}
    message = {"type": "message", "input_tokens": 10, "output_tokens": 3}
    compaction = {"type": "compaction", "input_tokens": 100, "cache_read_input_tokens": 50, "output_tokens": 20}
    advisor = {"type": "advisor_message", "input_tokens": 7, "output_tokens": 5}
    nothing = {"type": "compaction", "input_tokens": 0, "output_tokens": 0}
    assert used(**whole, iterations=[message]) == Usage(10, output=3)
    assert used(**whole, iterations=[message, compaction, nothing]) == Usage(160, 50, output=23)
    assert used(**whole, iterations=[message, advisor]) == Usage(17, output=8, estimated=True)
    assert used(iterations=[compaction]) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"usage":null}', b'{"usage":5}', b"<html>"])
def test_what_reports_nothing(body: bytes) -> None:
    assert usage_of(body) is None


def test_a_later_report_completes_an_earlier_one() -> None:
    start = msgspec.convert({"input_tokens": 100, "output_tokens": 1, "service_tier": "batch"}, Report)
    assert later(start, None) is start
    whole = later(Report(output_tokens=40), start)
    assert whole.usage() == Usage(100, output=40, service="batch")
    moved = later(Report(input_tokens=20, cache_read_input_tokens=80, output_tokens=40), start)
    assert moved.usage() == Usage(100, 80, output=40, service="batch")
