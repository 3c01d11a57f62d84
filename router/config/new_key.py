"""A new client key: its secret, what is kept of that, and its entry."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

_RANDOM_BYTES = 32


def new_key() -> str:
    """`bk-` and 43 random characters (256 bits) that need no escaping in URLs."""
    return f"bk-{secrets.token_urlsafe(_RANDOM_BYTES)}"


def sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def rights_of(
    models: Sequence[str] | None,
    zones: Sequence[str] | None,
    sensitivity: str | None,
    tags: Sequence[str] | None,
    budget: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What a key may, as under `keys` in a policy. None stands for what is not narrowed; an empty list of models or
    zones is kept, because it lets nothing through."""
    narrowed = {"models": models, "zones": zones, "sensitivity": sensitivity}
    added = {"tags": tags, "budget": budget}
    return {
        **{field: value for field, value in narrowed.items() if value is not None},
        **{field: value for field, value in added.items() if value},
    }
