"""GET /v1/models and /v1/models/{id}, for clients that send Anthropic's headers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

PATH = "/models"
CREATED = "1970-01-01T00:00:00Z"
"""What the shape has for a time that is not known."""


def listing(names: Iterable[str]) -> bytes:
    """All on one page."""
    ids = list(names)
    page = {"has_more": False, "first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
    return msgspec.json.encode({"data": [_entry(name) for name in ids], **page})


def single(name: str) -> bytes:
    return msgspec.json.encode(_entry(name))


def _entry(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": CREATED, "lifecycle": "active"}
