"""What a replica says of itself when it is probed."""

from __future__ import annotations

from msgspec import Struct


class ReplicaLoad(Struct, frozen=True):
    """What a replica last said of itself. `kv_cache` is a share, 0 to 1; `inflight` was ours at that time."""

    running: int = 0
    waiting: int = 0
    kv_cache: float = 0.0
    inflight: int = 0
