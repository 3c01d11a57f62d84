from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.answer import is_answer, is_event_stream


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices":[]}',
        b'{"id":"c","choices":[{"index":0,"message":{"content":"hi"}}],"usage":null,"error":null}',
        b' {"object":"list", "data" : [ {"embedding":[0.1]} ] }\n',
    ],
)
def test_answers(body: bytes) -> None:
    assert is_answer(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"null",
        b"[]",
        b"{}",
        b'{"error":{"message":"no"}}',
        b'{"error":{"message":"no"},"choices":[]}',
        b'{"error":"no","choices":[]}',
        b'{"choices":null}',
        b'{"choices":{}}',
        b'{"choices":[{"index":0,"message":{"con',
        b'{"choices":[]}{"choices":[]}',
        b"<html><body>Bad gateway</body></html>",
        b'{"choices":' + b"[" * 100_000,
    ],
)
def test_what_is_no_answer(body: bytes) -> None:
    assert not is_answer(body)


@given(st.binary())
def test_nothing_raises(body: bytes) -> None:
    is_answer(body)
    is_event_stream(body)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"text/event-stream", True),
        (b"Text/Event-Stream; charset=utf-8", True),
        (b" text/event-stream ;charset=utf-8", True),
        (b"text/event-streams", False),
        (b"application/json; a=text/event-stream", False),
        (b"", False),
    ],
)
def test_content_types_are_compared_as_the_standard_says(value: bytes, expected: bool) -> None:
    assert is_event_stream(value) is expected
