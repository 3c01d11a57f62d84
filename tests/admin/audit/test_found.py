"""What is edited on disk is in the audit as well, and what was written through the control plane is there once."""

from __future__ import annotations

import asyncio

import pytest
from support.control import POLICY

from router.admin.audit.found import FoundPolicy
from router.config.load import version_of
from router.core.audit.entry import read_entry
from router.ledger.redis_keys import AUDIT_KEY

BETTER = POLICY.replace("strategy: threshold", "strategy: local_first")
OTHER = POLICY.replace("500000", "400000")
V1, V2 = version_of(POLICY.encode()), version_of(BETTER.encode())


@pytest.fixture
def found(plane):
    return FoundPolicy(plane.control.desk, plane.control.audit, "1.0")


def actions(valkey) -> list[str]:
    return [read_entry(line).action for line in valkey.lrange(AUDIT_KEY, 0, -1)]


async def look_twice(plane) -> None:
    """A new content is taken over once two looks have seen it."""
    for _ in range(2):
        await asyncio.to_thread(plane.control.desk.look)


async def test_a_start_and_an_edit_on_disk_each_leave_one_entry(plane, found, valkey):
    await found.look()
    await found.look()
    plane.policy.write_text(BETTER)
    await look_twice(plane)
    await found.look()
    await found.look()
    assert actions(valkey) == ["gateway.start", "policy.edit"]
    entry = read_entry(valkey.lindex(AUDIT_KEY, -1))
    assert (entry.subject, entry.via, entry.old["version"], entry.new["version"]) == (
        str(plane.policy),
        "gateway",
        V1,
        V2,
    )


async def test_what_was_applied_is_there_once(plane, found, valkey):
    await found.look()
    answer = await plane.post("/api/policy/apply", {"text": BETTER}, headers={"if-match": f'"{V1}"'})
    assert answer.status == 200
    await look_twice(plane)
    await found.look()
    assert actions(valkey) == ["gateway.start", "policy.apply"]


@pytest.mark.parametrize(("edited", "version"), [(POLICY, V1), (OTHER, version_of(OTHER.encode()))])
async def test_an_edit_right_after_an_apply_is_noted(plane, found, valkey, edited, version):
    """What was applied was never in force: without this the chain would say that it is."""
    await found.look()
    assert (await plane.post("/api/policy/apply", {"text": BETTER}, headers={"if-match": f'"{V1}"'})).status == 200
    await found.look()
    plane.policy.write_text(edited)
    await look_twice(plane)
    await found.look()
    await found.look()
    assert actions(valkey) == ["gateway.start", "policy.apply", "policy.edit"]
    entry = read_entry(valkey.lindex(AUDIT_KEY, -1))
    assert (entry.old["version"], entry.new["version"]) == (V2, version)
    assert plane.control.desk.history.entries()[0].how == "edited"


async def test_an_edit_while_the_ledger_is_lost_waits_and_is_noted(plane, found, valkey):
    valkey.set(AUDIT_KEY, "something else")
    await found.look()
    plane.policy.write_text(BETTER)
    await look_twice(plane)
    await found.look()
    valkey.delete(AUDIT_KEY)
    await plane.control.audit._send_waiting()
    assert actions(valkey) == ["gateway.start", "policy.edit"]
