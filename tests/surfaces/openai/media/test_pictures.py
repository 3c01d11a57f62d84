from __future__ import annotations

import pytest

from router.core.units import Units
from router.surfaces.openai.media.pictures import MOST_PICTURE_TOKENS, pictures, tokens_of, units_of


@pytest.mark.parametrize(("n", "made"), [(None, 1), (0, 1), (3, 3), ("3", 3), ("many", 1)])
def test_there_is_one_at_least(n: object, made: int) -> None:
    assert pictures(n) == made


def test_what_they_may_take() -> None:
    assert tokens_of(2, "low", None) == 4000
    assert tokens_of(1, "high", "2") == MOST_PICTURE_TOKENS + 200
    assert tokens_of(1, ["low"], 0) == MOST_PICTURE_TOKENS


@pytest.mark.parametrize(
    ("quality", "size", "kind"),
    [("HD", "1024x1792", "hd 1024x1792"), (None, "512x512", " 512x512"), ("hd", None, "hd"), ("x" * 40, None, "")],
)
def test_their_kind_is_as_prices_name_it(quality: object, size: object, kind: str) -> None:
    assert units_of(2, 9, 1, quality, size) == Units(image_input=50_000, image_output=9, images=2, image_kind=kind)
