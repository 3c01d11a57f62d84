"""What is kept beside the ledger, on a real disk."""

from __future__ import annotations

import pytest
from support.alerting import observation

from router.admin.alerts import local_book
from router.admin.alerts.local_book import LocalAlerts
from router.core.alerts.observation import Seen
from router.core.alerts.states import moves
from router.ledger.alerts import LaneReport


@pytest.fixture
def path(tmp_path):
    return tmp_path / "alerts.bin"


async def cross(book: LocalAlerts, *seen, new_id=lambda: "c1"):
    look = await book.look()
    made = moves(look.kept, seen or [observation()], ("limit",), look.now, new_id)
    return await book.write(look, [(move, ("ops",) if move.notice else ()) for move in made])


async def test_who_is_killed_finds_what_it_had_told_and_what_it_was_sending(path, clock):
    book = LocalAlerts(path, clock)
    assert await cross(book) == [True]
    message = await book.take("ops", "me", 60, 0)
    again = LocalAlerts(path, clock)
    assert (await again.look()).kept["limit|1"].crossing == "c1"
    assert await again.take("ops", "me", 60, 0) == message
    assert await again.end("ops", "me", message, "delivered", 0, "")
    assert await LocalAlerts(path, clock).take("ops", "me", 60, 0) is None
    assert [each.id for each in await again.told(9)] == ["c1-firing"]


async def test_what_is_refused_goes_in_parts_behind_what_comes_later(path, clock):
    book = LocalAlerts(path, clock)
    five = [observation(key=f"limit|{number}", title=str(number)) for number in range(5)]
    await cross(book, *five)
    message = await book.take("ops", "me", 60, 0)
    assert await book.end("ops", "me", message, "refused", 0, "answered with 400")
    again = await book.take("ops", "me", 60, 0)
    assert (again.id, again.attempts, again.refusals) == (message.id, 1, 1)
    assert await book.end("ops", "me", again, "parted", 0, "answered with 400")
    assert (await book.lanes(["ops"]))["ops"].waiting == 5
    await cross(book, *five, observation(key="later", title="later"))
    later = await book.take("ops", "me", 60, 0)
    assert [each.title for each in later.notices] == ["later"] and later.refusals == 0
    await book.end("ops", "me", later, "parted", 0, "")
    parts, sizes = [], []
    while (part := await book.take("ops", "me", 60, 0)) is not None:
        parts += [each.title for each in part.notices]
        sizes.append(len(part.notices))
        assert part.refusals == 2
        await book.end("ops", "me", part, "dropped" if parts == ["later"] else "delivered", 0, "answered with 400")
    assert (parts, sizes) == (["later", "0", "1", "2", "3", "4"], [1, 2, 3])
    report = (await book.lanes(["ops"]))["ops"]
    assert (report.dropped, report.dropped_why, report.failures) == (1, "answered with 400", 0)


async def test_what_is_refused_alone_rests_behind_all_others(path, clock, monkeypatch):
    monkeypatch.setattr(local_book, "MOST_WAITING", 2)
    book = LocalAlerts(path, clock)
    for number in range(3):
        await cross(book, *(observation(key=f"limit|{n}", title=str(n)) for n in range(number + 1)))
        message = await book.take("ops", "me", 60, 0)
        assert await book.end("ops", "me", message, "aside", 100, "answered with 400")
    report = (await book.lanes(["ops"]))["ops"]
    assert (report.waiting, report.dropped, report.failures) == (2, 1, 3)
    book = LocalAlerts(path, clock)
    assert await book.take("ops", "me", 60, 0) is None
    clock.now += 100
    first = await book.take("ops", "me", 60, 0)
    assert ([each.title for each in first.notices], first.refusals) == (["1"], 2)
    assert await book.end("ops", "me", first, "delivered", 0, "")
    second = await book.take("ops", "me", 60, 0)
    assert ([each.title for each in second.notices], second.refusals) == (["2"], 3), "others arrived"


async def test_what_is_over_is_told_and_kept_no_more(path, clock):
    book = LocalAlerts(path, clock)
    await cross(book)
    assert await cross(book, observation(Seen.GOOD)) == [True]
    assert (await book.look()).kept == {} and len(await book.told(9)) == 2


async def test_a_change_of_what_is_not_so_any_more_is_not_written(path, clock):
    book = LocalAlerts(path, clock)
    look = await book.look()
    (move,) = moves({}, [observation()], (), look.now, lambda: "c1")
    assert await book.write(look, [(move, ())]) == [True] and await book.write(look, [(move, ())]) == [False]


async def test_they_wait_for_each_other_and_one_message_goes_at_a_time(path, clock):
    book = LocalAlerts(path, clock)
    await cross(book)
    assert await book.take("ops", "me", 60, 10) is None
    clock.now += 10
    message = await book.take("ops", "me", 60, 10)
    assert message is not None and await book.take("ops", "me", 60, 10) is None
    assert await book.end("ops", "me", message, "failed", 30, "answered with 500")
    assert await book.take("ops", "me", 60, 10) is None
    assert await book.lanes(["ops", "other"]) == {
        "ops": LaneReport(failed=clock.now, failures=1, why="answered with 500", waiting=1),
        "other": LaneReport(),
    }
    clock.now += 30
    again = await book.take("ops", "me", 60, 10)
    assert again is not None and (again.id, again.attempts) == (message.id, 1)
    assert await book.end("ops", "me", again, "dropped", 0, "")
    assert not await book.end("ops", "me", again, "delivered", 0, "")
    assert (await book.lanes(["ops"]))["ops"].dropped == 1


async def test_a_full_queue_drops_the_oldest(path, clock, monkeypatch):
    monkeypatch.setattr(local_book, "MOST_WAITING", 2)
    book = LocalAlerts(path, clock)
    await cross(book, *(observation(key=f"limit|{n}", title=str(n)) for n in range(4)))
    message = await book.take("ops", "me", 60, 0)
    assert message is not None and [each.title for each in message.notices] == ["2", "3"]
    assert (await book.lanes(["ops"]))["ops"].dropped == 2


async def test_what_cannot_be_read_or_written_is_told_and_stops_nothing(path, clock, caplog):
    path.write_bytes(b"\xc1")
    book = LocalAlerts(path, clock)
    path.unlink()
    path.mkdir()
    assert await cross(book) == [True] and await book.take("ops", "me", 60, 0) is not None
    assert [record.message for record in caplog.records][:2] == [
        "what was told before cannot be read",
        "what was told cannot be written",
    ]
