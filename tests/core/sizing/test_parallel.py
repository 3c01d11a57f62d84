from __future__ import annotations

import pytest
from msgspec.structs import replace

from router.core.sizing.parallel import degrees, hindrance
from router.core.sizing.quantization import BF16, MXFP4, QUANTIZATIONS
from router.core.sizing.shape import ModelShape

AWQ = QUANTIZATIONS["awq"]


@pytest.mark.parametrize("cards", [1, 2, 4, 8])
def test_what_can_be_divided(dense: ModelShape, cards: int) -> None:
    assert hindrance(dense, BF16, cards) == ""
    assert hindrance(dense, AWQ, cards) == ""


@pytest.mark.parametrize(
    ("change", "cards", "why"),
    [
        ({"heads": 9}, 2, "9 attention heads cannot be divided among 2 cards"),
        ({"heads": 12, "kv_heads": 3}, 2, "3 heads of keys and values cannot be divided among 2 cards"),
        ({"heads": 15, "kv_heads": 1, "vocabulary": 151_936}, 5, "a vocabulary of 151,936 cannot be divided among 5 c"),
        ({"intermediate": (4098,)}, 4, "a feed-forward width of 4,098 cannot be divided among 4 cards"),
    ],
)
def test_what_cannot(dense: ModelShape, change: dict[str, object], cards: int, why: str) -> None:
    assert hindrance(replace(dense, **change), BF16, cards).startswith(why)


def test_no_group_of_weights_lies_on_two_cards(dense: ModelShape) -> None:
    """As Qwen2.5-72B before it was widened: 29,568 is 231 groups of 128."""
    odd = replace(dense, intermediate=(29_568,))
    assert hindrance(odd, BF16, 2) == hindrance(odd, AWQ, 1) == hindrance(odd, MXFP4, 2) == ""
    assert hindrance(odd, AWQ, 2).endswith("leaves 14,784 each, which is no whole number of groups of 128")


def test_degrees_are_those_by_which_everything_can_be_divided(dense: ModelShape) -> None:
    assert degrees(dense, BF16) == (1, 2, 4, 8)
    assert degrees(replace(dense, heads=12, kv_heads=4), BF16) == (1, 2, 4)
