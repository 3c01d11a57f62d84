"""A policy that is written is in the audit, by its digest; and one that could not be noted is not written."""

from __future__ import annotations

import hashlib

from support.control import ADMIN, POLICY
from valkey import Valkey

from router.admin.policy import service as service_module
from router.admin.policy.file import NotWritten
from router.config.load import version_of
from router.core.audit.entry import Entry, read_entry
from router.ledger.redis_keys import AUDIT_KEY

BETTER = POLICY.replace("strategy: threshold", "strategy: local_first")
V1, V2 = version_of(POLICY.encode()), version_of(BETTER.encode())


def entries(valkey: Valkey) -> list[Entry]:
    return list(map(read_entry, valkey.lrange(AUDIT_KEY, 0, -1)))


async def apply(plane, text: str = BETTER, version: str = V1):
    draft = {"text": text, "note": "cheaper"}
    return await plane.post("/api/policy/apply", draft, headers={"if-match": f'"{version}"'})


async def test_who_wrote_which_policy_in_place_of_which(plane, valkey):
    assert (await apply(plane)).status == 200
    (entry,) = entries(valkey)
    assert (entry.action, entry.subject, entry.note) == ("policy.apply", str(plane.policy), "cheaper")
    assert (entry.who, entry.role, entry.via, entry.address) == ("", "admin", "api", "127.0.0.1")
    assert entry.old == {"version": V1, "sha256": hashlib.sha256(POLICY.encode()).hexdigest()}
    assert entry.new["version"] == V2
    back = {"version": V1, "note": "too dear"}
    answer = await plane.ask("POST", "/api/policy/rollback", ADMIN, {"if-match": f'"{V2}"'}, json=back)
    assert answer.status == 200
    assert (entries(valkey)[1].action, entries(valkey)[1].new["version"]) == ("policy.rollback", V1)


async def test_what_changes_nothing_leaves_no_entry(plane, valkey):
    assert (await apply(plane, POLICY)).status == 200
    assert (await apply(plane, BETTER, V2)).status == 412
    assert (await apply(plane, "broken")).status == 422
    assert entries(valkey) == []


async def test_a_file_that_cannot_be_written_is_noted_as_not_done(plane, valkey, monkeypatch):
    def refuse(path, content):
        raise NotWritten("its disk is full")

    monkeypatch.setattr(service_module, "write_policy", refuse)
    assert (await apply(plane)).status == 409
    assert [each.note for each in entries(valkey)] == ["cheaper", "it was not done: its disk is full"]


async def test_a_policy_is_not_written_without_its_entry(plane, valkey):
    valkey.set(AUDIT_KEY, "something else")
    answer = await apply(plane)
    assert (answer.status, answer.code) == (503, "audit_unavailable")
    assert plane.policy.read_text() == POLICY and (await apply(plane)).status == 503
