"""Searches that a reranker's answer is paid for."""

from __future__ import annotations

import pytest

from router.surfaces.vllm.billed_searches import billed_searches


@pytest.mark.parametrize(
    ("answer", "searches"),
    [
        (b'{"meta": {"billed_units": {"search_units": 2}}}', 2),
        (b'{"meta": {"billed_units": {"search_units": 1.2}}}', 2),
        (b'{"meta": {"billed_units": {"search_units": 0}}}', 0),
        (b'{"meta": {"billed_units": {"search_units": -3}}}', 0),
        (b'{"meta": {"billed_units": {"search_units": 1e300}}}', 0),
        (b'{"meta": {"billed_units": {}}}', 0),
        (b'{"meta": null}', 0),
        (b'{"meta": "none"}', 0),
        (b"not JSON", 0),
    ],
)
def test_what_is_told_and_can_be(answer: bytes, searches: int):
    assert billed_searches(answer) == searches
