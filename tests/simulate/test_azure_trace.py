from __future__ import annotations

import pytest
from support.simulating import MONDAY

from router.simulate.azure_trace import Malformed, read

HEAD = "TIMESTAMP,ContextTokens,GeneratedTokens"


def test_a_trace_has_a_time_and_two_numbers():
    first, second = read([HEAD, "2026-05-11 00:00:01.5000000,374,44", "", "2026-05-11 00:00:02+00:00,396,109"], "t.csv")

    assert (first.at, first.input, first.output, first.id) == (MONDAY + 1.5, 374, 44, "line 2")
    assert (second.at, second.model) == (MONDAY + 2, "")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "t.csv:1: no column TIMESTAMP, ContextTokens, GeneratedTokens; Azure's traces begin with"),
        (["TIMESTAMP,Context"], "t.csv:1: no column ContextTokens, GeneratedTokens"),
        ([HEAD, "2026-05-11,1"], "t.csv:2: 2 columns, and the first line has 3"),
        ([HEAD, "2026-05-11,1,2", "yesterday,1,2"], r"t.csv:3: column 1 \(TIMESTAMP\): 'yesterday' is no time such as"),
        ([HEAD, "2026-05-11,-1,2"], "t.csv:2: column 2: '-1' is no number of tokens, such as 512"),
        ([HEAD, "2026-05-11,1,999999999"], "t.csv:2: column 3"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(lines: list[str], told: str):
    with pytest.raises(Malformed, match=told):
        list(read(lines, "t.csv"))
