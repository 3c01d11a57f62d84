"""What detectors remember of the bodies that one process has read."""

from __future__ import annotations

from secrets import token_bytes

from router.core.sensitivity.memory import BoundedMemory

MOST = 8192
"""Parts: about two megabytes."""


def new_memory() -> BoundedMemory:
    """An empty one, with a key of its own, for one set of detectors: an edit of the policy begins anew."""
    return BoundedMemory(token_bytes(32), MOST)
