"""What the records measure."""

from __future__ import annotations

import pytest

from router.admin.answers.backends import Latency
from router.admin.telemetry.record_metrics import MINUTES, RecordMeters, Window
from router.ledger.record import Record

NOW = 1_795_604_400.0


def settled(backend: str = "gpu", zone: str = "local", at: float = NOW, kind: str = "settled", **fields) -> Record:
    given = {"attempts": 1, "sent": 900, "first_byte": 90_000, "duration": 400_000, "stream": True}
    return Record(kind, "1", at, "k", "t", "m", backend, zone, **({"reason": "local-first"} | given | fields))


@pytest.fixture
def meters(clock) -> RecordMeters:
    clock.now = NOW + 1
    return RecordMeters(clock)


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


def shown(latency: Latency | None) -> tuple[float, ...]:
    return (latency.p50, latency.p95, latency.p99) if latency else ()


async def test_the_course_of_a_backend(meters):
    for n in range(1, 101):
        failed = n > 90
        meters.hear(settled(duration=n * 1000, first_byte=n * 100, attempts=1 + (n % 4 == 0), error=failed))
    course = (await meters.courses())["gpu"]
    assert shown(course.latency) == pytest.approx((45, 86, 90), rel=1 / 32)
    assert shown(course.first_byte) == pytest.approx((4.5, 8.6, 9.0), rel=1 / 32)
    assert (course.requests, course.error_rate, course.retry_rate) == (100, 0.1, 0.25)
    assert shown(await meters.overhead()) == pytest.approx((0.9, 0.9, 0.9), rel=1 / 32)


async def test_only_what_is_streamed_has_a_first_token(meters):
    meters.hear(settled(stream=False))
    assert (await meters.courses())["gpu"].first_byte is None
    assert (await figures(meters))["breakeven_first_byte_seconds_count", "gpu", "local"] == 1


async def test_only_the_last_minutes_count(meters, clock):
    meters.hear(settled(error=True))
    clock.now += 60 * (MINUTES - 1)
    meters.hear(settled(at=clock.now - 1))
    assert (await meters.courses())["gpu"].error_rate == 0.5
    clock.now += 60
    assert (await meters.courses())["gpu"].error_rate == 0
    clock.now += 60 * MINUTES
    assert await meters.courses() == {} and await meters.overhead() is None


async def test_what_was_before_the_start_is_for_pages_alone(meters):
    meters.recall(settled())
    meters.recall(settled(kind="refused"))
    meters.recall(settled(at=NOW - 60 * MINUTES - 60))
    assert (await meters.courses())["gpu"].requests == 1
    assert not any("gpu" in sample for sample in await figures(meters))


async def test_a_request_without_a_hold_counts_as_well(meters):
    meters.hear(settled(kind="unheld"))
    assert (await meters.courses())["gpu"].requests == 1


async def test_what_was_never_sent_took_the_gateway_no_time(meters):
    meters.hear(settled(error=True, sent=0))
    assert await meters.overhead() is None
    meters.hear(settled(sent=0))
    assert shown(await meters.overhead()) == (0, 0, 0)


def test_memory_is_bounded_by_minutes_and_backends():
    window = Window(minutes=3)
    for minute in range(100):
        for _ in range(5):
            window.add(settled(at=NOW + 60 * minute), NOW + 60 * minute)
    assert len(window._minutes) == 3
