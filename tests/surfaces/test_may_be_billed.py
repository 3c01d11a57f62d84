"""What the adapter says of calls that failed."""

import pytest

from router.surfaces.may_be_billed import HEADER, UNREAD, MayBeBilled, is_unread, told_in


@pytest.mark.parametrize("told", MayBeBilled)
def test_what_is_told_is_read(told: MayBeBilled) -> None:
    assert told_in([(b"content-type", b"application/json"), (HEADER.encode(), told.encode())]) is told


@pytest.mark.parametrize("value", [b"much", b"ALL", b"\xff", None])
def test_what_is_not_known_is_nothing(value: bytes | None) -> None:
    assert told_in([] if value is None else [(HEADER.encode(), value)]) is MayBeBilled.NOTHING


@pytest.mark.parametrize(
    ("payload", "unread"),
    [
        (b'{"error": {"message": "no", "code": "%b"}}' % UNREAD.encode(), True),
        (b'{"error": {"message": "no", "code": "connection_error"}}', False),
        (b'{"choices": []}', False),
        (b"[DONE]", False),
    ],
)
def test_an_error_says_whether_something_could_not_be_read(payload: bytes, unread: bool) -> None:
    assert is_unread(payload) is unread
