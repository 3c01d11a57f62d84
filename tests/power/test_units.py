from __future__ import annotations

import asyncio
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from support.rental import Rental, RentalDriver
from support.waiting import until

from router.core.backend_kinds import Backend, VllmBackend
from router.core.power.control import Start, Stop
from router.core.power.terms import Mode
from router.core.values import Plan
from router.ledger.power import KeptUnits
from router.power.units import Units, identity_of

UTC = ZoneInfo("UTC")
MONDAY_NOON = 1_779_710_400.0


@pytest.fixture
def backend_of(plan_of: Callable[..., Plan]) -> Callable[..., Backend]:
    return lambda **edits: plan_of(**edits).policy.backends["gpu"]


class Failing(RentalDriver):
    async def look(self):
        raise RuntimeError("a defect")

    async def start(self, units: int) -> None:
        raise RuntimeError("a defect")


async def test_a_command_is_carried_out_and_what_became_of_it_is_known(backend_of):
    rental = Rental()
    units = Units("gpu", backend_of(), UTC, RentalDriver(rental), KeptUnits())
    units.act(Start(1))
    assert units.acting
    await until(lambda: units.done)
    assert (rental.starts, units.acting, units.error) == (1, False, "")
    rental.broken = "HTTP 429"
    units.act(Stop(0))
    await until(lambda: units.error)
    assert (rental.stops, units.done, units.error) == (0, False, "HTTP 429")
    await units.close()


async def test_a_defect_of_a_driver_is_a_failure_and_nothing_that_it_tells(backend_of):
    units = Units("gpu", backend_of(), UTC, Failing(Rental()), KeptUnits())
    units.look()
    await until(lambda: units.seen)
    assert units.seen.units is None and "RuntimeError" in units.seen.why
    units.act(Start(1))
    await until(lambda: units.error)
    assert units.error == "the driver failed (RuntimeError)"
    await units.close()


async def test_a_driver_that_does_not_answer_cannot_tell(backend_of, monkeypatch):
    class Hanging(RentalDriver):
        async def look(self):
            await asyncio.Event().wait()

    monkeypatch.setattr("router.power.units.LONGEST_LOOK", 0.01)
    units = Units("gpu", backend_of(), UTC, Hanging(Rental()), KeptUnits())
    units.look()
    await until(lambda: units.seen)
    assert units.seen.units is None and "has not told" in units.seen.why
    await units.close()


async def test_what_is_closed_leaves_what_is_on(backend_of):
    rental = Rental()
    driver = RentalDriver(rental)
    units = Units("gpu", backend_of(), UTC, driver, KeptUnits())
    units.act(Start(1))
    units.look()
    await until(lambda: units.done)
    await units.close()
    assert rental.on and driver.closed


async def test_the_schedule_wants_a_unit_that_is_ready_when_it_begins(backend_of):
    units = Units(
        "gpu",
        backend_of(**{"drain: 1m": "drain: 1m, schedule: 13-20 Mon-Fri"}),
        UTC,
        RentalDriver(Rental()),
        KeptUnits(),
    )
    noon = MONDAY_NOON
    assert not units.scheduled(noon) and units.scheduled(noon + 3600)
    assert units.scheduled(noon + 3600 - 50) and not units.scheduled(noon + 3600 - 70), "a start takes 60 s"
    units.leave()
    assert not units.scheduled(noon + 3600) and units.terms.left and units.terms.mode is Mode.AUTO
    units.adopt(backend_of(), UTC)
    assert not units.terms.left


def powered(power: dict[str, object], **backend: object) -> Backend:
    given = {"kind": "vllm", "zone": "local", "url": "http://127.0.0.1:1/v1", "serves": {"chat": "tiny"}}
    return VllmBackend.model_validate(given | {"power": power} | backend)


PROCESS = {"driver": "process", "launch": {"model": "tiny"}}
COMMAND = {"driver": "command", "start": {"run": ["start"]}, "stop": {"run": ["stop"]}, "look": {"run": ["look"]}}
KUBERNETES = {"driver": "kubernetes", "name": "vllm", "kubeconfig": "/a", "context": "here"}
SLEEP = {"driver": "sleep"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (COMMAND, COMMAND | {"start": {"run": ["other"], "timeout": "1s"}}),
        (COMMAND, COMMAND | {"stop": {"run": ["other"]}, "env": {"TOKEN": "file:/other"}}),
        (COMMAND, COMMAND | {"look": {"run": ["other"], "timeout": "1s", "means_on": ["ready"]}}),
        (COMMAND, COMMAND | {"mode": "always", "start_time": "1s", "start_timeout": "2s", "drain": "3s"}),
        (PROCESS, PROCESS | {"min_on": "1s", "min_off": "1s", "wake_for": [], "schedule": "08-09"}),
        (PROCESS, PROCESS | {"units": 1, "mode": "never"}),
        (KUBERNETES, KUBERNETES | {"kubeconfig": "/b", "timeout": "1s", "units": 4}),
        (SLEEP, SLEEP | {"card": "a", "timeout": "1s"}),
    ],
)
def test_how_units_are_switched_and_looked_at_makes_no_others_of_them(before, after):
    assert identity_of(powered(before)) == identity_of(powered(after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (PROCESS, PROCESS | {"launch": {"model": "large"}}),
        (PROCESS, PROCESS | {"launch": {"model": "tiny", "max_model_len": 1024}}),
        (PROCESS, COMMAND),
        *((KUBERNETES, KUBERNETES | {name: "other"}) for name in ("name", "namespace", "context")),
        (KUBERNETES, KUBERNETES | {"workload": "StatefulSet"}),
    ],
)
def test_what_names_another_unit_makes_others_of_them(before, after):
    assert identity_of(powered(before)) != identity_of(powered(after))


@pytest.mark.parametrize("power", [PROCESS, COMMAND, SLEEP])
def test_what_has_no_name_of_its_own_is_known_by_its_address_and_models(power):
    given = identity_of(powered(power))
    assert given == identity_of(powered(power, serves={"chat": {"model": "tiny", "context": 4096}, "more": "tiny"}))
    assert given != identity_of(powered(power, serves={"chat": "large"}))
    assert given != identity_of(powered(power, url="http://127.0.0.1:2/v1"))


def test_a_deployment_is_the_same_wherever_it_answers():
    moved = powered(KUBERNETES, url="http://127.0.0.1:2/v1", serves={"chat": "large"})
    assert identity_of(powered(KUBERNETES)) == identity_of(moved)


async def test_a_driver_that_another_takes_the_place_of_ends_its_command_and_is_asked_no_more(backend_of):
    rental, going_on = Rental(), asyncio.Event()

    async def wait(point: str) -> None:
        await going_on.wait()

    class Hanging(RentalDriver):
        async def look(self):
            await asyncio.Event().wait()

    first, second = Hanging(rental, wait), RentalDriver(rental)
    units = Units("gpu", backend_of(), UTC, first, KeptUnits())
    units.act(Start(1))
    units.look()
    await asyncio.sleep(0)
    units.change_driver(second)
    units.look()
    await until(lambda: units.seen)
    assert units.seen.units == 0 and units.acting and not first.closed
    going_on.set()
    await until(lambda: first.closed and units.seen is not None and units.seen.units)
    assert units.done and rental.starts == 1
    await units.close()
    assert second.closed
