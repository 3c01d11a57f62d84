"""STUB."""
from __future__ import annotations
from msgspec import Struct
class Limit(Struct, frozen=True):
    scope: str
    side: str
    model: str
    measure: str
    period: str
    amount: int
    soft: int
    spare_local: bool = False
    @property
    def counter(self) -> str:
        return f"{self.scope}|{self.side}|{self.model}|{self.measure}"
class Verdict(Struct, frozen=True):
    limit: Limit
    used: int
    held: int
    asked: int
class Reached(Struct, frozen=True):
    limit: Limit
    used: int
    held: int
