"""Request records, from the ledger's stream."""

from __future__ import annotations

from contextlib import aclosing

from router.admin.errors import ApiError
from router.admin.request_types import RequestsQuery
from router.admin.response_types import RequestRecord
from router.admin.sources.interface import Page
from router.core.money import micro_usd
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
        return Page([record_of(each) for each in found.records], found.before or None)

    async def find(self, id: str) -> RequestRecord | None:
        """A settlement rather than a charge that it took back, and the latest one. Raises LedgerUnavailable."""
        charged = None
        async with open_records(self._url) as reader, aclosing(reader.entries_back()) as entries:
            async for entry in entries:
                for record in reversed(entry.records):
                    if id not in (record.id, record.request) or not id:
                        continue
                    if record.kind not in ("held", "lifted", "attempt"):
                        return record_of(record)
                    charged = charged or record
        return None if charged is None else record_of(charged)


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
        failed=query.failed,
    )


def record_of(record: Record) -> RequestRecord:
    return RequestRecord(
        id=record.id,
        request=record.request,
        kind=record.kind,
        at=record.at,
        key=record.key,
        team=record.team,
        model=record.model,
        backend=record.backend,
        zone=record.zone,
        level=record.level,
        tags=list(record.tags),
        reason=record.reason,
        status=record.status,
        stream=record.stream,
        attempts=record.attempts,
        input=record.input,
        cached=record.cached,
        cache_write=record.cache_write,
        output=record.output,
        estimated=record.estimated,
        cost_micro_usd=micro_usd(record.cost),
        counterfactual_micro_usd=micro_usd(record.counterfactual),
        error=record.error,
        eligible=record.eligible,
        sent_ms=record.sent / 1000,
        first_byte_ms=record.first_byte / 1000,
        duration_ms=record.duration / 1000,
        detail=record.detail,
    )
