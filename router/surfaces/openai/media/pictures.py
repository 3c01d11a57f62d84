"""What endpoints have in common that make pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from router.core.units import Units
from router.surfaces.json_object import MOST_TOKENS, count
from router.surfaces.openai.read_request import MEDIA_BOUND

PAID_BY: Final = ("image", "images", "image_output")
"""Settings of a price."""
DEFAULT_MODEL: Final = "dall-e-2"
"""Of those that name none."""
TOKENS: Mapping[str, int] = {"low": 2_000, "medium": 6_000}
"""Of one picture at most, by its quality."""
MOST_PICTURE_TOKENS: Final = 16_000
_PARTIAL_TOKENS = 100
"""Of a picture that is shown before it is finished."""


def pictures(n: Any) -> int:
    return min(max(1, count(n)), MOST_TOKENS)


def tokens_of(n: int, quality: Any, partial: Any) -> int:
    """Of all pictures at most."""
    each = TOKENS.get(quality, MOST_PICTURE_TOKENS) if isinstance(quality, str) else MOST_PICTURE_TOKENS
    return min(n * (each + _PARTIAL_TOKENS * max(0, count(partial))), MOST_TOKENS)


def units_of(n: int, tokens: int, given: int, quality: Any, size: Any) -> Units:
    """At most; `given` pictures come with the request."""
    kind = f"{quality if isinstance(quality, str) else ''} {size if isinstance(size, str) else ''}".lower()
    return Units(
        image_input=given * MEDIA_BOUND,
        image_output=tokens,
        images=n,
        image_kind=kind.rstrip() if len(kind) <= _LONGEST_KIND else "",
    )


_LONGEST_KIND = 32
