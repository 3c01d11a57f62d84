"""Changes of a body, in one piece or in pieces of the original."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.surfaces import edited
from router.surfaces.edited import LARGE, Edited, replaced, size_of

BODY = b"0123456789"


def whole(body: Edited) -> bytes:
    return b"".join(body) if isinstance(body, tuple) else body


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], BODY),
        ([((2, 4), b"model")], b"01model456789"),
        ([((0, 0), b"first")], b"first" + BODY),
        ([((8, 10), b""), ((2, 3), b"two")], b"01two34567"),
        ([((10, 10), b"last"), ((0, 10), b"")], b"last"),
    ],
)
@pytest.mark.parametrize("large", [5, LARGE])
def test_places_are_replaced_wherever_they_stand(changes, expected, large, monkeypatch):
    monkeypatch.setattr(edited, "LARGE", large)
    body = replaced(BODY, changes)
    assert whole(body) == expected and size_of(body) == len(expected)
    assert isinstance(body, bytes) == (large == LARGE or not changes)
    assert not isinstance(body, tuple) or all(map(len, body))  # TLS may not take an empty one


@given(st.binary(min_size=1), st.data())
def test_it_is_the_same_in_pieces(body, data):
    ends = sorted(data.draw(st.lists(st.integers(0, len(body)), min_size=2, max_size=6, unique=True)))
    changes = [(span, data.draw(st.binary())) for span in zip(ends[::2], ends[1::2], strict=False)]
    large = b"." * LARGE
    after = [((start + len(large), end + len(large)), value) for (start, end), value in changes]
    assert whole(replaced(large + body, after)) == large + whole(replaced(body, changes))


def test_nothing_of_a_large_body_is_copied():
    body = b"." * (LARGE + 1)
    pieces = replaced(body, [((5, 6), b"model")])
    assert [piece.obj is body for piece in pieces if isinstance(piece, memoryview)] == [True, True]
    assert replaced(body, []) is body
