"""Ask a backend which models it has: GET /models beside its endpoints.

OpenAI's, Anthropic's and vLLM's servers tell that in one shape. Nobody charges for that.
"""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import Struct

from router.core.resilience.retry import Fault
from router.upstream.errors import UpstreamError
from router.upstream.fetch import fetch
from router.upstream.pool import Pool
from router.upstream.target import Target

PATH = "/models"
CONNECT_SECONDS = 5.0


class _Entry(Struct):
    id: str


class _Listing(Struct):
    data: list[_Entry]
    has_more: bool = False


_decode = msgspec.json.Decoder(_Listing).decode


async def listed_at(target: Target, timeout: float) -> frozenset[str]:
    """Names of all its models, within `timeout` seconds. Raises UpstreamError, for an incomplete list too."""
    pool = Pool(target, CONNECT_SECONDS, asyncio.get_running_loop())
    try:
        status, body = await fetch(pool, f"{PATH}?limit=1000", timeout, at_root=False)
    finally:
        pool.close()
    if status != 200:
        raise UpstreamError(Fault.BAD_RESPONSE, f"{PATH} answered {status}")
    try:
        listing = _decode(body)
    except (msgspec.MsgspecError, RecursionError):
        raise UpstreamError(Fault.BAD_RESPONSE, f"{PATH} gave no list of models") from None
    if listing.has_more:
        raise UpstreamError(Fault.BAD_RESPONSE, f"{PATH} gave a part of its list")
    return frozenset([each.id for each in listing.data])
