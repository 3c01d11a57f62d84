"""Ask a backend which models it has: GET /models beside its endpoints.

OpenAI's, Anthropic's and vLLM's servers tell that in one shape. Nobody charges for that. Nothing of a list is made into
objects but names and lengths, and not of one that is longer than anybody's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from router.core.resilience.retry import Fault
from router.upstream.errors import UpstreamError
from router.upstream.fetch import fetch
from router.upstream.pool import Pool
from router.upstream.target import Target

PATH = "/models"
CONNECT_SECONDS = 5.0
MOST_MODELS = 10_000
LONGEST_NAME = 512
"""Characters."""
_MOST_BRACKETS = 200_000
"""Of a list: more are full of what is no model."""
_MOST_DIGITS = 12
_NOT_TOLD = msgspec.Raw(b"null")


class NoListing(Exception):
    """What came is no list of models, or not all of it."""


class _Entry(Struct, gc=False):
    id: str
    max_model_len: msgspec.Raw = _NOT_TOLD


class _Listing(Struct, gc=False):
    data: list[_Entry]
    has_more: bool | None = False


_decode = msgspec.json.Decoder(_Listing).decode


def models_in(body: bytes) -> Mapping[str, int | None]:
    """The names of all that is listed, with their context lengths where these are told. Raises NoListing."""
    if body.count(b"{") + body.count(b"[") > _MOST_BRACKETS:
        raise NoListing("gave no list of models")
    try:
        listing = _decode(body)
    except (ValueError, RecursionError):
        raise NoListing("gave no list of models") from None
    if listing.has_more:
        raise NoListing("gave a part of its list")
    if len(listing.data) > MOST_MODELS or any(len(each.id) > LONGEST_NAME for each in listing.data):
        raise NoListing("gave a list that is longer than anybody's")
    return {each.id: _length_in(bytes(each.max_model_len)) for each in listing.data}


def _length_in(told: bytes) -> int | None:
    return int(told) if told.isdigit() and len(told) <= _MOST_DIGITS else None


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
        return frozenset(models_in(body))
    except NoListing as error:
        raise UpstreamError(Fault.BAD_RESPONSE, f"{PATH} {error}") from None
