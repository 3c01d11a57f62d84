"""What the API says of request records, and of why one went where it did."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from router.admin.record_type import RequestRecord


class Requests(Struct, frozen=True):
    requests: list[RequestRecord]
    """Latest first."""
    before: str | None
    """To ask for the next page with; None at the end."""
    available: bool
    """False when this gateway keeps no records."""
    looked_back_to: float | None = None
    """When the oldest record was written that was looked at: with `before` there may be more."""
    dimensions: list[str] = []
    """What the policy has records keep of whom requests are for."""


class Explanation(Struct, frozen=True, kw_only=True):
    text: str
    """As `breakeven explain` prints it."""
    decision: dict[str, Any]
    """The same as data; see `breakeven explain --json`."""
    not_backends_of_the_model: list[str]


class RequestDetail(Struct, frozen=True, kw_only=True):
    record: RequestRecord
    explanation: Explanation | None
    """None when the policy that decided is not known any more."""
    decided_by: str
    """Version of the policy that was in force when it arrived; empty when it is not known."""
    in_force: str
    agrees: bool
    """Whether the explanation ends at the backend that was recorded."""
    assumed: list[str]
    """What the explanation had to assume, because records do not hold it."""
