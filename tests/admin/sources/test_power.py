"""What the controller left in the ledger, as pages show it."""

from __future__ import annotations

from msgspec.structs import replace

from router.admin.sources.power import LedgerPower, report_of
from router.core.power.states import Phase
from router.core.power.terms import Order
from router.core.power.units import UnitsState
from router.core.resilience.worker_status import PowerState
from router.ledger.power import KeptUnits, Ordered, PowerEvent, PowerLook

STATE = UnitsState(phase=Phase.FAILED, since=50.0, wanted=1, error="exited with status 1", failures=2, reason="waiting")
EVENT = PowerEvent(
    at=50.0, backend="gpu", before="starting", after="failed", units=0, reason="failed", explanation="Why.", who="gw1"
)
LOOK = PowerLook(
    now=100.0,
    kept={"gpu": KeptUnits(STATE, next="It is tried again in 60 s.")},
    orders={},
    wakes={},
    powers={"gpu": PowerState(at=99.0, phase="failed", serves=False)},
    running={},
    gateways=1,
)


def test_what_is_kept_is_told():
    report = report_of("gpu", LOOK, [EVENT, replace(EVENT, backend="other")])
    assert (report.phase, report.since, report.wanted, report.failing) == ("failed", 50.0, 1, "exited with status 1")
    assert report.next == "It is tried again in 60 s." and report.controlled and report.order == "auto"
    assert [(each.after, each.who) for each in report.changes] == [("failed", "gw1")]


def test_a_failure_of_the_past_is_none():
    calm = replace(LOOK, kept={"gpu": KeptUnits(replace(STATE, failures=0))})
    assert report_of("gpu", calm, []).failing == ""


def test_what_nobody_has_confirmed_lately_is_controlled_by_nobody():
    assert not report_of("gpu", replace(LOOK, now=200.0), []).controlled
    assert not report_of("gpu", replace(LOOK, powers={}), []).controlled


def test_an_order_is_told_with_who_gave_it():
    report = report_of("gpu", replace(LOOK, orders={"gpu": Ordered(Order.OFF, 40.0, "admin (page)")}), [])
    assert (report.order, report.ordered_by) == ("off", "admin (page)")


async def test_it_is_read_from_the_ledger_and_orders_are_written_to_it(valkey, session_valkey):
    power = LedgerPower(session_valkey)
    assert await power.units() == {}
    await power.order("gpu", Order.ON, "admin (page)")
    assert await power.units() == {}, "nobody controls it yet"
