"""On every engine: a crossing is written once, and what is to be sent goes through one pair of hands."""

from __future__ import annotations

import asyncio
from itertools import count
from random import Random

import pytest
from support.alerting import observation

from router.core.alerts.observation import Seen
from router.core.alerts.states import moves
from router.ledger import alerts as book_module
from router.ledger.alerts import AlertsAt, AlertsLook, LaneReport, open_alerts
from router.ledger.errors import LedgerUnavailable
from router.ledger.redis_keys import ALERTS_KEY, ALERTS_PREFIX


@pytest.fixture
async def book(server):
    async with open_alerts(server.url) as book:
        yield book


async def cross(book, *seen, lanes=("ops",), new_id=lambda: "c1"):
    look = await book.look()
    made = moves(look.kept, seen or [observation()], ("limit",), look.now, new_id)
    return await book.write(look, [(move, lanes if move.notice else ()) for move in made])


async def test_of_many_that_see_it_at_once_one_writes(book, server):
    books = [AlertsAt(server.url) for _ in range(4)]
    looks = [await each.look() for each in books]
    made = [moves(look.kept, [observation()], ("limit",), look.now, lambda: "c1") for look in looks]
    done = await asyncio.gather(
        *(
            each.write(look, [(move, ["ops"]) for move in some])
            for each, look, some in zip(books, looks, made, strict=True)
        )
    )
    assert sorted(done) == [[False], [False], [False], [True]]
    assert len(await book.told(10)) == 1 and (await book.lanes(["ops"]))["ops"].waiting == 1
    for each in books:
        each.close()


async def test_what_was_read_long_ago_is_not_written(book, monkeypatch):
    monkeypatch.setattr(book_module, "LATE_SECONDS", -1.0)
    assert await cross(book) == [False]
    assert (await book.look()).kept == {} and await book.told(10) == []


async def test_what_is_over_is_kept_no_more(book, server):
    assert await cross(book) == [True]
    assert (await book.look()).kept["limit|1"].crossing == "c1"
    assert await cross(book, observation(Seen.GOOD)) == [True]
    assert (await book.look()).kept == {} and not server.client.exists(ALERTS_KEY)
    assert [each.state for each in await book.told(10)] == ["resolved", "firing"]


async def test_a_message_is_one_gateways_until_its_lease_ends(book, server):
    await cross(book)
    message = await book.take("ops", "one", 60, 0)
    assert [each.id for each in message.notices] == ["c1-firing"]
    assert await book.take("ops", "two", 60, 0) is None
    server.client.delete(f"{ALERTS_PREFIX}lease:ops")
    again = await book.take("ops", "two", 60, 0)
    assert again == message
    assert await book.end("ops", "two", again, "delivered", 0, "")
    assert not await book.end("ops", "one", message, "delivered", 0, "")
    assert await book.take("ops", "one", 60, 0) is None
    report = (await book.lanes(["ops"]))["ops"]
    assert report.delivered > 0 and (report.waiting, report.failures) == (0, 0)


async def test_what_failed_waits_and_is_the_same_message_afterwards(book):
    await cross(book)
    message = await book.take("ops", "one", 60, 0)
    await cross(book, observation(Seen.GOOD))
    assert await book.end("ops", "one", message, "failed", 60, "answered with 500")
    assert await book.take("ops", "one", 60, 0) is None
    report = (await book.lanes(["ops"]))["ops"]
    assert (report.failures, report.why, report.waiting) == (1, "answered with 500", 2)


async def test_who_lost_the_lease_cannot_say_that_it_failed(book, server):
    await cross(book)
    message = await book.take("ops", "one", 60, 0)
    server.client.delete(f"{ALERTS_PREFIX}lease:ops")
    await book.take("ops", "two", 60, 0)
    assert not await book.end("ops", "one", message, "failed", 60, "late")
    assert (await book.lanes(["ops"]))["ops"].failures == 0


async def test_those_that_come_together_go_together(book):
    await cross(book, observation(key="limit|1"), observation(key="limit|2"))
    assert await book.take("ops", "one", 60, 3600) is None
    message = await book.take("ops", "one", 60, 0)
    assert len(message.notices) == 2
    await book.end("ops", "one", message, "failed", 0, "")
    assert (await book.take("ops", "one", 60, 3600)).attempts == 1


async def test_a_full_queue_drops_the_oldest_and_counts_them(book, monkeypatch):
    monkeypatch.setattr(book_module, "MOST_WAITING", 3)
    await cross(book, *(observation(key=f"limit|{number}", title=str(number)) for number in range(5)))
    message = await book.take("ops", "one", 60, 3600)
    assert message is None  # they still wait for others
    message = await book.take("ops", "one", 60, 0)
    assert [each.title for each in message.notices] == ["2", "3", "4"]
    assert (await book.lanes(["ops"]))["ops"].dropped == 2
    assert await book.end("ops", "one", message, "dropped", 0, "")
    assert (await book.lanes(["ops"]))["ops"] == LaneReport(dropped=5)


async def test_what_another_version_wrote_is_passed_over(book, server):
    server.client.hset(ALERTS_KEY, "limit|9", b"\xc1")
    assert (await book.look()).kept == {}
    await cross(book)
    server.client.lset(f"{ALERTS_PREFIX}queue:ops", 0, b"\xc1")
    assert await book.take("ops", "one", 60, 0) is None
    assert (await book.lanes(["ops"]))["ops"].waiting == 0


async def test_a_server_that_is_away_is_unavailable_and_found_again(server):
    book = AlertsAt(server.url)
    await book.look()
    book.close()
    assert (await book.look()).kept == {}
    book.close()
    with pytest.raises(LedgerUnavailable):
        await AlertsAt("redis://127.0.0.1:1/0").look()


PLANES, STEPS = 3, 60


@pytest.mark.parametrize("seed", range(5))
async def test_however_planes_interleave_what_is_told_takes_turns(book, server, seed):
    """Each looks, waits, and writes what it has seen then, which may be old news: still nothing is told twice."""
    chance, numbers = Random(seed), count()
    looks: list[AlertsLook | None] = [None] * PLANES
    bad = False
    for _ in range(STEPS):
        plane, bad = chance.randrange(PLANES), chance.choice((bad, bad, not bad))
        look = looks[plane]
        if look is None:
            looks[plane] = await book.look()
            continue
        seen = [observation(Seen.BAD if bad else Seen.GOOD)]
        made = moves(look.kept, seen, (), look.now, lambda: f"c{next(numbers)}")
        await book.write(look, [(move, ["ops"] if move.notice else []) for move in made])
        looks[plane] = None
    states = [each.state for each in reversed(await book.told(STEPS))]
    assert states == [("firing", "resolved")[number % 2] for number in range(len(states))] and len(states) > 4
    ids = [each.id for each in await book.told(STEPS)]
    assert len(set(ids)) == len(ids)
