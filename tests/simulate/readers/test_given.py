"""Any other file, by its columns."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.traces import SERVEGEN, written

from router.simulate.readers.given import BadColumns, columns_of
from router.simulate.readers.malformed import Malformed
from router.simulate.readers.registry import read


def test_any_other_is_read_by_the_columns_that_are_given(tmp_path: Path) -> None:
    columns = columns_of("at=when, input=in,output=out,model=m,limit=most,seconds=took")
    text = "when,in,out,m,most,took\n2026-05-20 09:00:00,5,6,chat,,1.5\n1779267601,7,8,,9,\n"
    one, other = read(written(tmp_path, text), columns)
    assert (one.at, one.input, one.output, one.model, one.limit, one.seconds) == (1779267600, 5, 6, "chat", None, 1.5)
    assert (other.at, other.model, other.limit, other.id) == (1779267601, "", 9, "line 3")
    as_json = '{"when": 3.5, "in": 5, "out": 6, "m": "chat", "most": 7, "took": 2}\n'
    [one] = read(written(tmp_path, as_json), columns)
    assert (one.at, one.limit, one.seconds, one.endpoint) == (3.5, 7, 2, "chat")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("at=a,input=b", "output is missing"),
        ("at=a,input=b,output=", "'output=' is no NAME=COLUMN; names are: at, input"),
        ("prompt=a", "no NAME=COLUMN"),
        ("", "no NAME=COLUMN"),
    ],
)
def test_columns_that_cannot_be_given(text: str, says: str) -> None:
    with pytest.raises(BadColumns, match=says):
        columns_of(text)


def test_a_column_that_is_given_and_not_there(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="there is no column when; there are: request_id, timestamp"):
        list(read(written(tmp_path, SERVEGEN), columns_of("at=when,input=input_tokens,output=output_tokens")))
