"""Request records, from the ledger's stream."""

from __future__ import annotations

from contextlib import aclosing

from router.admin.errors import ApiError
from router.admin.request_types import RequestsQuery
from router.admin.sources.interface import Page
from router.ledger.record import Record
from router.ledger.reports.record_reader import Filter, open_records


class LedgerRecords:
    available = True

    def __init__(self, url: str) -> None:
        self._url = url

    async def page(self, query: RequestsQuery) -> Page:
        """Raises LedgerUnavailable, and ApiError for a `before` that is none."""
        async with open_records(self._url) as reader:
            try:
                found = await reader.newest(filter_of(query), query.limit, query.before or "")
            except ValueError:
                raise ApiError(400, "bad_query", "`before` is not one of an earlier answer's") from None
        return Page(found.records, found.before or None)

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
        team=query.team or "",
        model=query.model or "",
        backend=query.backend or "",
        zone=query.zone or "",
        kind=query.kind or "",
        reason=query.reason or "",
        level=query.level or "",
        endpoint=query.endpoint or "",
        failed=query.failed,
    )
