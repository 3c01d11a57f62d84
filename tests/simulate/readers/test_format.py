from __future__ import annotations

import pytest
from msgspec import Struct, field

from router.simulate.readers.format import Format, Measure, Texts, Tokens, described
from router.simulate.readers.malformed import Wrong
from router.simulate.requests import RecordedRequest


class _Line(Struct):
    at: Measure
    tokens: Tokens = field(name="Request tokens")
    tokens_in_cache: Tokens | None = field(name="Request tokens (cached)", default=None)
    names: Texts = ()


FORM = Format("x", "an example", _Line, lambda line, number: RecordedRequest(line.at, input=line.tokens))


def test_a_format_is_known_by_what_it_needs() -> None:
    assert FORM.known_by == ("at", "Request tokens")
    assert FORM.lists() == {"names"}


def test_text_stands_for_numbers() -> None:
    request = FORM.read({"at": "1.5", "Request tokens": "7", "other": "ignored"}, 2)
    assert request is not None and (request.at, request.input) == (1.5, 7)


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ({"at": 1}, "Request tokens"),
        ({"at": 1, "Request tokens": -1}, "Request tokens"),
        ({"at": 1, "Request tokens": 1, "Request tokens (cached)": "x"}, "Request tokens (cached)"),
        ({"at": 1, "Request tokens": 1, "names": ["a", 2]}, "names"),
    ],
)
def test_the_column_that_is_wrong_is_named(values: dict[str, object], column: str) -> None:
    with pytest.raises(Wrong) as raised:
        FORM.read(values, 2)
    assert raised.value.column == column


def test_what_would_be_right_is_in_words() -> None:
    assert described(Tokens | None) == described(Tokens) == "a number of tokens up to 100 million, such as 512"
    assert described(int) == ""
