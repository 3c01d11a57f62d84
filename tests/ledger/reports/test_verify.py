import asyncio
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.memory_ledger import MemoryLedger
from support.totals import packed_totals

from router.core.limits.counters import BOTH, NO_COUNTERS, Hold
from router.core.values import Cell, RequestOutcome, Row, Settlement, Usage
from router.ledger.client.batch import Batch, Held, Packer, Sender, Settle
from router.ledger.record import Record, batch_blob, pack_record, pack_refused, unpack_records
from router.ledger.redis_keys import Calendar, pack_cell, unpack_cell
from router.ledger.reports.record_reader import Entry, RecordReader, open_records
from router.ledger.reports.totals import merge
from router.ledger.reports.verify import HourOrDay, Sums, differences, hours_and_days, verify

BERLIN = ZoneInfo("Europe/Berlin")
NOON = 1_779_271_200.0  # 2026-05-20 12:00 in Berlin
HOUR = 494_242
MIDNIGHT = NOON - 12 * 3600
CLOUD = Cell("openai", "cloud", "chat", "search", "app")
GPU = Cell("gpu", "local", "chat", "search", "app")
PREFIX = "be:{ledger}:"
STREAM = PREFIX + "requests"


def settlement(at: float = NOON, cell: Cell = CLOUD, **fields) -> Settlement:
    figures = {"usage": Usage(100, 30, 0, 7), "cost": 250, "counterfactual": 900, "error": False, "eligible": True}
    return Settlement(**({"id": f"id{at}", "cell": cell, "at": at} | figures | fields))


class Book:
    """Totals and records of a real server, written as the scripts write them: together."""

    def __init__(self, server) -> None:
        self.server = server
        self.client = server.client
        self.client.set(PREFIX + "timezone", "Europe/Berlin")

    def count(self, *packed: bytes, written: float | None = None) -> None:
        calendar = Calendar(BERLIN)
        for record in unpack_records(batch_blob(packed)):
            if record.kind != "refused":
                slot = calendar.slot(record.at)
                self.add(f"hour:{slot.hour}", record.row)
                self.add(f"day:{slot.day}", record.row)
        self.append(*packed, written=written)

    def append(self, *packed: bytes, written: float | None = None) -> None:
        id = "*" if written is None else f"{written * 1000:.0f}-*"
        self.client.xadd(STREAM, {"n": len(packed), "b": batch_blob(packed)}, id=id)

    def add(self, period: str, row: Row) -> None:
        changes = msgspec.structs.astuple(row)[1:]
        old = self.client.hget(PREFIX + period, pack_cell(row.cell))
        totals = [0] * len(changes) if old is None else msgspec.msgpack.decode(old)
        new = [a + b for a, b in zip(totals, changes, strict=True)]
        self.client.hset(PREFIX + period, pack_cell(row.cell), packed_totals(new))

    async def verify(self, now: float = NOON + 1800, **span):
        async with open_records(self.server.url) as reader:
            return await verify(reader, now=now, **span)


@pytest.fixture
def book(server) -> Book:
    return Book(server)


async def test_totals_that_are_the_sums_of_their_records_agree(book):
    refused = pack_refused(
        at=NOON,
        key="app",
        team="search",
        model="chat",
        course=RequestOutcome(reason="no_room", status=503, request="r"),
    )
    book.count(pack_record(settlement()), pack_record(settlement(NOON + 60, GPU, error=True)), refused)
    book.count(pack_record(settlement(NOON - 3600)), pack_record(settlement(), "held"))
    book.count(pack_record(settlement(), "lifted"), pack_record(settlement()))
    result = await book.verify()
    assert result.differences == []
    assert (result.timezone, result.covered, result.hours, result.days) == ("Europe/Berlin", MIDNIGHT, 14, 1)
    assert (result.records, result.skipped, result.unknown, result.forgotten) == (7, 0, 0, 0)


@pytest.mark.parametrize("total", Row.__struct_fields__[1:])
async def test_every_difference_is_named(book, total):
    book.count(pack_record(settlement()))
    book.add(f"hour:{HOUR}", Row(GPU, **{total: 3}))
    (found,) = (await book.verify()).differences
    assert (found.period, found.cell) == (HourOrDay(NOON, "hour", str(HOUR)), GPU)
    assert (found.total, found.books, found.records) == (total, 3, 0)


async def test_a_lost_record_is_missed_in_its_hour_and_its_day(book):
    book.count(pack_record(settlement(NOON - 3600, GPU)))
    for period in (f"hour:{HOUR}", "day:2026-05-20"):
        book.add(period, Row(CLOUD, requests=1, cost=250))
    found = (await book.verify()).differences
    assert [(d.period.unit, d.total, d.books, d.records) for d in found] == [
        ("day", "requests", 1, 0),
        ("day", "cost", 250, 0),
        ("hour", "requests", 1, 0),
        ("hour", "cost", 250, 0),
    ]


async def test_lost_totals_are_missed(book):
    book.count(pack_record(settlement()))
    book.client.delete(PREFIX + "day:2026-05-20")
    assert {d.period.name for d in (await book.verify()).differences} == {"2026-05-20"}


async def test_hours_that_began_before_the_first_kept_record_are_not_differences(book):
    for hour in range(4):
        at = NOON + hour * 3600 + 60
        book.count(pack_record(settlement(at)), written=at + 5)
    book.client.xtrim(STREAM, maxlen=3, approximate=False)
    result = await book.verify(now=NOON + 4 * 3600 - 1)
    assert result.differences == []
    assert (result.covered, result.hours, result.days) == (NOON + 3600 + 125, 3, 0)


async def test_what_was_deleted_in_between_is_a_difference(book):
    for hour in range(4):
        book.count(pack_record(settlement(NOON + hour * 3600 + 60)), written=NOON + hour * 3600 + 65)
    book.client.xdel(STREAM, book.client.xrange(STREAM)[2][0])
    found = (await book.verify(now=NOON + 4 * 3600 - 1)).differences
    assert {d.period.start for d in found} == {NOON + 2 * 3600}


async def test_days_begin_where_the_ledger_says(book):
    before_midnight = MIDNIGHT + 86_399.0
    book.count(pack_record(settlement(before_midnight)), pack_record(settlement(before_midnight + 1)))
    result = await book.verify(now=MIDNIGHT + 2 * 86_400 - 4000)
    assert (result.differences, result.days) == ([], 2)


async def test_a_span_can_be_chosen(book):
    book.count(pack_record(settlement()), pack_record(settlement(NOON + 86_400)))
    book.add("day:2026-05-20", Row(CLOUD, cost=1))
    day = MIDNIGHT + 86_400
    assert [d.period.name for d in (await book.verify(now=day + 86_400, until=day)).differences] == ["2026-05-20"]
    result = await book.verify(now=day + 86_400, since=day)
    assert (result.differences, result.days) == ([], 2)


async def test_a_ledger_without_records_says_so(book):
    result = await book.verify()
    assert (result.covered, result.hours, result.days, result.differences) == (None, 0, 0, [])


async def test_totals_that_were_forgotten_are_not_differences(book):
    for day in range(5):
        book.count(pack_record(settlement(NOON + day * 86_400)))
    for hour in (HOUR, HOUR + 24):
        book.client.delete(f"{PREFIX}hour:{hour}")
    result = await book.verify(now=NOON + 4 * 86_400)
    assert (result.differences, result.forgotten) == ([], 2)


async def test_no_totals_at_all_are_not_taken_for_forgotten_ones(book):
    book.count(pack_record(settlement()))
    book.client.delete(f"{PREFIX}hour:{HOUR}")
    result = await book.verify(now=NOON + 40 * 86_400)
    assert {d.period.name for d in result.differences} == {str(HOUR)}


async def test_totals_that_went_missing_in_between_are(book):
    for day in range(5):
        book.count(pack_record(settlement(NOON + day * 86_400)))
    book.client.delete(f"{PREFIX}hour:{HOUR + 24}")
    result = await book.verify(now=NOON + 4 * 86_400)
    assert {d.period.name for d in result.differences} == {str(HOUR + 24)}


async def test_what_cannot_be_read_is_counted(book):
    book.count(pack_record(settlement()))
    book.client.xadd(STREAM, {"x": "y"})
    book.append(msgspec.msgpack.encode(["moved", "id", NOON, "app", "search", "chat"]))
    result = await book.verify()
    assert (result.skipped, result.unknown, result.records, result.differences) == (1, 1, 2, [])


async def test_what_is_counted_during_the_check_is_no_difference(book):
    """A writer that never stops; each of its transactions changes totals and records together."""
    book.count(pack_record(settlement()))
    record = pack_record(settlement())
    row = unpack_records(batch_blob([record]))[0].row
    stop = asyncio.Event()

    async def write_on() -> int:
        requests = 1
        while not stop.is_set():
            requests += 1
            totals = packed_totals(requests * n for n in msgspec.structs.astuple(row)[1:])
            with book.client.pipeline(transaction=True) as pipeline:
                pipeline.hset(f"{PREFIX}hour:{HOUR}", pack_cell(CLOUD), totals)
                pipeline.hset(f"{PREFIX}day:2026-05-20", pack_cell(CLOUD), totals)
                pipeline.xadd(STREAM, {"n": 1, "b": batch_blob([record])})
                pipeline.execute()
            await asyncio.sleep(0)
        return requests

    writer = asyncio.ensure_future(write_on())
    results = [await book.verify() for _ in range(10)]
    stop.set()
    assert await writer > 10
    assert [result.differences for result in results] == [[]] * 10


class Interrupted:
    """Something happens to the stream between reading the totals and reading the records."""

    def __init__(self, reader: RecordReader, happens) -> None:
        self._ask, self._happens = reader.ask, happens
        reader.ask = self.ask

    async def ask(self, *words):
        answer = await self._ask(*words)
        if words[0] == "EVAL":
            self._happens()
        return answer


async def test_records_that_go_during_the_check_are_not_missed(book):
    for hour in range(4):
        book.count(pack_record(settlement(NOON + hour * 3600 + 60)), written=NOON + hour * 3600 + 65)
    async with open_records(book.server.url) as reader:
        Interrupted(reader, lambda: book.client.xtrim(STREAM, maxlen=2, approximate=False))
        result = await verify(reader, now=NOON + 4 * 3600 - 1)
    assert (result.differences, result.covered) == ([], NOON + 2 * 3600 + 125)


async def test_a_ledger_that_is_emptied_during_the_check_has_no_records(book):
    book.count(pack_record(settlement()))
    async with open_records(book.server.url) as reader:
        Interrupted(reader, book.client.flushall)
        result = await verify(reader, now=NOON + 1800)
    assert (result.differences, result.covered, result.hours) == ([], None, 0)


def test_hours_and_days_of_a_span():
    names = [period.name for period in hours_and_days(MIDNIGHT, MIDNIGHT + 2 * 3600, BERLIN)]
    assert names == [str(HOUR - 12), str(HOUR - 11), "2026-05-20"]
    assert [period.name for period in hours_and_days(MIDNIGHT + 1, MIDNIGHT + 3600 + 1, BERLIN)] == [str(HOUR - 11)]
    assert hours_and_days(NOON, NOON, BERLIN) == []


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-05-20", 24)])
def test_days_have_as_many_hours_as_they_have(day, hours):
    start = {"2026-03-29": 1_774_738_800.0, "2026-10-25": 1_792_879_200.0, "2026-05-20": MIDNIGHT}[day]
    found = hours_and_days(start, start + hours * 3600, BERLIN)
    assert [period for period in found if period.unit == "day"] == [HourOrDay(start, "day", day)]
    assert len(found) == hours + 1


def test_a_cell_of_zeros_is_as_good_as_none():
    assert differences(HourOrDay(NOON, "hour", "1"), [Row(CLOUD)], []) == []


cells = st.sampled_from([CLOUD, GPU])
counts = st.integers(0, 2**40)
usages = st.builds(Usage, counts, counts, counts, counts, st.booleans())
moments = st.floats(MIDNIGHT - 86_400, MIDNIGHT + 2 * 86_400)
requests = st.tuples(moments, cells, usages, counts, counts, st.booleans(), st.booleans())
ends = st.sampled_from(["settle", "release", "expire", "expire and settle", "expire and release", "record"])


@settings(deadline=None)
@given(st.lists(st.tuples(requests, ends), max_size=12))
def test_records_sum_to_what_the_books_say(life):
    """The records that a ledger's operations leave, against the totals of the ledger in memory."""
    now = MIDNIGHT + 10 * 86_400
    ledger = MemoryLedger(timezone=BERLIN, clock=lambda: now)

    async def live() -> None:
        for n, ((at, cell, usage, cost, other, error, eligible), end) in enumerate(life):
            id = f"{ledger.next_id(at, 60.0)}{n}"
            real = Settlement(id, GPU, at, usage, cost // 2, other, error, eligible)
            if end == "record":
                ledger.record(real, NO_COUNTERS)
                continue
            await ledger.reserve(Hold(id, cell, at, 60.0, usage.input, usage.output, cost, eligible))
            if "expire" in end:
                await ledger.sweep()
            if "settle" in end:
                ledger.settle(real)
            if "release" in end:
                ledger.release(id)

    asyncio.run(live())
    days = ["2026-05-19", "2026-05-20", "2026-05-21"]
    sums = Sums({f"{PREFIX}day:{day}": (1, 0) for day in days}, Calendar(BERLIN))
    sums.add(Entry("1-0", ledger.records))
    rows = [row for day in days for row in sums.rows(f"{PREFIX}day:{day}")]
    assert differences(HourOrDay(NOON, "day", "all"), ledger.rows(days), merge(rows)) == []


@settings(deadline=None)
@given(st.lists(requests, max_size=12))
def test_records_sum_to_what_a_batch_adds(asked):
    """Hour by hour and day by day, against the payload of the script that counts."""
    settled = [
        Settlement(f"{n:08d}", cell, at, usage, cost, other, error, eligible)
        for n, (at, cell, usage, cost, other, error, eligible) in enumerate(asked)
    ]
    held = [Held(Hold(each.id, each.cell, each.at, 60.0, 0, 0, 0, True), BOTH) for each in settled]
    operations = [Settle(*pair, b"") for pair in zip(held, settled, strict=True)]
    packed = Packer(Calendar(BERLIN)).together(Batch(1, operations), Sender("w", 400, ("local",)))
    sums: dict[str, list[Row]] = {}
    for day, hour, _, fields, totals, *_ in msgspec.msgpack.decode(packed.payload)[9]:
        rows = [Row(unpack_cell(field), *total) for field, total in zip(fields, totals, strict=True)]
        for key in (f"{PREFIX}day:{day}", f"{PREFIX}hour:{hour}"):
            sums[key] = merge([*sums.get(key, []), *rows])
    ours = Sums(dict.fromkeys(sums, (1, 0)), Calendar(BERLIN))
    ours.add(Entry("1-0", unpack_records(batch_blob([pack_record(settlement) for settlement in settled]))))
    assert {key: merge(ours.rows(key)) for key in sums} == sums


def test_records_after_a_position_are_not_summed():
    sums = Sums({f"{PREFIX}hour:{HOUR}": (5, 1)}, Calendar(BERLIN))
    for id in ("5-0", "5-1", "5-2", "6-0"):
        sums.add(Entry(id, [Record("settled", id, NOON, "app", "search", "chat")]))
    assert [row.requests for row in sums.rows(f"{PREFIX}hour:{HOUR}")] == [2]
