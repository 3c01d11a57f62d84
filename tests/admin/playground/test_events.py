from __future__ import annotations

import pytest

from router.admin.playground.events import MOST_BYTES, Events

STREAM = b'event: x\r\ndata: {"a": 1}\r\n\r\ndata: {"b":\ndata: 2}\n\n: a comment\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize("size", [1, 7, len(STREAM)])
def test_events_are_the_same_however_they_come(size):
    events = Events()
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert [each for piece in pieces for each in events.feed(piece)] == [b'{"a": 1}', b'{"b": 2}']


def test_an_event_without_an_end_is_refused():
    with pytest.raises(ValueError, match="too long"):
        list(Events().feed(b"data: " + b"x" * MOST_BYTES))
