from __future__ import annotations

import pytest

from router.simulate.requests import RecordedRequest


def test_what_a_format_does_not_tell_says_nothing() -> None:
    request = RecordedRequest(at=1.0, input=10, output=5)

    assert (request.level, request.key, request.modalities) == ("", "", {"text"})
    assert (request.decided, request.states, request.limit) == (None, None, None)
    with pytest.raises(AttributeError):
        request.output = 6  # type: ignore[misc]
