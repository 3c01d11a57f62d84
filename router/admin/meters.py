"""What request records measure: how long requests take, where they go and why, what is refused.

Everything since this process started. Prometheus takes the fall at a restart for what it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric

from router.admin.answers import Latency
from router.admin.sources import Course
from router.ledger.records import Record

LATEST = 1000
"""Requests of each backend that percentiles are taken of."""
SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0)
OVERHEAD_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_MICRO = 1_000_000


class _Lately:
    """One backend's latest requests. Times are microseconds."""

    def __init__(self) -> None:
        self.durations: deque[int] = deque(maxlen=LATEST)
        self.first_bytes: deque[int] = deque(maxlen=LATEST)
        self.attempts: deque[int] = deque(maxlen=LATEST)

    def course(self) -> Course:
        return Course(
            latency=percentiles(self.durations),
            first_byte=percentiles(self.first_bytes),
            retry_rate=sum(each > 1 for each in self.attempts) / len(self.attempts) if self.attempts else None,
        )


class RecordMeters:
    """Hears every record; see `sources.Meters` for what it is asked."""

    def __init__(self) -> None:
        self._lately: dict[str, _Lately] = {}
        self._overheads: deque[int] = deque(maxlen=LATEST)
        self._registry = CollectorRegistry(auto_describe=False)
        where = ("backend", "zone")
        self._duration = self._histogram("request_duration", "From arrival to the answer's end.", where)
        self._first_byte = self._histogram("first_byte", "From arrival to the answer's first byte.", where)
        self._overhead = self._histogram(
            "overhead", "From arrival until it was sent on, where one attempt was enough.", (), OVERHEAD_SECONDS
        )
        self._decisions = self._counter("decisions", "Answered, by why they went there.", ("zone", "reason"))
        self._retries = self._counter("retries", "Attempts beyond the first, by who answered at last.", where)
        self._refusals = self._counter("refusals", "Requests that no backend saw, by the error's code.", ("reason",))

    def _histogram(self, name: str, text: str, labels: Sequence[str], buckets: Sequence[float] = SECONDS) -> Histogram:
        return Histogram(f"breakeven_{name}_seconds", text, labels, buckets=buckets, registry=self._registry)

    def _counter(self, name: str, text: str, labels: Sequence[str]) -> Counter:
        return Counter(f"breakeven_{name}", text, labels, registry=self._registry)

    def hear(self, record: Record) -> None:
        if record.kind == "refused":
            self._refusals.labels(record.reason).inc()
        elif record.kind == "settled":
            self._measure(record)

    def _measure(self, record: Record) -> None:
        self._decisions.labels(record.zone, record.reason).inc()
        self._retries.labels(record.backend, record.zone).inc(max(0, record.attempts - 1))
        lately = self._lately.setdefault(record.backend, _Lately())
        lately.attempts.append(record.attempts)
        if record.attempts == 1:
            self._overhead.observe(record.sent / _MICRO)
            self._overheads.append(record.sent)
        if record.error:  # how fast something fails says nothing of how fast it answers
            return
        self._duration.labels(record.backend, record.zone).observe(record.duration / _MICRO)
        lately.durations.append(record.duration)
        if record.first_byte:
            self._first_byte.labels(record.backend, record.zone).observe(record.first_byte / _MICRO)
            lately.first_bytes.append(record.first_byte)

    async def courses(self) -> Mapping[str, Course]:
        return {name: lately.course() for name, lately in self._lately.items()}

    async def overhead(self) -> Latency | None:
        return percentiles(self._overheads)

    async def metrics(self) -> Iterable[Metric]:
        return [_without_births(family) for family in self._registry.collect()]


def _without_births(family: Metric) -> Metric:
    """The time of a series' first sample is a series too, which nobody asks for."""
    family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
    return family


def percentiles(micros: Iterable[int]) -> Latency | None:
    """In milliseconds, by the nearest rank; None of nothing."""
    ordered = sorted(micros)
    if not ordered:
        return None
    return Latency(_rank(ordered, 50), _rank(ordered, 95), _rank(ordered, 99))


def _rank(ordered: Sequence[int], percent: int) -> float:
    return ordered[-(-len(ordered) * percent // 100) - 1] / 1000
