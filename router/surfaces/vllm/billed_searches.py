"""What a reranker's answer says that it is paid for, in the shape that Cohere documents."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from router.surfaces.openai.usage import ABSURD, Count


class _Billed(Struct, gc=False):
    search_units: Count = None


class _Meta(Struct, gc=False):
    billed_units: _Billed | None = None


class _Answer(Struct, gc=False):
    meta: _Meta | None = None


_decode = msgspec.json.Decoder(_Answer).decode


def billed_searches(body: bytes) -> int:
    """0 where the answer does not tell, or tells what cannot be."""
    try:
        meta = _decode(body).meta
    except (ValueError, RecursionError):
        return 0
    billed = None if meta is None or meta.billed_units is None else meta.billed_units.search_units
    return -int(-billed // 1) if billed is not None and 0 < billed <= ABSURD else 0
