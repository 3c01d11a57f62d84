"""Lists of objects, of which each team sees its own.

A page is {"object": "list", "data": [{"id": ...}], "first_id", "last_id", "has_more"}; the next one begins `after` the
last id of this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from router.surfaces.long_json import is_crowded


class Page(Struct, gc=False):
    data: list[msgspec.Raw]
    has_more: bool = False


class _Item(Struct, gc=False):
    id: str = ""


_decode_page = msgspec.json.Decoder(Page).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_item = msgspec.json.Decoder(_Item).decode


def page_in(body: bytes) -> tuple[list[tuple[str, bytes]], bool] | None:
    """The items of a page, as they came, with their ids; and whether more follow. None for what is no page."""
    if is_crowded(body):
        return None
    try:
        page = _decode_page(body)
        return [(_decode_item(item).id, bytes(item)) for item in page.data], page.has_more
    except (ValueError, RecursionError):
        return None


def page_of(last: bytes, items: Sequence[tuple[str, bytes]], *, more: bool) -> bytes:
    """A page of these, with all else as in the last one that came."""
    members: dict[str, Any] = dict(_decode_members(last))
    members["data"] = [msgspec.Raw(item) for _, item in items]
    if "first_id" in members:
        members["first_id"] = items[0][0] if items else None
    if "last_id" in members:
        members["last_id"] = items[-1][0] if items else None
    members["has_more"] = more
    return msgspec.json.encode(members)
