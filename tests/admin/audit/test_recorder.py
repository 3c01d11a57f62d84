"""What cannot be noted is not done; what is done anyway is noted later, and never lost."""

from __future__ import annotations

import asyncio

import pytest
from support.audited import ANN, checked
from support.waiting import until

from router.admin.audit.recorder import Audit
from router.admin.errors import ApiError
from router.core.audit.entry import Entry, read_entry
from router.ledger.redis_keys import AUDIT_KEY

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def audit(session_valkey, valkey, tmp_path, clock):
    return Audit(session_valkey, tmp_path, clock, "gw1")


@pytest.fixture
def lost(tmp_path, clock):
    return Audit(NOWHERE, tmp_path, clock, "gw1")


def entries(valkey) -> list[Entry]:
    lines = valkey.lrange(AUDIT_KEY, 0, -1)
    assert checked(lines) == []
    return list(map(read_entry, lines))


async def test_a_change_is_noted_before_it_is_made(audit, valkey):
    async with audit.changing(ANN, "power.order", "gpu", old={"order": "auto"}, new={"order": "on"}, note="demo"):
        (entry,) = entries(valkey)
    assert (entry.who, entry.role, entry.via, entry.address) == ("ann", "admin", "page", "10.0.0.9")
    assert (entry.action, entry.subject, entry.old, entry.new) == (
        "power.order",
        "gpu",
        {"order": "auto"},
        {"order": "on"},
    )
    assert entry.note == "demo" and len(entries(valkey)) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [(ApiError(409, "taken", "it is there already"), "it is there already"), (KeyError("secret"), "it failed")],
)
async def test_a_change_that_failed_is_noted_as_that(error, said, audit, valkey):
    with pytest.raises(type(error)):
        async with audit.changing(ANN, "team.edit", "search", new="b"):
            raise error
    assert [each.note for each in entries(valkey)] == ["", f"it was not done: {said}"]


async def test_what_cannot_be_noted_is_not_done(lost):
    done = []
    with pytest.raises(ApiError, match="could not be written to the audit") as refused:
        async with lost.changing(ANN, "power.order", "gpu"):
            done.append("gpu")
    assert not done and (refused.value.status, refused.value.answer.error.code) == (503, "audit_unavailable")
    assert "edit the policy's file on disk" in str(refused.value)


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("policy.apply", "edit the policy's file on disk"),
        ("key.revoke", "name the key under `keys` in the policy's file on disk"),
        ("team.edit", "give the team its budget under `teams` in the policy's file on disk"),
        ("alert.test", "Try again when the ledger answers"),
    ],
)
async def test_what_to_do_instead_is_what_does_the_same(lost, action, said):
    with pytest.raises(ApiError, match="so nothing was changed") as refused:
        await lost.note(ANN, action, "app")
    assert said in str(refused.value)


async def test_what_is_done_anyway_waits_on_disk_until_the_ledger_is_back(lost, audit, valkey, clock):
    await lost.later(ANN, "sign-in", "")
    clock.now += 60
    await lost.found("policy.edit", "policy.yaml", new={"version": "2"})
    assert entries(valkey) == []
    await audit.later(ANN, "sign-out", "")
    assert entries(valkey) == [], "what waits already comes first"
    running = asyncio.create_task(audit.run())
    await until(lambda: len(entries(valkey)) == 3, 30)
    running.cancel()
    found = entries(valkey)
    assert [each.action for each in found] == ["sign-in", "policy.edit", "sign-out"]
    assert found[0].at < found[1].at and (found[1].via, found[1].who) == ("gateway", "gw1")


async def test_a_ledger_that_is_lost_halfway_loses_nothing(lost, audit, valkey, monkeypatch):
    for name in ("one", "two", "three"):
        await lost.later(ANN, "sign-in", name)
    valkey.set(AUDIT_KEY, "something else")
    await audit._send_waiting()
    valkey.delete(AUDIT_KEY)
    await audit._send_waiting()
    assert [each.subject for each in entries(valkey)] == ["one", "two", "three"]
    await audit._send_waiting()
    assert len(entries(valkey)) == 3


async def test_where_nothing_can_be_noted_nothing_is_done(tmp_path, clock):
    nowhere = Audit(NOWHERE, tmp_path / "gone", clock)
    with pytest.raises(ApiError, match="the ledger is lost, and the disk: No such file"):
        await nowhere.later(ANN, "sign-in", "")
