"""What the gateway needs of a ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol
from zoneinfo import ZoneInfo

from router.core.cost.volume_tracker import VolumeTracker
from router.core.limits.counters import Admission, CounterSet, Hold
from router.core.pins import Pin
from router.core.values import Settlement


class PinBook(Protocol):
    """Implemented by `ledger.pins.Pins`, where each operation is described, and in tests by one in memory."""

    async def find(self, ids: Collection[str]) -> Mapping[str, Pin]: ...
    async def remember(self, ids: Iterable[str], pin: Pin, seconds: float) -> None: ...
    async def forget(self, ids: Iterable[str]) -> None: ...


class Ledger(Protocol):
    """Implemented by `GroupCommitLedger`, where each operation is described, and in tests by one in memory."""

    available: bool
    why: str
    volume: VolumeTracker

    @property
    def pins(self) -> PinBook: ...

    def next_id(self, at: float, lease: float) -> str: ...
    def reserve(self, hold: Hold) -> asyncio.Future[Admission]: ...
    def settle(self, settlement: Settlement) -> None: ...
    def release(self, id: str) -> None: ...
    def record(self, settlement: Settlement, counters: CounterSet) -> None: ...
    def attempt(self, settlement: Settlement, counters: CounterSet) -> None: ...
    def note(self, record: bytes) -> None: ...
    def retime(self, timezone: ZoneInfo, retain_days: int, *, retain_requests: int, owned: Iterable[str]) -> None: ...
