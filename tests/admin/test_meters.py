"""What the records measure."""

from __future__ import annotations

import pytest

from router.admin.answers import Latency
from router.admin.meters import RecordMeters, percentiles
from router.ledger.records import Record


def settled(backend: str = "gpu", zone: str = "local", **fields) -> Record:
    given = {"reason": "local-first", "attempts": 1, "sent": 900, "first_byte": 90_000, "duration": 400_000}
    return Record("settled", "1", 1.0, "k", "t", "m", backend, zone, **(given | fields))


@pytest.fixture
def meters() -> RecordMeters:
    return RecordMeters()


async def figures(meters: RecordMeters) -> dict[tuple, float]:
    samples = [sample for family in await meters.metrics() for sample in family.samples]
    return {(each.name, *sorted(each.labels.values())): each.value for each in samples}


async def test_histograms_by_backend(meters):
    meters.hear(settled())
    meters.hear(settled(duration=2_000_000))
    meters.hear(settled("api", "cloud"))
    found = await figures(meters)
    assert found["breakeven_request_duration_seconds_bucket", "0.5", "gpu", "local"] == 1
    assert found["breakeven_request_duration_seconds_count", "gpu", "local"] == 2
    assert found["breakeven_request_duration_seconds_sum", "gpu", "local"] == pytest.approx(2.4)
    assert found["breakeven_first_byte_seconds_bucket", "0.1", "api", "cloud"] == 1
    assert found["breakeven_overhead_seconds_bucket", "0.001"] == 3


async def test_reasons_retries_and_refusals_are_counted(meters):
    meters.hear(settled(reason="spill", attempts=3))
    meters.hear(Record("refused", "", 1.0, "k", "t", "m", reason="egress_denied", status=403))
    found = await figures(meters)
    assert found["breakeven_decisions_total", "local", "spill"] == 1
    assert found["breakeven_retries_total", "gpu", "local"] == 2
    assert found["breakeven_refusals_total", "egress_denied"] == 1
    assert found.get(("breakeven_overhead_seconds_count",)) == 0, "failed attempts are not the gateway's own time"


async def test_what_failed_does_not_count_as_quick(meters):
    meters.hear(settled(error=True, duration=5, first_byte=0))
    assert ("breakeven_request_duration_seconds_count", "gpu", "local") not in await figures(meters)
    assert (await meters.courses())["gpu"].latency is None


async def test_corrections_of_the_books_are_no_requests(meters):
    for kind in ("held", "lifted"):
        meters.hear(Record(kind, "1", 1.0, "k", "t", "m", "gpu", "local", cost=5))
    assert not await meters.courses()


async def test_the_course_of_a_backend(meters):
    for n in range(1, 101):
        meters.hear(settled(duration=n * 1000, first_byte=n * 100, attempts=1 + (n % 4 == 0)))
    course = (await meters.courses())["gpu"]
    assert course.latency == Latency(50.0, 95.0, 99.0)
    assert course.first_byte == Latency(5.0, 9.5, 9.9)
    assert course.retry_rate == 0.25
    assert await meters.overhead() == Latency(0.9, 0.9, 0.9)


async def test_only_the_latest_count(meters):
    for duration in [9_000_000] * 50 + [1_000] * 1000:
        meters.hear(settled(duration=duration))
    assert (await meters.courses())["gpu"].latency == Latency(1.0, 1.0, 1.0)


def test_percentiles_of_few():
    assert percentiles([]) is None
    assert percentiles([7000]) == Latency(7.0, 7.0, 7.0)
    assert percentiles([3000, 1000, 2000]) == Latency(2.0, 3.0, 3.0)
