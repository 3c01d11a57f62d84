"""Request records, from the ledger's stream."""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing

from router.admin.errors import ApiError, ledger_lost
from router.admin.request_types import RequestsQuery, SpendQuery
from router.admin.sources.interface import Page
from router.ledger.errors import LedgerUnavailable
from router.ledger.record import Record
from router.ledger.reports.by_record import RecordSums, add_up
from router.ledger.reports.record_reader import Filter, open_records

AT_FIRST = 2_000
"""Records that are looked at where all else is served, which takes a few milliseconds."""
MOST = 500_000
"""In a process of its own, which takes a second or two."""


class LedgerRecords:
    available = True

    def __init__(self, url: str) -> None:
        self._url = url

    async def page(self, query: RequestsQuery) -> Page:
        """Raises LedgerUnavailable, and ApiError for a `before` that is none."""
        return await self._newest(query, AT_FIRST)

    def search(self, query: RequestsQuery) -> Page:
        """Raises ApiError."""
        try:
            return asyncio.run(self._newest(query, MOST))
        except LedgerUnavailable as error:
            raise ledger_lost(error) from None

    def add_up(self, sums: RecordSums, query: SpendQuery, since: float) -> RecordSums:
        """Raises ApiError."""
        wanted = Filter(
            key=query.key or "",
            teams=frozenset(query.team),
            model=query.model or "",
            backend=query.backend or "",
            zone=query.zone or "",
            since=since,
        )
        try:
            return add_up(self._url, sums, wanted)
        except LedgerUnavailable as error:
            raise ledger_lost(error) from None

    async def _newest(self, query: RequestsQuery, look_at: int) -> Page:
        async with open_records(self._url) as reader:
            try:
                found = await reader.newest(filter_of(query), query.limit, query.before or "", look_at)
            except ValueError:
                raise ApiError(400, "bad_query", "`before` is not one of an earlier answer's") from None
        return Page(found.records, found.before or None, found.reached)

    async def find(self, id: str) -> Record | None:
        """A settlement rather than a charge that it took back, and the latest one. Raises LedgerUnavailable."""
        charged = None
        async with open_records(self._url) as reader, aclosing(reader.entries_back()) as entries:
            async for entry in entries:
                for record in reversed(entry.records):
                    if id not in (record.id, record.request) or not id:
                        continue
                    if record.kind not in ("held", "lifted", "attempt", "withdrawn"):
                        return record
                    charged = charged or record
        return charged


def filter_of(query: RequestsQuery) -> Filter:
    return Filter(
        key=query.key or "",
        teams=frozenset(query.team),
        model=query.model or "",
        backend=query.backend or "",
        zone=query.zone or "",
        kind=query.kind or "",
        reason=query.reason or "",
        level=query.level or "",
        endpoint=query.endpoint or "",
        failed=query.failed,
        id=query.id or "",
        tag=query.tag or "",
        user=query.user or "",
        metadata=query.metadata or "",
        status=query.status or 0,
        since=query.since.timestamp() if query.since else 0.0,
        until=query.until.timestamp() if query.until else math.inf,
    )
