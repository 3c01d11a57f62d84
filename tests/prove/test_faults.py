"""Faults of most groups in every form, against a whole gateway; `make prove WHAT=faults` plays all of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from prove.faults import FAULTS, INPUT, OUTPUT, End, Fault, Made, Sees, whole
from prove.faulty import Bill
from prove.faulty_report import faults_of, otherwise
from prove.faulty_run import KINDS, Booked, Cell, Outcome, Played, Seen, cells_of, play
from prove.faulty_verdict import ANSWERED, BROKEN, CUT, DEADLINE, all_wrongs, saw, wrongs
from support.litellm import python_with_litellm

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"
LEAST = 90
CHOSEN = (
    "connection refused",
    "reset before the head",
    "500",
    "307 to another host",
    "an answer that ends with the connection",
    "a tool call that is cut",
    "reset in the middle",
    "an event that is no JSON in the middle",
    "usage missing",
)


@pytest.mark.timeout(300)
@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl, which makes a certificate")
def test_faults_of_every_kind_are_seen_as_they_should_be() -> None:
    chosen = [fault for fault in FAULTS if fault.name in CHOSEN]
    assert len(chosen) == len(CHOSEN)
    assert all_wrongs(play(cells_of(chosen), python_with_litellm(), rounds=0)) == []


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    assert len({fault.slug for fault in FAULTS}) == len(FAULTS) >= LEAST


# --- the instruments


def seen(status: int = 200, body: bytes = b"", kind: str = "application/json", **fields: object) -> Seen:
    return Seen(status=status, headers={"content-type": kind}, body=body, whole=True, **fields)


def sent(fault: Fault, stream: bool) -> bytes:
    return b"".join(step for step in fault.plays(stream) if isinstance(step, bytes))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"choices": [{}]}', ANSWERED),
        (b'{"choices": []}', BROKEN),
        (b'{"error": {"message": "no"}}', BROKEN),
        (b"<html>", BROKEN),
        (b"", BROKEN),
    ],
)
def test_an_answer_is_one_that_an_sdk_makes_sense_of(body: bytes, told: str) -> None:
    assert saw(seen(body=body), False).startswith(told)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'data: {"choices": [{"finish_reason": "stop"}]}\n\ndata: [DONE]\n\n', ANSWERED),
        (b'data: {"choices": []}\n\ndata: {"error": {"message": "no"}}\n\n', CUT),
        (b'data: {"error": {"message": "no"}}\n\ndata: [DONE]\n\n', BROKEN),
        (b'data: {"choices": []}\n\n', BROKEN),
    ],
)
def test_a_stream_ends_in_one_way(body: bytes, told: str) -> None:
    assert saw(seen(body=body, kind="text/event-stream"), True).startswith(told)
    assert saw(seen(body=body, kind="text/event-stream"), False).startswith(BROKEN)


def test_what_is_late_or_booked_below_the_bill_or_far_above_it_is_wrong() -> None:
    fault = next(each for each in FAULTS if each.sees is Sees.ANSWER and not each.slow)
    cell, good = Cell(fault, "cloud", False, False), seen(body=b'{"choices": [{}]}')
    bill = Bill(input=INPUT, output=OUTPUT, asked=1)
    paid = Booked(input=INPUT, output=OUTPUT, cost=INPUT + 2 * OUTPUT)
    assert list(wrongs(Played(cell, good, bill, paid))) == []
    late = seen(body=b'{"choices": [{}]}', ended=DEADLINE + 2)
    assert any("ended after" in each for each in wrongs(Played(cell, late, bill, paid)))
    assert any("that are billed" in each for each in wrongs(Played(cell, good, bill, Booked())))
    assert any("more than" in each for each in wrongs(Played(cell, good, bill, Booked(input=10**9, cost=10**9))))
    assert any("instead of" in each for each in wrongs(Played(cell, seen(503), bill, paid)))


@pytest.mark.parametrize(
    ("sizes", "grew"),
    [([100.0, 300.0, 310.0, 305.0], False), ([100.0, 300.0, 320.0, 349.0], True), ([100.0, 300.0], False)],
    ids=["room for the largest answers", "more in each round", "two looks say nothing"],
)
def test_memory_that_grows_is_wrong(sizes: list[float], grew: bool) -> None:
    found = all_wrongs(Outcome(memory={"router.app.worker": sizes}))
    assert [wrong.partition(":")[0] for wrong in found] == ["router.app.worker grew"] * grew


def test_what_is_booked_below_the_bill_when_asked_again_is_wrong() -> None:
    assert all_wrongs(Outcome(unpaid=["usage-missing.cloud: 1 for 2"])) == ["asked again: usage-missing.cloud: 1 for 2"]


def test_a_whole_answer_bills_what_it_makes() -> None:
    for stream in (False, True):
        assert sum(step.output for step in whole(stream) if isinstance(step, Made)) == OUTPUT


def test_a_fault_in_the_middle_has_a_beginning_and_no_end() -> None:
    fault = next(each for each in FAULTS if each.name == "reset in the middle")
    assert fault.plays(True)[-1] is End.RESET
    assert b"word00" in sent(fault, True) and b"[DONE]" not in sent(fault, True)


def test_every_fault_is_played_in_every_form() -> None:
    assert len({each.name for each in cells_of(FAULTS)}) == len(FAULTS) * len(KINDS) * 2 * 2


def test_the_document_has_every_fault_in_its_order() -> None:
    """`make prove WHAT=faults` writes it; a table that was changed since needs a new run."""
    assert faults_of(DOCUMENT.read_text()) == [fault.name for fault in FAULTS]


def test_the_document_is_of_a_run_in_which_nothing_was_wrong() -> None:
    assert DOCUMENT.read_text().endswith(otherwise([]))
