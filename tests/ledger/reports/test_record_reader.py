import asyncio
from contextlib import aclosing

import pytest

from router.core.values import Cell, RequestOutcome, Settlement, Usage
from router.ledger.errors import LedgerUnavailable
from router.ledger.record import batch_blob, pack_record, pack_refused
from router.ledger.reports.record_reader import Filter, Page, open_records

CLOUD = Cell("openai", "cloud", "chat", "search", "app")
GPU = Cell("gpu", "local", "small", "sales", "bot")
STREAM = "be:{ledger}:requests"


def packed(n: int, cell: Cell = CLOUD, reason: str = "cheapest") -> bytes:
    course = RequestOutcome(request=f"r{n}", reason=reason)
    return pack_record(Settlement(f"id{n}", cell, float(n), Usage(), 0, 0, False, True, course=course))


def write(server, *records: bytes, id: str = "*") -> str:
    return server.client.xadd(STREAM, {"n": len(records), "b": batch_blob(records)}, id=id).decode()


def ids(records) -> list[str]:
    return [record.request for record in records]


@pytest.fixture
def three_batches(server):
    return [write(server, packed(1), packed(2)), write(server, packed(3, GPU)), write(server, packed(4), packed(5))]


async def test_entries_come_in_order_whatever_the_chunk(server, three_batches):
    async with open_records(server.url) as reader:
        for chunk in (1, 2, 3, 100):
            assert [entry.id async for entry in reader.entries(chunk=chunk)] == three_batches
            assert [entry.id async for entry in reader.entries_back(chunk=chunk)] == three_batches[::-1]
        assert [entry.id async for entry in reader.entries(three_batches[1])] == three_batches[1:]


async def test_an_empty_ledger_has_none(server):
    async with open_records(server.url) as reader:
        assert [entry async for entry in reader.entries()] == []
        assert await reader.newest(Filter()) == Page([])
        assert await reader.last_id() == "0-0"
        assert not await reader.complete()


async def test_entries_of_another_form_are_passed_over_and_counted(server):
    server.client.xadd(STREAM, {"x": "y"})
    server.client.xadd(STREAM, {"n": 1, "b": b"no array"})
    write(server, packed(1))
    async with open_records(server.url) as reader:
        assert ids([record async for record in reader.records(Filter())]) == ["r1"]
        assert reader.skipped == 2


async def test_records_of_some_time_are_found_although_they_were_written_later(server):
    write(server, packed(10), id="11000-0")
    write(server, packed(500), id="500500-0")
    write(server, packed(400), packed(501), id="501000-0")
    write(server, packed(450), id="9000000-0")
    async with open_records(server.url) as reader:
        found = [record async for record in reader.records(Filter(since=400.0, until=501.0))]
        assert ids(found) == ["r500", "r400", "r450"]


async def test_what_is_written_while_records_are_read_is_left_for_the_next_time(server, three_batches):
    async with open_records(server.url) as reader:
        found = []
        async for record in reader.records(Filter()):
            found.append(record)
            write(server, packed(6))
        assert ids(found) == ["r1", "r2", "r3", "r4", "r5"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(), ["r3", "r2", "r1", "r0"]),
        (Filter(key="bot"), ["r2"]),
        (Filter(teams=frozenset({"search"})), ["r3", "r1", "r0"]),
        (Filter(teams=frozenset({"search", "sales"})), ["r3", "r2", "r1", "r0"]),
        (Filter(model="small", backend="gpu"), ["r2"]),
        (Filter(zone="cloud"), ["r1", "r0"]),
        (Filter(kind="refused"), ["r3"]),
        (Filter(reason="THRESHOLD"), ["r1"]),
        (Filter(since=1.0, until=2.0), ["r1"]),
        (Filter(key="nobody"), []),
    ],
)
async def test_the_newest_come_first_and_can_be_filtered(server, wanted, found):
    write(server, packed(0), packed(1, reason="threshold-below"))
    refused = pack_refused(
        at=3, key="app", team="search", model="chat", course=RequestOutcome(reason="no_room", status=503, request="r3")
    )
    write(server, packed(2, GPU), refused)
    async with open_records(server.url) as reader:
        assert ids((await reader.newest(wanted)).records) == found


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
async def test_pages_are_turned_without_a_gap(server, three_batches, limit):
    async with open_records(server.url) as reader:
        page = await reader.newest(Filter(), limit)
        found = ids(page.records)
        while page.before:
            page = await reader.newest(Filter(), limit, page.before)
            assert len(page.records) <= limit
            found += ids(page.records)
        assert found == ["r5", "r4", "r3", "r2", "r1"]


async def test_a_page_goes_on_after_its_entry_was_trimmed(server, three_batches):
    async with open_records(server.url) as reader:
        page = await reader.newest(Filter(), 1)
        server.client.xdel(STREAM, three_batches[2])
        assert ids((await reader.newest(Filter(), 2, page.before)).records) == ["r3", "r2"]


async def test_a_search_is_bounded_and_can_go_on(server, three_batches):
    async with open_records(server.url) as reader:
        page = await reader.newest(Filter(key="nobody"), look_at=2)
        assert page.records == []
        assert ids((await reader.newest(Filter(), before=page.before)).records) == ["r3", "r2", "r1"]


async def test_a_page_of_somewhere_else_is_refused(server):
    async with open_records(server.url) as reader:
        with pytest.raises(ValueError, match="page"):
            await reader.newest(Filter(), before="+ - x")


async def test_entries_are_followed_as_they_are_written(server, three_batches, eventually):
    async with open_records(server.url) as reader, aclosing(reader.follow()) as entries:
        following = asyncio.ensure_future(anext(entries))
        await eventually(lambda: server.client.info("clients")["blocked_clients"] > 0)
        written = write(server, packed(6))
        assert (await following).id == written
        write(server, packed(7))
        assert ids((await anext(entries)).records) == ["r7"]


async def test_following_goes_on_while_nothing_comes(server, eventually):
    async with open_records(server.url) as reader, aclosing(reader.follow(wait=0.001)) as entries:
        following = asyncio.ensure_future(anext(entries))
        calls = lambda: server.client.info("commandstats").get("cmdstat_xread", {}).get("calls", 0)  # noqa: E731
        await eventually(lambda: calls() > 2)
        written = write(server, packed(1))
        assert (await following).id == written


async def test_following_can_begin_where_one_stopped(server, three_batches):
    async with open_records(server.url) as reader, aclosing(reader.follow(three_batches[0])) as entries:
        assert [(await anext(entries)).id for _ in range(2)] == three_batches[1:]


async def test_a_trimmed_stream_is_not_complete(server, three_batches):
    async with open_records(server.url) as reader:
        assert await reader.complete()
        server.client.xtrim(STREAM, maxlen=2, approximate=False)
        assert not await reader.complete()


async def test_a_refusal_is_an_unavailable_ledger(server):
    server.client.set(STREAM, "not a stream")
    async with open_records(server.url) as reader:
        with pytest.raises(LedgerUnavailable, match="WRONGTYPE"):
            await reader.last_id()
