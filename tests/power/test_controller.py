from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace
from support.rental import POLICY, POWER, PROCESS

from router.config.secrets import MissingSecretError
from router.core.power.states import Phase
from router.core.power.terms import Order
from router.ledger.errors import LedgerUnavailable
from router.ledger.redis_keys import SHARED_KEY
from router.power.controller import Controller
from router.power.known_units import KnownUnitsFile


async def test_a_request_that_waits_has_one_unit_started_and_it_goes_when_nobody_needs_it(house):
    house.start()
    await house.run(20)
    told = await house.told()
    assert (told.phase, told.serves, told.wakes, house.rental.starts) == ("off", False, True, 0)
    for _ in range(3):
        house.wake()
        await house.run(10)
    told = await house.told()
    assert (told.phase, told.coming, house.rental.starts) == ("starting", True, 1)
    assert 0 < told.ready_at - house.rental.now <= 60
    await house.run(60)
    assert (await house.told()).serves
    await house.run(1500)
    told = await house.told()
    assert (told.phase, house.rental.stops, house.rental.on) == ("off", 1, [])
    reasons = [(event.before, event.after, event.reason) for event in await house.events()]
    assert reasons[0] == ("off", "starting", "waiting")
    assert [after for _, after, _ in reasons] == ["starting", "on", "draining", "stopping", "off"]


async def test_a_unit_of_another_name_at_its_address_comes_after_it(house):
    """A backend that is renamed, while a request waits for it."""
    house.start()
    house.wake()
    await house.run(100)
    assert house.rental.on
    backends = dict(house.plan.policy.backends)
    backends["renamed"] = backends.pop("gpu")
    house.plan = replace(house.plan, policy=house.plan.policy.model_copy(update={"backends": backends}))
    for _ in range(60):
        house.server.client.hset(SHARED_KEY, "wake|renamed", repr(house.rental.now))
        await house.run(5)
        there = house.others["renamed"].on if "renamed" in house.others else []
        assert not (house.rental.on and there)
        if house.rental.on:
            kept = (await house.look()).kept.get("renamed")
            assert kept is None or (kept.state.phase, kept.state.reason) == (Phase.OFF, "address-taken")
    assert not house.rental.on and house.rental.stops == 1
    assert house.others["renamed"].starts == 1 and (await house.look()).kept["renamed"].state.phase is Phase.ON


async def test_a_unit_is_started_when_it_saves_its_rent_and_stopped_when_it_does_not(house):
    house.start()
    house.usd_per_hour = 3.0
    await house.run(3600)
    assert (await house.told()).serves and house.rental.starts == 1
    started = next(event for event in await house.events() if event.after == "starting")
    assert started.reason == "saves" and "$1.00" in started.explanation and started.who == "host-0"
    house.usd_per_hour = 0.0
    await house.run(2 * 3600)
    assert (house.rental.stops, (await house.told()).phase) == (1, "off")


@pytest.mark.parametrize(
    ("usd_per_hour", "order", "starts"),
    [(3.0, Order.AUTO, (1, 0)), (9.0, Order.AUTO, (1, 1)), (3.0, Order.OFF, (0, 1))],
    ids=["one is enough", "more than one serves", "the first is ordered off"],
)
async def test_two_backends_of_one_model_are_not_both_started_for_the_same_tokens(
    house, plan_of, usd_per_hour, order, starts
):
    """A unit serves as many tokens as the cloud charges 4 USD an hour for."""
    begin, end = POLICY.index("  gpu:"), POLICY.index("  api:")
    gpu = POLICY[begin:end].replace("1.0}}", f"1.0}}, capacity: {{tokens_per_second: {4e6 / 3600}}}}}")
    dear = gpu.replace("gpu:", "dear:").replace("usd_per_hour: 1.0", "usd_per_hour: 1.5")
    edits = {POLICY[begin:end]: dear + gpu, "[gpu, api]": "[dear, gpu, api]"}
    house.plan = plan_of(**edits)
    house.start()
    if order is not Order.AUTO:
        await house.order(order)
    house.usd_per_hour = usd_per_hour
    await house.run(3 * 3600)
    assert (house.rental.starts, house.others["dear"].starts) == starts


async def test_what_is_written_says_what_would_change_it_next(house):
    house.start()
    await house.run(20)
    assert (await house.kept()).next.startswith("Unit 1 is started when it would save at least $1.00 an hour")


async def test_an_order_is_taken_once_and_by_whom_is_written_down(house):
    house.start()
    await house.run(20)
    await house.order(Order.ON)
    await house.run(120)
    assert (await house.told()).serves
    orders = [event for event in await house.events() if event.reason == "order"]
    assert {event.who for event in orders} == {"admin (page)"}
    assert [event.after for event in orders] == ["", "starting", "on"]
    await house.order(Order.OFF)
    await house.run(60)
    assert house.rental.on == [] and not (await house.told()).wakes
    house.wake()
    await house.run(60)
    assert house.rental.starts == 1, "an order is an order"
    await house.order(Order.AUTO)
    house.wake()
    await house.run(20)
    assert house.rental.starts == 2


async def test_streams_that_run_are_finished_before_a_stop_up_to_drain(house):
    house.start()
    await house.order(Order.ON)
    await house.run(120)
    house.runs(1)
    await house.order(Order.OFF)
    for _ in range(8):
        house.runs(1)
        await house.run(5)
    assert (await house.told()).phase == "draining" and house.rental.stops == 0
    house.runs(0)
    await house.run(10)
    assert house.rental.stops == 1


async def test_a_wake_while_it_drains_goes_back_to_on_without_a_stop(house):
    house.start()
    await house.order(Order.ON)
    await house.run(120)
    await house.order(Order.AUTO)
    house.runs(1)
    for _ in range(200):
        if (await house.told()).phase == "draining":
            break
        house.runs(1)
        await house.run(5)
    house.wake()
    await house.run(5)
    assert (await house.told()).serves and (house.rental.starts, house.rental.stops) == (1, 0)


async def test_a_start_that_fails_is_tried_again_later_and_told(house):
    house.start()
    house.rental.broken = "no capacity in this region"
    house.wake()
    await house.run(15)
    told = await house.told()
    assert told.phase == "failed" and told.failing == "no capacity in this region"
    house.rental.broken = ""
    for _ in range(20):
        house.wake()
        await house.run(5)
    assert house.rental.starts == 1
    failed = [event for event in await house.events() if event.after == "failed"]
    assert "No capacity in this region" in failed[0].explanation


async def test_a_start_that_does_nothing_and_says_that_it_did_fails_in_time(house):
    house.start()
    house.rental.deaf = True
    house.wake()
    await house.run(330)
    assert "nothing of it was there" in (await house.told()).failing


async def test_a_unit_that_dies_while_it_is_on_is_a_failure(house):
    house.start()
    await house.order(Order.ON)
    await house.run(120)
    house.rental.lose()
    await house.run(10)
    told = await house.told()
    assert told.failing == "its units are gone" and not told.serves
    await house.run(300)
    assert house.rental.starts == 2 and (await house.told()).serves


async def test_while_the_driver_cannot_tell_nothing_is_done_and_workers_know(house):
    house.start()
    await house.order(Order.ON)
    await house.run(120)
    house.rental.blind = "HTTP 403"
    await house.run(60)
    assert not (await house.told()).known and house.rental.stops == 0
    house.rental.blind = ""
    await house.run(10)
    assert (await house.told()).serves and house.rental.starts == 1


async def test_a_second_controller_waits_for_the_lease_and_goes_on_from_what_is_kept(house):
    first, second = house.start(), house.start()
    house.wake()
    await house.run(30)
    assert house.rental.starts == 1 and len(house.drivers) == 1
    house.controllers.remove(first)
    await first.close()
    await house.run(60)
    assert (await house.told()).serves and (house.rental.starts, len(house.drivers)) == (1, 2)
    assert house.drivers[0].closed
    house.controllers.append(first)
    await house.run(10)
    assert second is house.controllers[0] and house.rental.starts == 1


async def test_who_loses_the_lease_in_mid_start_writes_and_starts_nothing_more(house):
    hanging = asyncio.Event()

    async def hang(controller: Controller, point: str) -> None:
        if point == "before start" and not hanging.is_set():
            hanging.set()
            await asyncio.Event().wait()

    house.point = hang
    house.start()
    house.wake()
    await house.run(10)
    assert hanging.is_set() and house.rental.starts == 0
    house.end_lease()
    house.controllers.insert(0, house.start())
    house.controllers.pop()
    await house.run(10)
    assert (await house.kept()).state.phase is Phase.STARTING and house.rental.starts == 0
    await house.run(40)
    assert house.rental.starts == 1
    await house.run(60)
    assert (await house.told()).serves and house.rental.starts == 1


async def test_without_the_ledger_nothing_is_started_for_its_cost_and_nothing_stopped(house, monkeypatch):
    house.start()
    house.usd_per_hour = 100.0
    await house.run(30)
    link = house.controllers[0]._link

    async def lost() -> object:
        raise LedgerUnavailable("connection refused")

    with monkeypatch.context() as patch:
        patch.setattr(link, "connection", lost)
        await house.run(3600)
        assert house.rental.starts == 0
        house.local.asked.add("gpu")
        await house.run(120)
        assert house.rental.starts == 1
        house.local.asked.clear()
        await house.run(7200)
        assert house.rental.stops == 0
    await house.run(10)
    assert (await house.told()).serves and house.rental.starts == 1


async def test_what_was_done_without_the_ledger_is_told_once_it_is_back(house, monkeypatch):
    house.start()
    await house.run(30)

    async def lost() -> object:
        raise LedgerUnavailable("connection refused")

    with monkeypatch.context() as patch:
        patch.setattr(house.controllers[0]._link, "connection", lost)
        house.local.asked.add("gpu")
        await house.run(120)
        assert house.rental.starts == 1 and not await house.events()
        house.local.asked.clear()
    await house.run(30)
    changes = [(event.before, event.after) for event in await house.events()]
    assert changes == [("off", "starting"), ("starting", "on")]


async def test_who_never_controlled_does_nothing_without_the_ledger(house, monkeypatch):
    controller = house.start()

    async def lost() -> object:
        raise LedgerUnavailable("connection refused")

    monkeypatch.setattr(controller._link, "connection", lost)
    house.local.asked.add("gpu")
    await house.run(60)
    assert house.rental.starts == 0


async def test_a_clock_that_jumps_switches_nothing(house):
    house.start()
    house.usd_per_hour = 3.0
    await house.run(3600)
    assert house.rental.starts == 1
    for jump in (3600.0, -7200.0, 3600.0):
        house.rental.now += jump
        await house.run(60)
    assert (house.rental.starts, house.rental.stops) == (1, 0) and (await house.told()).serves


async def test_units_that_a_policy_has_no_more_are_switched_off_before_they_are_forgotten(house, plan_of):
    house.start()
    await house.order(Order.ON)
    await house.run(120)
    house.plan = plan_of(**{"tiny-llama": "large-llama"})
    await house.run(5)
    kept = await house.kept()
    assert kept.state.reason == "left" and "other units" in kept.state.explanation and "comes after them" in kept.next
    await house.run(60)
    assert house.rental.stops == 1
    assert (await house.kept()).state.reason != "left"


@pytest.mark.parametrize(
    "edit",
    [{"tiny-llama": "large-llama"}, {"  gpu:": "  other:", "[gpu, api]": "[other, api]"}],
    ids=["changed", "gone"],
)
async def test_units_of_a_policy_that_was_edited_while_nobody_controlled_are_switched_off(
    house, plan_of, tmp_path, edit
):
    house.known = KnownUnitsFile(tmp_path / "switched-units.json")
    first = house.start()
    await house.order(Order.ON)
    await house.run(120)
    await first.close()
    house.controllers.remove(first)
    house.plan = plan_of(**edit)
    house.start()
    await house.run(60)
    assert house.rental.stops == 1
    assert (await house.events())[-3].reason == "left"


async def test_what_stays_on_when_it_ends_is_told(house, caplog):
    first = house.start()
    await house.run(20)
    await first.close()
    house.controllers.remove(first)
    assert "stay on" not in caplog.text
    second = house.start()
    await house.order(Order.ON)
    await house.run(120)
    await second.close()
    house.controllers.remove(second)
    (told,) = [each for each in caplog.records if "stay on" in each.message]
    assert (told.levelname, told.backend, told.units, house.rental.stops) == ("WARNING", "gpu", 1, 0)


async def test_units_that_nobody_knows_how_to_switch_off_are_told(house, plan_of, caplog):
    first = house.start()
    await house.order(Order.ON)
    await house.run(120)
    await first.close()
    house.controllers.remove(first)
    house.plan = plan_of(**{"  gpu:": "  other:", "[gpu, api]": "[other, api]"})
    house.start()
    await house.run(20)
    assert house.rental.stops == 0 and "nobody here can switch them off" in caplog.text


async def test_units_that_a_policy_has_no_more_are_asked_for_until_their_driver_can_tell(house, plan_of):
    house.start()
    await house.order(Order.ON)
    await house.run(120)
    house.rental.blind = "HTTP 403"
    house.plan = plan_of(**{"tiny-llama": "large-llama"})
    await house.run(60)
    kept = await house.kept()
    assert house.rental.stops == 0 and "once their driver can tell" in kept.next
    assert "never" not in kept.state.explanation + (await house.told()).why
    house.rental.blind = ""
    await house.run(60)
    assert house.rental.stops == 1 and len(house.drivers) == 2


@pytest.mark.parametrize(
    "edit",
    [
        {"start: {run: [start]}": "start: {run: [other]}"},
        {"stop: {run: [stop]}": "stop: {run: [other]}"},
        {"look: {run: [look]}": "look: {run: [other], timeout: 10s}"},
        {"driver: command,": "driver: command, env: {TOKEN: file:/dev/null},"},
    ],
)
async def test_an_edit_of_how_units_are_looked_at_and_switched_is_taken_at_once_and_leaves_them_on(
    house, plan_of, edit
):
    house.start()
    house.wake()
    await house.run(120)
    house.plan = plan_of(**edit)
    await house.run(60)
    assert (house.rental.starts, house.rental.stops, len(house.drivers)) == (1, 0, 2)
    assert house.drivers[0].closed and (await house.told()).serves
    await house.order(Order.OFF)
    await house.run(60)
    assert house.rental.on == [], "by the new driver"


@pytest.mark.parametrize("seconds", [5, 30, 120])
async def test_an_edit_is_taken_while_the_old_look_hangs_or_cannot_tell(house, plan_of, seconds):
    house.start()
    house.wake()
    await house.run(seconds)
    house.rental.blind = "it ran for longer than 2 s"
    await house.run(30)
    house.drivers[0].look = asyncio.Event().wait
    house.rental.blind = ""
    await house.run(10)
    house.plan = plan_of(**{"look: {run: [look]}": "look: {run: [look], timeout: 10s}"})
    await house.run(120)
    assert (await house.told()).phase == "on" and (house.rental.starts, house.rental.stops) == (1, 0)
    reasons = {event.reason for event in await house.events()}
    assert not reasons & {"left", "never"}


async def test_a_driver_that_could_not_be_made_is_made_with_the_next_policy(house, monkeypatch):
    controller = house.start()
    make = controller._make_driver

    def fail(name, policy):
        raise MissingSecretError("TOKEN is not set")

    controller._make_driver = fail
    await house.run(20)
    assert not (await house.told()).known
    controller._make_driver = make
    house.plan = replace(house.plan, version="another")
    await house.run(20)
    assert (await house.told()).known


async def test_an_edit_that_means_the_same_units_goes_on_with_them(house, plan_of):
    house.start()
    await house.order(Order.ON)
    await house.run(120)
    house.plan = replace(plan_of(), version="another")
    await house.run(60)
    assert (house.rental.starts, house.rental.stops, len(house.drivers)) == (1, 0, 1)


async def test_a_policy_without_power_needs_no_lease(house, plan_of):
    house.plan = plan_of(**{POWER: ""})
    house.start()
    await house.run(20)
    assert not house.server.client.keys("*power*")


async def test_what_the_policy_has_no_more_is_forgotten_once_it_is_off(house, plan_of):
    house.start()
    await house.order(Order.ON)
    await house.run(120)
    house.plan = plan_of(**{POWER: ""})
    await house.run(60)
    look = await house.look()
    assert house.rental.on == [] and look.kept == {} and look.powers == {}
    assert house.drivers[0].closed


async def test_a_unit_on_another_machine_is_left_to_a_gateway_there(house, plan_of):
    house.plan = plan_of(
        **{PROCESS: "driver: process, launch: {model: tiny}", "local, kind: openai": "local, kind: vllm"}
    )
    first = house.start()
    await house.order(Order.ON)
    await house.run(120)
    house.controllers.remove(first)
    await first.close()
    house.start()
    await house.run(120)
    told = await house.told()
    assert not told.known and house.rental.starts == 1
    assert "it runs on host-0, and only a gateway there" in (await house.events())[-1].explanation
    second = house.controllers.pop()
    await second.close()
    house.controllers.append(first)
    await house.run(60)
    assert (await house.told()).serves and house.rental.starts == 1
    await house.order(Order.OFF)
    await house.run(60)
    await first.close()
    house.controllers[:] = [second]
    await house.order(Order.ON)
    await house.run(120)
    assert (await house.told()).serves and house.rental.starts == 2, "where none is on, any machine may start its own"
