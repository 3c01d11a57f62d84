"""Commands as bytes."""

from __future__ import annotations

from typing import Any, cast

import hiredis


def pack(*words: str | int | bytes) -> bytes:
    """One command in Redis's protocol. (hiredis's own annotation allows only tuples of one.)"""
    return cast(bytes, hiredis.pack_command(cast(Any, words)))
