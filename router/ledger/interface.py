"""What the gateway needs of a ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol
from zoneinfo import ZoneInfo

from router.core.limits.counters import Admission, CounterSet, Hold
from router.core.values import Settlement
from router.ledger.client.volume import VolumeTracker


class Ledger(Protocol):
    """Implemented by `GroupCommitLedger`, where each operation is described, and in tests by one in memory."""

    available: bool
    why: str
    volume: VolumeTracker

    def next_id(self, at: float, lease: float) -> str: ...
    def reserve(self, hold: Hold) -> asyncio.Future[Admission]: ...
    def settle(self, settlement: Settlement) -> None: ...
    def release(self, id: str) -> None: ...
    def record(self, settlement: Settlement, counters: CounterSet) -> None: ...
    def attempt(self, settlement: Settlement, counters: CounterSet) -> None: ...
    def note(self, record: bytes) -> None: ...
    def retime(self, timezone: ZoneInfo, retain_days: int, *, retain_requests: int, owned: Iterable[str]) -> None: ...
