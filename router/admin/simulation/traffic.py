"""The ledger's records as a simulation takes them: what `breakeven export` writes, read as `breakeven simulate` reads
it, without a file in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from router.admin.simulation.task import SimulationTask
from router.core.values import NO_GROUNDS
from router.ledger.record import Record
from router.ledger.reports.export import line_of
from router.ledger.reports.record_reader import Filter, open_records
from router.simulate.readers.records import COUNTED, RECORDS
from router.simulate.requests import RecordedRequest

_TOGETHER = 1000
"""Records in memory, besides those that are put in order."""


class Recorded:
    """Requests of some days, and what is missing of them. Counts are whole once all were read."""

    def __init__(self, task: SimulationTask) -> None:
        self.read = 0
        self.first: float | None = None
        """When the earliest one arrived, in seconds since the epoch."""
        self.without_grounds = 0
        """Records of releases that did not keep what a decision was made on."""
        self.by_unknown = 0
        """Decided by versions of the policy that the history does not have."""
        self.unreadable = 0
        """Entries of the ledger, each of which holds several records."""
        self._task = task

    def requests(self) -> Iterator[RecordedRequest]:
        """In the order of the ledger. Raises LedgerUnavailable, and Wrong for a record that cannot be replayed."""
        number = 0
        for records in self._batches():
            for record in records:
                number += 1
                if record.kind not in COUNTED:
                    continue  # of a newer release, of which it is no request
                request = RECORDS.read(line_of(record), number)
                if request is not None:
                    self._see(request)
                    yield request

    def _see(self, request: RecordedRequest) -> None:
        self.read += 1
        self.first = request.at if self.first is None else min(self.first, request.at)
        if request.grounds is None or request.grounds == NO_GROUNDS:
            self.without_grounds += 1
        elif request.policy not in self._task.known:
            self.by_unknown += 1

    def _batches(self) -> Iterator[list[Record]]:
        """The loop runs while some are read, and stands while they are simulated."""
        with asyncio.Runner() as runner:
            records = self._records()
            while batch := runner.run(_some(records)):
                yield batch

    async def _records(self) -> AsyncIterator[Record]:
        days = self._task.days
        async with open_records(self._task.redis) as reader:
            async for record in reader.records(Filter(since=days.begin, until=days.end)):
                yield record
            self.unreadable = reader.skipped


async def _some(records: AsyncIterator[Record]) -> list[Record]:
    """Empty at the end."""
    batch: list[Record] = []
    async for record in records:
        batch.append(record)
        if len(batch) == _TOGETHER:
            break
    return batch
