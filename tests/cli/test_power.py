"""`breakeven power`."""

from __future__ import annotations

import json
import time

import msgspec
import pytest

from router.cli import main
from router.core.power.states import Phase
from router.core.power.units import UnitsState
from router.core.resilience.worker_status import PowerState
from router.ledger.power import KeptUnits, Ordered, PowerEvent
from router.ledger.redis_keys import POWER_EVENTS_KEY, POWER_KEY, POWER_LEASE_KEY, SHARED_KEY

ON = UnitsState(
    phase=Phase.ON,
    since=1_770_000_000.0,
    units=1,
    ready=1,
    wanted=1,
    reason="saves",
    explanation="A unit would save $2.40 an hour.",
)
START = PowerEvent(
    at=1_770_000_000.0,
    backend="gpu",
    before="off",
    after="starting",
    units=1,
    reason="saves",
    explanation="A unit would save $2.00 an hour.",
    who="host",
)


@pytest.fixture
def power(books, capsys):
    """Runs the command; its exit status and what it printed."""

    def run(*options: str) -> tuple[int, str]:
        status = main(["power", *options, "--redis", books.url])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


@pytest.fixture
def keep(books):
    def keep(name: str = "gpu", state: UnitsState = ON, controlled: bool = True, takes: bool = True) -> None:
        kept = KeptUnits(
            state,
            ordered_at=1e12 if takes else 0.0,
            next="Unit 1 is stopped when it would save less than $0.80 an hour.",
        )
        books.client.hset(POWER_KEY, f"state|{name}", msgspec.msgpack.encode(kept))
        told = PowerState(at=time.time() if controlled else 1.0, phase="on", serves=True)
        books.client.hset(SHARED_KEY, f"power|{name}", msgspec.msgpack.encode(told))
        books.client.set(POWER_LEASE_KEY, "of another") if controlled else books.client.delete(POWER_LEASE_KEY)
        books.client.lpush(POWER_EVENTS_KEY, msgspec.msgpack.encode(START))

    return keep


def test_what_is_on_and_why(power, keep):
    keep()
    status, text = power()
    assert status == 0
    heading, line, _, why = text.splitlines()
    assert heading.split() == ["backend", "is", "since", "order", "units", "answer", "wanted"]
    assert line.split()[:2] + line.split()[-4:] == ["gpu", "on", "auto", "1", "1", "1"]
    assert why == "gpu: A unit would save $2.40 an hour."


def test_what_would_change_it_next_and_what_did(power, keep):
    keep(state=msgspec.structs.replace(ON, error="exited with status 1"))
    _, text = power("why", "gpu")
    assert "Next: Unit 1 is stopped when it would save less than $0.80 an hour." in text
    assert "Last failure: exited with status 1." in text
    assert "off -> starting (saves): A unit would save $2.00 an hour." in text


def test_an_order_is_written_down_with_who_gave_it(power, keep, books, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "olga")
    keep()
    assert power("off") == (0, "gpu: ordered off.\n")
    given = msgspec.msgpack.decode(books.client.hget(POWER_KEY, "order|gpu"), type=Ordered)
    assert (given.order.value, given.who) == ("off", "olga (command)")
    assert "Order: off, by olga (command)" in power("why")[1]
    assert "order (order): olga (command) ordered: off." in power("why")[1]


def test_a_user_without_a_name_gives_orders_too(power, keep, monkeypatch):
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    keep()
    assert power("on")[0] == 0 and "by user " in power("why")[1]


def test_where_nobody_controls_that_is_said(power, keep):
    keep(controlled=False)
    for action in ("status", "on", "why"):
        assert "No gateway controls it now" in power(action)[1]


def test_an_order_that_nobody_takes_though_somebody_controlled_a_moment_ago(power, keep, books, monkeypatch):
    monkeypatch.setattr("router.cli.power.TAKEN_SECONDS", 0.4)
    keep(takes=False)
    status, text = power("off")
    assert status == 0 and text.startswith("gpu: ordered off.\nThe gateway that controlled it has not taken the order")
    books.client.delete(POWER_LEASE_KEY)
    assert "No gateway controls it now" in power("off")[1], "it has ended, and says so at once"


def test_where_several_are_switched_an_order_names_one(power, keep):
    keep("gpu")
    keep("card")
    status, text = power("on")
    assert (status == 2 and "say which backend: card, gpu" in text) or "gpu, card" in text
    assert power("on", "card")[0] == 0


def test_a_backend_that_is_not_switched(power, keep):
    keep()
    assert power("on", "gpus") == (2, "breakeven power: no units of 'gpus' are switched; there are: gpu\n")


def test_where_nothing_is_switched(power):
    assert power()[1].startswith("No units are switched here")
    assert power("why")[1].startswith("No units are switched here")
    assert power("on") == (2, "breakeven power: say which backend: there is none\n")


def test_json(power, keep):
    keep()
    found = json.loads(power("status", "--json")[1])
    assert found["backends"]["gpu"]["phase"] == "on" and found["backends"]["gpu"]["controlled"]
    assert [each["after"] for each in found["changes"]] == ["starting"]


def test_a_ledger_that_cannot_be_reached(capsys):
    assert main(["power", "--redis", "redis://127.0.0.1:1"]) == 1
    assert "breakeven power: " in capsys.readouterr().err
