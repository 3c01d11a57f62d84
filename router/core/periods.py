"""STUB."""
from __future__ import annotations
from datetime import datetime
from zoneinfo import ZoneInfo
class Periods:
    def __init__(self, timezone: ZoneInfo) -> None:
        self.tz = timezone
    def ids(self, at: float) -> tuple[int, str, str]:
        d = datetime.fromtimestamp(at, self.tz)
        return int(at // 60), d.strftime("%Y-%m-%d"), d.strftime("%Y-%m")
    def end(self, period: str, at: float) -> float:
        return (at // 60 + 1) * 60
