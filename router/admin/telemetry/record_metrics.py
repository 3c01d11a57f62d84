"""What request records measure: how long requests take, where they go and why, what fails and what is refused.

Pages see the last minutes, also those before this process started. Prometheus gets everything since it started, and
takes the fall at a restart for what it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric

from router.admin.answers.backends import Latency
from router.admin.sources.interface import Course
from router.core.histogram import QuantileSketch, merged
from router.ledger.record import Record

MINUTES = 15
"""What latencies and rates of pages look back on."""
SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0)
OVERHEAD_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_MICRO = 1_000_000
_MINUTE = 60
_SHARES = (0.5, 0.95, 0.99)
_ANSWERED = ("settled", "unheld")


class _Tally:
    """The requests of one backend in one minute. Times are microseconds."""

    def __init__(self) -> None:
        self.requests = self.errors = self.retried = 0
        self.durations, self.first_tokens, self.overheads = QuantileSketch(), QuantileSketch(), QuantileSketch()

    def add(self, record: Record) -> None:
        self.requests += 1
        self.errors += record.error
        self.retried += record.attempts > 1
        if was_sent_once(record):
            self.overheads.add(record.sent)
        if record.error:  # how fast something fails says nothing of how fast it answers
            return
        self.durations.add(record.duration)
        if record.stream and record.first_byte:
            self.first_tokens.add(record.first_byte)


class Window:
    """The last minutes, by minute and backend: its memory is bounded by the number of backends."""

    def __init__(self, minutes: int = MINUTES) -> None:
        self._count = minutes
        self._minutes: dict[int, dict[str, _Tally]] = {}

    def add(self, record: Record, now: float) -> None:
        """A request counts in the minute in which it ended."""
        minute = int((record.at + record.duration / _MICRO) // _MINUTE)
        if minute not in self._minutes:
            self._forget(now)
            if minute <= now // _MINUTE - self._count:
                return
        backends = self._minutes.setdefault(minute, {})
        backends.setdefault(record.backend, _Tally()).add(record)

    def courses(self, now: float) -> Mapping[str, Course]:
        self._forget(now)
        found: dict[str, list[_Tally]] = {}
        for backends in self._minutes.values():
            for name, tally in backends.items():
                found.setdefault(name, []).append(tally)
        return {name: _course(tallies) for name, tallies in found.items()}

    def overhead(self, now: float) -> Latency | None:
        self._forget(now)
        return latency_of(tally.overheads for backends in self._minutes.values() for tally in backends.values())

    def _forget(self, now: float) -> None:
        for old in [minute for minute in self._minutes if minute <= now // _MINUTE - self._count]:
            del self._minutes[old]


def was_sent_once(record: Record) -> bool:
    """Whether `sent` is what the gateway took, rather than what failed attempts did, or nothing."""
    return record.attempts == 1 and (record.sent > 0 or not record.error)


def _course(tallies: Sequence[_Tally]) -> Course:
    requests = sum(each.requests for each in tallies)
    return Course(
        latency=latency_of(each.durations for each in tallies),
        first_byte=latency_of(each.first_tokens for each in tallies),
        retry_rate=sum(each.retried for each in tallies) / requests,
        requests=requests,
        error_rate=sum(each.errors for each in tallies) / requests,
    )


def latency_of(sketches: Iterable[QuantileSketch]) -> Latency | None:
    """In milliseconds, from microseconds; None of nothing."""
    whole = merged(sketches)
    if not whole.count:
        return None
    return Latency(*(round(value / 1000, 3) for value in whole.quantiles(_SHARES)))


class RecordMeters:
    """Hears every record; see `sources.interface.Meters` for what it is asked."""

    window = MINUTES * _MINUTE

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lately = Window()
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
        elif record.kind in _ANSWERED:
            self.recall(record)
            self._measure(record)

    def recall(self, record: Record) -> None:
        """One from before the start, which Prometheus was told of already."""
        if record.kind in _ANSWERED:
            self._lately.add(record, self._clock())

    def _measure(self, record: Record) -> None:
        self._decisions.labels(record.zone, record.reason).inc()
        self._retries.labels(record.backend, record.zone).inc(max(0, record.attempts - 1))
        if was_sent_once(record):
            self._overhead.observe(record.sent / _MICRO)
        if record.error:
            return
        self._duration.labels(record.backend, record.zone).observe(record.duration / _MICRO)
        if record.first_byte:
            self._first_byte.labels(record.backend, record.zone).observe(record.first_byte / _MICRO)

    async def courses(self) -> Mapping[str, Course]:
        return self._lately.courses(self._clock())

    async def overhead(self) -> Latency | None:
        return self._lately.overhead(self._clock())

    async def metrics(self) -> Iterable[Metric]:
        return [_without_births(family) for family in self._registry.collect()]


def _without_births(family: Metric) -> Metric:
    """The time of a series' first sample is a series too, which nobody asks for."""
    family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
    return family
