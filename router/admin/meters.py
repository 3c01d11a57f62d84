"""What is measured from the request records as they are written: how long requests took, and how often they failed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric

from router.admin.answers import Latency
from router.admin.sources import Course
from router.core.quantiles import Sketch, merged
from router.ledger.errors import LedgerUnavailable
from router.ledger.reader import Entry, open_records
from router.ledger.records import Record

MINUTES = 15
"""What latencies and rates look back on."""
CHUNK = 20
"""Entries that are read at once, so that other work of this process gets its turn in between."""
RETRY_SECONDS = 1.0
_MINUTE = 60
_SHARES = (0.5, 0.95, 0.99)
_ANSWERED = ("settled", "unheld")
_DURATIONS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_FIRST_TOKENS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_OVERHEADS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)

log = logging.getLogger("breakeven.admin")


class _Tally:
    """The requests of one backend in one minute. Times are microseconds."""

    def __init__(self) -> None:
        self.requests = self.errors = self.retried = 0
        self.latency, self.first_byte, self.overhead = Sketch(), Sketch(), Sketch()

    def add(self, record: Record) -> None:
        self.requests += 1
        self.errors += record.error
        self.retried += record.attempts > 1
        if not record.error:
            self.latency.add(record.duration)
        if record.stream and record.first_byte:
            self.first_byte.add(record.first_byte)
        if was_sent_once(record):
            self.overhead.add(record.sent)


class Window:
    """The last minutes, by minute and backend. Memory is bounded by the number of backends."""

    def __init__(self, minutes: int = MINUTES) -> None:
        self._count = minutes
        self._minutes: dict[int, dict[str, _Tally]] = {}

    def add(self, record: Record, at: float) -> None:
        minute = int(at // _MINUTE)
        if minute not in self._minutes:
            self._forget(minute)
        backends = self._minutes.setdefault(minute, {})
        backends.setdefault(record.backend, _Tally()).add(record)

    def courses(self, now: float) -> Mapping[str, Course]:
        self._forget(int(now // _MINUTE))
        found: dict[str, list[_Tally]] = {}
        for backends in self._minutes.values():
            for name, tally in backends.items():
                found.setdefault(name, []).append(tally)
        return {name: _course(tallies) for name, tallies in found.items()}

    def overhead(self, now: float) -> Latency | None:
        self._forget(int(now // _MINUTE))
        return latency_of([tally.overhead for backends in self._minutes.values() for tally in backends.values()])

    def _forget(self, minute: int) -> None:
        for old in [each for each in self._minutes if each <= minute - self._count]:
            del self._minutes[old]


def was_sent_once(record: Record) -> bool:
    """Whether `sent` is what the gateway took, rather than what failed attempts did, or nothing."""
    return record.attempts == 1 and (record.sent > 0 or not record.error)


def _course(tallies: list[_Tally]) -> Course:
    requests = sum(each.requests for each in tallies)
    return Course(
        latency=latency_of([each.latency for each in tallies]),
        first_byte=latency_of([each.first_byte for each in tallies]),
        retry_rate=sum(each.retried for each in tallies) / requests,
        requests=requests,
        error_rate=sum(each.errors for each in tallies) / requests,
    )


def latency_of(sketches: Iterable[Sketch]) -> Latency | None:
    """In milliseconds, from microseconds; None without any."""
    whole = merged(sketches)
    if not whole.count:
        return None
    return Latency(*(round(value / 1000, 3) for value in whole.quantiles(_SHARES)))


class Histograms:
    """For Prometheus: they count on from the start of this process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"breakeven_{name}_seconds", text, labels, registry=self.registry, buckets=buckets)

        self._duration = histogram("request_duration", "From arrival to the answer's end.", _DURATIONS, "backend")
        self._first = histogram(
            "time_to_first_token", "From arrival to the first byte of a streamed answer.", _FIRST_TOKENS, "backend"
        )
        self._overhead = histogram(
            "gateway_overhead", "From arrival to sending, of requests that were sent once.", _OVERHEADS
        )
        self._retried = Counter(
            "breakeven_retried_requests",
            "Requests that needed more than one attempt, by the last one's backend.",
            ("backend",),
            registry=self.registry,
        )
        self._refused = Counter(
            "breakeven_refused_requests", "Requests that no backend saw.", ("reason",), registry=self.registry
        )

    def refuse(self, record: Record) -> None:
        self._refused.labels(record.reason).inc()

    def add(self, record: Record) -> None:
        backend = record.backend
        self._duration.labels(backend).observe(record.duration / 1e6)
        if record.stream and record.first_byte:
            self._first.labels(backend).observe(record.first_byte / 1e6)
        if was_sent_once(record):
            self._overhead.observe(record.sent / 1e6)
        if record.attempts > 1:
            self._retried.labels(backend).inc()


class StreamMeters:
    """Follows the stream of records. A restart begins with the last minutes of it."""

    window = MINUTES * _MINUTE

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        self._url = url
        self._clock = clock
        self._started = clock()
        self._after = f"{max(0, int((self._started - self.window) * 1000))}-0"
        self._window = Window()
        self._histograms = Histograms()

    async def courses(self) -> Mapping[str, Course]:
        return self._window.courses(self._clock())

    async def overhead(self) -> Latency | None:
        return self._window.overhead(self._clock())

    async def metrics(self) -> Iterable[Metric]:
        return list(self._histograms.registry.collect())

    async def follow(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with open_records(self._url) as reader:
                    async for entry in reader.follow(self._after, chunk=CHUNK):
                        self.take(entry)
            except LedgerUnavailable:
                pass  # pages and metrics say so
            except Exception:  # what comes later must be measured all the same
                log.exception("request records not followed")
            await asyncio.sleep(RETRY_SECONDS)

    def take(self, entry: Entry) -> None:
        """One batch. Prometheus is told of what is new only: a scrape before the restart counted the rest."""
        self._after = entry.id
        new = entry.written >= self._started
        for record in entry.records:
            if record.kind in _ANSWERED:
                self._window.add(record, entry.written)
                if new:
                    self._histograms.add(record)
            elif record.kind == "refused" and new:
                self._histograms.refuse(record)
