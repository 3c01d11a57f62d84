"""Messages on their way: real HTTP, a real ledger, targets that hang and fail, gateways that are killed."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from typing import Any

import pytest
from support.alerting import SECRET, VARIABLE, alerting, made, observation, plan_with
from support.receiver import Receiver
from support.serving import PROJECT, clean_environment
from support.waiting import until

from router.admin.alerts import delivery as module
from router.admin.alerts.delivery import Delivery
from router.admin.alerts.targets.target import TooLong
from router.core.alerts.routes import lanes_of
from router.core.alerts.states import moves
from router.ledger.alerts import AlertsAt
from router.ledger.redis_keys import ALERTS_LANES_KEY, ALERTS_PREFIX


async def fire(book: AlertsAt, plan: Any, *keys: str, **fields: Any) -> None:
    look = await book.look()
    changes = moves(look.kept, [observation(key=key, title=key, **fields) for key in keys], (), look.now, keys[0].upper)
    written = await book.write(look, [(move, lanes_of(move.notice, plan.policy.alerts)) for move in changes])
    assert all(written)


async def due(server: Any, lane: str = "ops") -> None:
    """Whatever waits to be tried again is due now."""
    if server.exists(f"{ALERTS_PREFIX}message:{lane}"):
        server.hset(f"{ALERTS_PREFIX}message:{lane}", "due", 0)


async def rested(server: Any, lane: str = "ops") -> None:
    """What is aside has rested."""
    server.hset(ALERTS_LANES_KEY, f"{lane}|rests", 0)


async def test_what_fired_arrives_once(book, receiver):
    plan = plan_with(receiver.url)
    delivery = Delivery(book, lambda: plan)
    await fire(book, plan, "a", "b")
    assert await delivery.deliver("ops", plan.policy)
    assert not await delivery.deliver("ops", plan.policy)
    (got,) = receiver.received
    assert [each["title"] for each in got.json["alerts"]] == ["a", "b"]


async def test_what_failed_is_tried_again_as_the_same_message(book, receiver, valkey, caplog):
    plan = plan_with(receiver.url)
    receiver.answers = [500, 503]
    delivery = Delivery(book, lambda: plan)
    await fire(book, plan, "a")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            await delivery.deliver("ops", plan.policy)
            if len(receiver.received) < 3:
                await due(valkey)
    first, second, third = receiver.received
    assert first.body == second.body == third.body
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 1
    assert [record.why for record in caplog.records] == ["answered with 500", "answered with 503"]
    assert SECRET not in caplog.text
    assert (await book.lanes(["ops"]))["ops"].failures == 0


async def test_one_target_that_hangs_holds_up_no_other(book, receiver, monkeypatch):
    other = await Receiver().start()
    receiver.answers = [None]
    text = alerting(receiver.url).replace(
        "targets: {", f"targets: {{more: {{kind: webhook, url: '{other.url}', secret: 'env:{VARIABLE}'}}, ", 1
    )
    text = text.replace(f"'127.0.0.1:{receiver.port}'", "'127.0.0.1'", 1)
    plan = made(text)
    delivery = Delivery(book, lambda: plan)
    await fire(book, plan, "a")
    running = asyncio.create_task(delivery.run())
    try:
        await until(lambda: other.received and receiver.received)
        assert other.told() == ["a"]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await other.stop()


async def test_what_could_not_be_delivered_for_a_day_is_given_up_and_counted(book, receiver, caplog):
    plan = plan_with(receiver.url)
    await fire(book, plan, "a")
    look = await book.look()
    delivery = Delivery(book, lambda: plan, clock=lambda: look.now + module.TOO_OLD_SECONDS + 60)
    assert not await delivery.deliver("ops", plan.policy)
    report = (await book.lanes(["ops"]))["ops"]
    assert (report.dropped, report.waiting) == (1, 0)
    assert [record.message for record in caplog.records] == ["alert given up"] and receiver.received == []


async def test_what_grows_old_while_it_is_tried_is_given_up(book, receiver):
    plan = plan_with(receiver.url)
    receiver.answers = [500]
    await fire(book, plan, "a")
    look = await book.look()
    times = [look.now, look.now, look.now, look.now + module.TOO_OLD_SECONDS + 60]
    delivery = Delivery(book, lambda: plan, clock=lambda: times.pop(0) if len(times) > 1 else times[0])
    assert not await delivery.deliver("ops", plan.policy)
    assert ((await book.lanes(["ops"]))["ops"].dropped, len(receiver.received)) == (1, 1)


async def test_an_hour_of_errors_holds_up_nobody_and_keeps_a_bounded_queue(book, receiver, valkey, monkeypatch):
    """The same alert comes and goes all the time while the target answers 500."""
    monkeypatch.setattr("router.ledger.alerts.MOST_WAITING", 20)
    plan = plan_with(receiver.url)
    receiver.answers = [500] * 40
    delivery = Delivery(book, lambda: plan)
    for number in range(40):
        await fire(book, plan, f"a{number}")
        assert not await delivery.deliver("ops", plan.policy)
        await due(valkey)
    report = (await book.lanes(["ops"]))["ops"]
    assert (report.failures, report.waiting, report.dropped) == (40, 21, 19)
    assert await delivery.deliver("ops", plan.policy) and await delivery.deliver("ops", plan.policy)
    assert receiver.told()[-21:] == ["a0", *(f"a{number}" for number in range(20, 40))]


async def test_what_is_refused_for_what_it_says_is_found_given_up_and_holds_up_nothing(book, receiver, valkey, caplog):
    """One of ten is refused whenever it is sent: after three times its message is taken apart, and it alone is lost."""
    plan = plan_with(receiver.url)
    receiver.refused, receiver.refused_with = b"poison", 422
    delivery = Delivery(book, lambda: plan)
    names = [f"a{number}" for number in range(10)]
    await fire(book, plan, *names[:6], "poison", *names[6:])
    for waiting in (True, True, False):
        assert not await delivery.deliver("ops", plan.policy)
        await due(valkey) if waiting else None
    await fire(book, plan, "next")
    assert await delivery.deliver("ops", plan.policy), "what came meanwhile goes first"
    assert receiver.taken() == ["next"]
    for _ in range(12):
        await delivery.deliver("ops", plan.policy)
    assert sorted(receiver.taken()) == [*names, "next"], "each of the others once"
    report = (await book.lanes(["ops"]))["ops"]
    assert (report.dropped, report.dropped_why, report.waiting) == (1, "answered with 422", 0)
    (lost,) = [record for record in caplog.records if record.message == "alert given up"]
    assert (lost.target, lost.why, lost.alerts) == ("ops", "answered with 422", 1)


@pytest.mark.parametrize("status", [404, 405, 409, 410])
async def test_a_target_whose_address_is_gone_for_a_while_gets_all_of_it(book, receiver, valkey, status):
    plan = plan_with(receiver.url)
    receiver.answers = [status] * 12
    delivery = Delivery(book, lambda: plan)
    await fire(book, plan, "a", "b", severity="critical")
    for _ in range(12):
        assert not await delivery.deliver("ops|first", plan.policy)
        await due(valkey, "ops|first")
    assert await delivery.deliver("ops|first", plan.policy)
    assert receiver.taken() == ["a", "b"] and len({each.headers["webhook-id"] for each in receiver.received}) == 1


async def test_a_target_that_calls_everything_a_bad_request_for_a_while_gets_all_of_it(book, receiver, valkey):
    plan = plan_with(receiver.url)
    receiver.refused = b"alerts"
    delivery = Delivery(book, lambda: plan)
    await fire(book, plan, "a", "b", "c")
    for _ in range(30):
        assert not await delivery.deliver("ops", plan.policy)
        await due(valkey)
        await rested(valkey)
    receiver.refused = b""
    for _ in range(3):
        await rested(valkey)
        await delivery.deliver("ops", plan.policy)
    report = (await book.lanes(["ops"]))["ops"]
    assert sorted(receiver.taken()) == ["a", "b", "c"] and (report.dropped, report.waiting) == (0, 0)


async def test_one_that_is_called_a_bad_request_while_others_arrive_is_given_up(book, receiver, valkey):
    plan = plan_with(receiver.url)
    receiver.refused = b"poison"
    delivery = Delivery(book, lambda: plan)
    await fire(book, plan, "poison")
    for _ in range(5):
        assert not await delivery.deliver("ops", plan.policy)
        await due(valkey)
        await rested(valkey)
    assert (await book.lanes(["ops"]))["ops"].waiting == 1
    await fire(book, plan, "next")
    assert await delivery.deliver("ops", plan.policy)
    assert not await delivery.deliver("ops", plan.policy)
    report = (await book.lanes(["ops"]))["ops"]
    assert (report.dropped, report.dropped_why, report.waiting) == (1, "answered with 400", 0)


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_what_is_critical_is_tried_for_its_day_and_holds_up_nothing(book, receiver, valkey, status):
    plan = plan_with(receiver.url)
    receiver.refused, receiver.refused_with = b"poison", status
    delivery = Delivery(book, lambda: plan)
    await fire(book, plan, "poison", severity="critical")
    for _ in range(9):
        assert not await delivery.deliver("ops|first", plan.policy)
        await due(valkey, "ops|first")
    assert len(receiver.received) == 3, "then it rests"
    await fire(book, plan, "next", severity="critical")
    assert await delivery.deliver("ops|first", plan.policy)
    for _ in range(3):
        await rested(valkey, "ops|first")
        assert not await delivery.deliver("ops|first", plan.policy)
    assert len(receiver.received) == 7 and (await book.lanes(["ops|first"]))["ops|first"].dropped == 0
    receiver.refused = b""
    await rested(valkey, "ops|first")
    assert await delivery.deliver("ops|first", plan.policy)
    assert receiver.taken() == ["next", "poison"]


async def test_what_rests_aside_is_bounded_and_given_up_after_its_day(book, receiver, valkey, monkeypatch):
    monkeypatch.setattr("router.ledger.alerts.MOST_WAITING", 2)
    plan = plan_with(receiver.url)
    receiver.refused = b"poison"
    delivery = Delivery(book, lambda: plan)
    for number in range(3):
        await fire(book, plan, f"poison {number}", severity="critical")
        for _ in range(3):
            await delivery.deliver("ops|first", plan.policy)
            await due(valkey, "ops|first")
    report = (await book.lanes(["ops|first"]))["ops|first"]
    assert (report.dropped, report.waiting) == (1, 2)
    look = await book.look()
    late = Delivery(book, lambda: plan, clock=lambda: look.now + module.TOO_OLD_SECONDS + 60)
    for _ in range(2):
        await rested(valkey, "ops|first")
        assert not await late.deliver("ops|first", plan.policy)
    report = (await book.lanes(["ops|first"]))["ops|first"]
    assert (report.dropped, report.waiting) == (3, 0)


async def test_one_that_is_refused_alone_is_given_up_after_three_times(book, receiver, valkey):
    plan = plan_with(receiver.url)
    receiver.answers = [413, 503, 422, 413]
    delivery = Delivery(book, lambda: plan)
    await fire(book, plan, "a")
    for waiting in (1, 1, 1, 0):
        assert not await delivery.deliver("ops", plan.policy)
        assert (await book.lanes(["ops"]))["ops"].waiting == waiting
        await due(valkey) if waiting else None
    assert (await book.lanes(["ops"]))["ops"].dropped == 1


async def test_what_a_target_says_of_who_asks_is_no_refusal_of_the_message(book, receiver, valkey):
    plan = plan_with(receiver.url)
    receiver.answers = [401, 403, 408, 429] * 3
    delivery = Delivery(book, lambda: plan)
    await fire(book, plan, "a", "b")
    for _ in range(12):
        assert not await delivery.deliver("ops", plan.policy)
        await due(valkey)
    assert await delivery.deliver("ops", plan.policy)
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 1


async def test_what_is_critical_waits_for_nothing_that_was_refused_or_failed(book, receiver):
    plan = plan_with(receiver.url)
    receiver.refused = b'"title":"a"'
    delivery = Delivery(book, lambda: plan)
    await fire(book, plan, "a")
    assert not await delivery.deliver("ops", plan.policy)
    await fire(book, plan, "the ledger is lost", severity="critical")
    delivery.start_due()
    await until(lambda: receiver.taken())
    assert receiver.taken() == ["the ledger is lost"]
    await asyncio.gather(*delivery._under_way.values())


async def test_a_message_that_is_too_long_goes_in_parts_at_once(book, receiver, valkey):
    class Narrow:
        def __init__(self) -> None:
            self.sent: list[int] = []

        async def send(self, message: Any) -> None:
            if len(message.notices) > 2:
                raise TooLong("more than two")
            self.sent.append(len(message.notices))

    plan, narrow = plan_with(receiver.url), Narrow()
    delivery = Delivery(book, lambda: plan, sender=lambda *_: narrow)
    await fire(book, plan, *"abcde")
    for _ in range(6):
        await delivery.deliver("ops", plan.policy)
    assert sum(narrow.sent) == 5 and (await book.lanes(["ops"]))["ops"].waiting == 0


async def test_in_quiet_hours_it_waits(book, receiver):
    plan = plan_with(receiver.url)
    quiet = made(alerting(receiver.url).replace("timeout: 1s", "timeout: 1s, quiet: 22-07"))
    night, morning = 1_795_640_400.0, 1_795_676_400.0  # 22:00 and 8:00 in Berlin
    await fire(book, quiet, "a")
    await fire(book, quiet, "b", severity="critical")
    assert not await Delivery(book, lambda: quiet, clock=lambda: night).deliver("ops|later", quiet.policy)
    assert await Delivery(book, lambda: quiet, clock=lambda: night).deliver("ops|first", quiet.policy)
    assert receiver.told() == ["b"]
    assert await Delivery(book, lambda: quiet, clock=lambda: morning).deliver("ops|later", plan.policy)
    assert receiver.told() == ["b", "a"]


async def test_a_defect_in_a_target_is_a_failure_like_any_other(book, receiver, caplog):
    plan = plan_with(receiver.url)

    class Broken:
        async def send(self, message: Any) -> None:
            raise RuntimeError("a secret")

    await fire(book, plan, "a")
    delivery = Delivery(book, lambda: plan, sender=lambda *_: Broken())
    delivery.start_due()
    await asyncio.gather(*delivery._under_way.values())
    report = (await book.lanes(["ops"]))["ops"]
    assert report.why == "it failed (RuntimeError)"


async def test_without_alerts_nothing_is_taken(book, receiver):
    plan = plan_with(receiver.url)
    await fire(book, plan, "a")
    off = plan.policy.model_copy(update={"alerts": None})
    assert not await Delivery(book, lambda: plan).deliver("ops", off)
    assert (await book.lanes(["ops"]))["ops"].waiting == 1


KILLED = """
import asyncio, sys
from datetime import UTC, datetime
from router.admin.alerts.delivery import Delivery
from router.config.load import plan_of
from router.ledger.alerts import AlertsAt
plan = plan_of(open(sys.argv[1], "rb").read(), "policy.yaml", now=datetime.now(UTC))
asyncio.run(Delivery(AlertsAt(sys.argv[2]), lambda: plan, lease=0.2).run())
"""


async def test_killed_in_the_middle_of_a_delivery_the_next_one_sends_the_same_message(
    book, receiver, tmp_path, session_valkey, valkey
):
    """A receiver that knows ids takes each crossing once, whenever its sender was killed."""
    path = tmp_path / "policy.yaml"
    path.write_text(alerting(receiver.url))
    plan = made(path.read_text())
    receiver.answers = [None]
    await fire(book, plan, "a")
    environment = clean_environment() | {VARIABLE: SECRET}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(path), session_valkey, cwd=PROJECT, env=environment
    )
    await until(lambda: receiver.received, 30)
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    (head,) = receiver.received
    valkey.delete(f"{ALERTS_PREFIX}lease:ops")
    assert await Delivery(book, lambda: plan).deliver("ops", plan.policy)
    assert not await Delivery(book, lambda: plan).deliver("ops", plan.policy)
    again = receiver.received[-1]
    assert (again.headers["webhook-id"], again.body) == (head.headers["webhook-id"], head.body)
    assert {alert["id"] for alert in receiver.alerts} == {"A-firing"}
