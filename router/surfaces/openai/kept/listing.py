"""Lists of objects, of which each team sees its own.

A page is {"object": "list", "data": [{"id": ...}], "first_id", "last_id", "has_more"}; the next one begins `after` the
last id of this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from router.surfaces.long_json import MOST_ITEMS as FEW_ITEMS
from router.surfaces.long_json import first_items, is_crowded
from router.surfaces.openai.stored_objects import known_id

MOST_ITEMS = 10_000
"""Of a page; what is behind them is asked for as the next page."""
_MOST_COMMAS = 200_000
"""Of a page with more the first few hundred items are looked at."""


class Page(Struct, gc=False):
    data: msgspec.Raw
    has_more: bool = False


class _Item(Struct, gc=False):
    id: str = ""


_LIST = {"object": "list", "first_id": None, "last_id": None}
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_page = msgspec.json.Decoder(Page).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_item = msgspec.json.Decoder(_Item).decode


def page_in(body: bytes) -> tuple[list[tuple[str, bytes]], bool] | None:
    """The items of a page, as they came, with their ids; and whether more follow. None for what is no page."""
    if is_crowded(body):
        return None
    try:
        page = _decode_page(body)
        most, data = _first(page.data, full=body.count(b",") > _MOST_COMMAS)
        items = [(known_id(_decode_item(item).id), bytes(item)) for item in data[:most]]
        return items, page.has_more or len(data) > most
    except (ValueError, RecursionError):
        return None


def _first(data: msgspec.Raw, *, full: bool) -> tuple[int, list[msgspec.Raw]]:
    """How many items are looked at, and these, with one more where there are more."""
    return (FEW_ITEMS, first_items(data, msgspec.Raw)) if full else (MOST_ITEMS, _decode_items(data))


def page_of(last: bytes, items: Sequence[tuple[str, bytes]], *, more: bool) -> bytes:
    """A page of these, with all else as in the last one that came, unless that is full of it."""
    full = last.count(b",") > _MOST_COMMAS
    members: dict[str, Any] = dict(_LIST) if full else dict(_decode_members(last))
    members["data"] = [msgspec.Raw(item) for _, item in items]
    if "first_id" in members:
        members["first_id"] = items[0][0] if items else None
    if "last_id" in members:
        members["last_id"] = items[-1][0] if items else None
    members["has_more"] = more
    return msgspec.json.encode(members)
