"""What pages are told of as it happens."""

from __future__ import annotations

from msgspec import Struct

from router.admin.answers.spend import Figures


class Totals(Struct, frozen=True, kw_only=True):
    """Event `totals`: today, whenever it changes."""

    day: str
    total: Figures
    today_tokens: int


class Notice(Struct, frozen=True):
    """Event `notice`: something that cannot be read now."""

    message: str
