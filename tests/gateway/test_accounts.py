"""What the books say of attempts that came to nothing, and of reports that cannot be true."""

from __future__ import annotations

import json

import pytest
from support.scripted import answer, completion, raw, silence

ASK = {"model": "chat", "max_tokens": 50, "messages": [{"role": "user", "content": "hello there"}]}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"

MAY_BE_BILLED = {
    "reset before the head": raw(b""),
    "silence": silence(),
    "a body shorter than announced": raw(HEAD + b"content-length: 500\r\n\r\n{}"),
}
IS_NOT_BILLED = {
    "429": answer(429, b"{}"),
    "400 is relayed": answer(400, b"{}"),
    "500": answer(500, b"{}"),
    "503": answer(503, b"{}"),
    "our key refused": answer(401, b"{}"),
}


def reporting(**usage: int) -> bytes:
    return json.dumps(json.loads(completion()) | {"usage": usage}).encode()


@pytest.mark.parametrize("fault", MAY_BE_BILLED.values(), ids=MAY_BE_BILLED)
async def test_a_failed_attempt_that_may_be_billed_is_counted(gateway, backends, fault):
    backends["gpu"].default = fault
    assert (await gateway.post(ASK))[0] == 200
    rows = {row.cell.backend: row for row in gateway.rows()}
    failed = rows["gpu"]
    assert (failed.requests, failed.errors, failed.estimated > 0, failed.input > 0) == (0, 0, True, True)
    assert rows["api"].requests == 1
    attempt = next(record for record in gateway.ledger.records if record.kind == "attempt")
    settled = next(record for record in gateway.ledger.records if record.kind == "settled")
    assert (attempt.request, attempt.backend, attempt.estimated) == (settled.request, "gpu", True)
    assert attempt.detail and not attempt.id


@pytest.mark.parametrize("fault", IS_NOT_BILLED.values(), ids=IS_NOT_BILLED)
async def test_an_error_that_came_as_an_answer_costs_nothing(gateway, backends, fault):
    backends["gpu"].default = fault
    await gateway.post(ASK)
    assert "attempt" not in {record.kind for record in gateway.ledger.records}


async def test_a_refused_connection_costs_nothing(gateway, backends):
    await backends["gpu"].stop()
    assert (await gateway.post(ASK))[0] == 200
    assert [record.kind for record in gateway.ledger.records] == ["settled"]


async def test_a_report_beyond_what_was_asked_is_not_believed(gateway, backends, caplog):
    backends["gpu"].default = answer(200, reporting(prompt_tokens=900_000_000, completion_tokens=900_000_000))
    await gateway.post(ASK)
    [row] = gateway.rows()
    assert row.output <= 50 + 16 and row.input < 10_000 and row.estimated == 1
    assert "reported more tokens" in caplog.text


async def test_a_negative_report_is_none(gateway, backends):
    backends["gpu"].default = answer(200, reporting(prompt_tokens=-5, completion_tokens=-5))
    await gateway.post(ASK)
    [row] = gateway.rows()
    assert row.input > 0 and row.output > 0 and row.estimated == 1


async def test_an_honest_report_is_taken_as_it_is(gateway, backends):
    backends["gpu"].default = answer(200, reporting(prompt_tokens=12, completion_tokens=50))
    await gateway.post(ASK)
    [row] = gateway.rows()
    assert (row.input, row.output, row.estimated) == (12, 50, 0)
