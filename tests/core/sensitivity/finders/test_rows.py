import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.sensitivity.finders.rows import Shape, places


def test_places_are_where_the_ones_are() -> None:
    assert list(places(b"\0\1\0\0\1\1")) == [1, 4, 5]
    assert list(places(b"")) == []


@pytest.mark.parametrize("shape", [b"000-00", b"aa00", b"00000-00000", b"00--0"])
@given(data=st.text(st.sampled_from("00-a ")).map(str.encode))
def test_shapes_are_found_as_a_pattern_would(shape: bytes, data: bytes) -> None:
    expected = [match.start() for match in re.finditer(b"(?<!0)(?=" + shape + b")", data)]

    assert list(Shape(data).places(shape)) == expected


def test_a_block_may_be_asked_for_several_shapes() -> None:
    block = Shape(b"000-00-0000 aa00")

    assert list(block.places(b"000-00-0000")) == [0]
    assert list(block.places(b"000-00")) == [0]
    assert list(block.places(b"aa00")) == [12]
