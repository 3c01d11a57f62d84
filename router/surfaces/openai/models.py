"""GET /v1/models and /v1/models/{id}."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

PATH = "/models"
OWNER = "breakeven"
CREATED = 1_700_000_000
"""The shape needs a time; models of a policy have none that would mean anything."""


def listing(names: Iterable[str]) -> bytes:
    return msgspec.json.encode({"object": "list", "data": [_entry(name) for name in names]})


def single(name: str) -> bytes:
    return msgspec.json.encode(_entry(name))


def _entry(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": OWNER}
