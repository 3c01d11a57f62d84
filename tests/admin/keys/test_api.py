"""Keys over HTTP, in a real ledger."""

from __future__ import annotations

import asyncio
import json
import logging
from hashlib import sha256

import pytest
from support.control import ADMIN, API, POLICY, VIEWER, Plane

from router.cli import main
from router.core.audit.entry import read_entry
from router.ledger.audit import open_audit
from router.ledger.stored_keys import open_keys

TAKEN = POLICY + "server: {stored_keys: true}\n"


@pytest.fixture
async def keys(start, policy) -> Plane:
    """A control plane whose policy takes keys of the ledger."""
    policy.write_text(TAKEN)
    return await start()


async def made(plane: Plane, name: str = "batch", **fields):
    answer = await plane.post("/api/keys", {"name": name, "team": "search"} | fields)
    assert answer.status == 200, answer.body
    return answer.json


async def listed(plane: Plane, query: str = "") -> list[dict]:
    return (await plane.get(f"/api/keys{query}")).json["keys"]


async def test_a_key_is_told_once_and_the_ledger_keeps_its_hash_alone(keys, session_valkey, valkey, caplog):
    caplog.set_level(logging.DEBUG)
    answer = await made(keys, models=["chat"], budget={"usd_per_month": 5})
    secret = answer["secret"]
    async with open_keys(session_valkey) as store:
        (stored,) = await store.all()
    assert stored.sha256 == sha256(secret.encode()).hexdigest()
    assert stored.entry == {"name": "batch", "team": "search", "models": ["chat"], "budget": {"usd_per_month": 5}}
    assert secret not in caplog.text
    assert all(secret not in str(value) for value in valkey.hgetall("be:{ledger}:keys").items())
    for path in ("/api/keys", f"/api/keys/{answer['key']['id']}"):
        assert secret.encode() not in (await keys.get(path)).body


async def test_keys_of_the_policy_and_of_the_ledger_are_listed_with_the_rule_that_says_which_counts(keys):
    await made(keys)
    answer = (await keys.get("/api/keys")).json
    assert [(key["name"], key["source"], key["state"]) for key in answer["keys"]] == [
        ("app", "policy", "active"),
        ("batch", "ledger", "active"),
    ]
    assert answer["rule"] == "Where the policy's file and the ledger name the same, the policy's counts."
    assert answer["taken"] and answer["total"] == 2 and answer["teams"] == ["search"]


async def test_a_name_that_the_policy_has_is_refused_and_one_that_it_gets_later_is_said(keys, session_valkey):
    refused = await keys.post("/api/keys", {"name": "app"})
    assert (refused.status, refused.code) == (400, "bad_key")
    assert "the policy has a key of this name, which counts" in refused.json["error"]["message"]
    async with open_keys(session_valkey) as store:
        await store.add("f" * 64, {"name": "app"})
    (_, own) = await listed(keys, "?search=app")
    assert own["source"] == "ledger" and "which counts" in own["problems"][0]


async def test_search_states_teams_and_pages_are_the_servers(keys):
    for number in range(5):
        await made(keys, f"batch-{number}", team=f"team-{number % 2}")
    (revoked,) = await listed(keys, "?search=BATCH-3")
    assert (await keys.post(f"/api/keys/{revoked['id']}/revoke", None)).status == 200
    assert [key["name"] for key in await listed(keys, "?state=revoked")] == ["batch-3"]
    assert [key["name"] for key in await listed(keys, "?team=team-1&state=working")] == ["batch-1"]
    assert [key["name"] for key in await listed(keys, f"?search={revoked['id'][:9]}")] == ["batch-3"]
    page = (await keys.get("/api/keys?source=ledger&offset=2&limit=2")).json
    assert [key["name"] for key in page["keys"]] == ["batch-2", "batch-3"] and page["total"] == 5


async def test_what_was_spent_and_when_it_was_last_used_is_told(keys, settle):
    await settle(API, cost=1_500_000)
    await settle(API, keys.clock.now - 40 * 86_400, cost=2_000_000)
    (app,) = await listed(keys)
    assert (app["spent_micro_usd"], app["last_used"]) == (1_500_000, "2026-11-25")
    keys.clock.now += 20 * 86_400
    (app,) = await listed(keys)
    assert (app["spent_micro_usd"], app["last_used"]) == (0, "2026-11")


async def test_two_admins_at_once_the_second_is_told_what_it_is_now(keys):
    key = (await made(keys))["key"]
    path = f"/api/keys/{key['id']}"
    first = await keys.ask("PUT", path, ADMIN, {"if-match": key["version"]}, json={"zones": ["local"]})
    assert first.status == 200 and first.json["zones"] == ["local"]
    second = await keys.ask("PUT", path, ADMIN, {"if-match": key["version"]}, json={"zones": ["cloud"]})
    assert (second.status, second.code) == (412, "changed")
    assert second.json["error"]["version"] == first.json["version"] == (await keys.get(path)).json["version"]
    assert (await keys.get(path)).json["zones"] == ["local"]


async def test_a_rotated_key_works_for_its_grace_and_is_narrowed_with_the_one_in_its_place(keys, session_valkey):
    old = (await made(keys))["key"]
    answer = await keys.post(f"/api/keys/{old['id']}/rotate", {"grace": 3600})
    new = answer.json["key"]
    assert answer.json["secret"].startswith("bk-") and new["id"] != old["id"]
    narrowed = await keys.ask(
        "PUT",
        f"/api/keys/{new['id']}",
        ADMIN,
        {"if-match": new["version"]},
        json={"models": ["chat"]},
    )
    assert narrowed.status == 200, narrowed.body
    rows = {key["id"]: key for key in await listed(keys, "?source=ledger")}
    assert (rows[old["id"]]["state"], rows[old["id"]]["models"]) == ("ending", ["chat"])
    again = await keys.post(f"/api/keys/{old['id']}/rotate", {})
    assert (again.status, again.code) == (409, "not_possible")
    ended = await keys.post(f"/api/keys/{new['id']}/revoke", None)
    assert {key["id"] for key in ended.json["keys"]} == {old["id"], new["id"]}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "x" * 500}, "name"),
        ({"name": "two words"}, "name"),
        ({"name": ""}, "name"),
        ({"team": "|"}, "team"),
        (
            {"name": "bat\u200bch"},
            "name: a name holds no character that is not seen or turns text around, as U+200B is",
        ),
        ({"team": "search\u202e"}, "team: a name holds no character that is not seen"),
        ({"models": ["cha"]}, 'there is no model "cha"; did you mean "chat"?'),
        ({"zones": ["moon"]}, 'there is no zone "moon"'),
        ({"sensitivity": "secret"}, 'there is no level "secret"'),
        ({"budget": {"usd_per_week": 1}}, "usd_per_week"),
        ({"budget": {"usd_per_month": -1}}, "usd_per_month"),
        ({"expires": "2026-02-31"}, "there is no day 2026-02-31"),
        ({"expires": 1e18}, "before the year 10000"),
        ({"expires": 253_402_300_800}, "before the year 10000"),
        ({"expires": -1e18}, "before the year 10000"),
    ],
)
async def test_what_cannot_be_a_key_is_refused_with_what_is_wrong(keys, fields, said):
    answer = await keys.post("/api/keys", {"name": "batch"} | fields)
    assert (answer.status, answer.code) == (400, "bad_key")
    assert said in answer.json["error"]["message"] and len(answer.json["error"]["message"]) < 1000
    assert [key["name"] for key in await listed(keys)] == ["app"]


@pytest.mark.parametrize(
    ("fields", "arguments", "said"),
    [
        ({"models": ["cha"]}, ["--models", "cha"], 'did you mean "chat"?'),
        ({"zones": ["moon"]}, ["--zones", "moon"], 'there is no zone "moon"'),
        ({"sensitivity": "secret"}, ["--sensitivity", "secret"], 'there is no level "secret"'),
        ({"tags": ["phy"]}, ["--tags", "phy"], "phy"),
        ({"budget": {"usd_per_week": 1}}, ["--budget", "usd_per_week=1"], "usd_per_week"),
        ({"budget": {"usd_per_month": -1}}, ["--budget", "usd_per_month=-1"], "usd_per_month"),
        ({"budget": {"models": {"cha": {"usd_per_day": 1}}}}, ["--budget", "models.cha.usd_per_day=1"], "cha"),
    ],
)
async def test_what_one_way_refuses_every_way_refuses_and_the_live_key_stays_as_it_is(
    keys, session_valkey, capsys, fields, arguments, said
):
    live = (await made(keys, "live", models=["chat"]))["key"]
    edited = await keys.ask("PUT", f"/api/keys/{live['id']}", ADMIN, {"if-match": live["version"]}, json=fields)
    refused = [await keys.post("/api/keys", {"name": "batch"} | fields), edited]
    assert all((each.status, said in each.json["error"]["message"]) == (400, True) for each in refused)

    async def command(*words: str) -> tuple[int, bool]:
        status = await asyncio.to_thread(main, ["key", *words, "--redis", session_valkey, "--policy", str(keys.policy)])
        return status, said in capsys.readouterr().err

    assert await command("new", "batch", "--store", *arguments) == (2, True)
    assert await command("edit", "live", *arguments) == (2, True)
    file = keys.policy.with_name("keys.jsonl")
    file.write_text(json.dumps({"name": "batch", "sha256": "a" * 64} | fields))
    assert await command("import", str(file)) == (2, True)
    assert [(key["name"], key["models"]) for key in await listed(keys, "?source=ledger")] == [("live", ["chat"])]


async def test_a_name_that_the_policy_has_is_refused_by_the_command_too_but_its_own_keys_can_move(
    keys, session_valkey, capsys
):
    def command(*words: str) -> int:
        return main(["key", *words, "--redis", session_valkey, "--policy", str(keys.policy)])

    assert await asyncio.to_thread(command, "new", "app", "--store") == 2
    assert "the policy has a key of this name" in capsys.readouterr().err
    file = keys.policy.with_name("keys.jsonl")
    (own,) = keys.control.desk.plan.policy.keys
    file.write_text(json.dumps({"name": "app", "sha256": own.sha256}))
    assert await asyncio.to_thread(command, "import", str(file)) == 0


async def test_no_key_is_made_that_no_worker_would_take(plane):
    answer = await plane.post("/api/keys", {"name": "batch"})
    assert (answer.status, answer.code) == (409, "keys_not_taken")
    assert "stored_keys: true" in answer.json["error"]["message"]


async def test_names_in_any_script_come_back_as_they_are(keys):
    for name in ("مفتاح", "🔑" * 20, "<img/src=x/onerror=alert(1)>"):
        assert (await made(keys, name, team=name))["key"]["name"] == name
        (found,) = await listed(keys, f"?search={name}")
        assert found["team"] == name


async def test_many_who_make_and_revoke_at_once_all_come_through(keys):
    answers = await asyncio.gather(*(keys.post("/api/keys", {"name": f"k{n}"}) for n in range(8)))
    assert [answer.status for answer in answers] == [200] * 8
    same = await asyncio.gather(*(keys.post("/api/keys", {"name": "same"}) for _ in range(4)))
    assert sorted(answer.status for answer in same) == [200, 409, 409, 409]


async def test_an_id_that_is_not_there_is_not_found_whatever_is_asked(keys):
    assert (await keys.get("/api/keys/0123")).code == "unknown_key"
    assert (await keys.post("/api/keys/0123/revoke", None)).code == "unknown_key"
    assert (await keys.post("/api/keys/0123/revoke", None, VIEWER)).code == "not_allowed"
    policys = (await listed(keys))[0]["id"]
    assert (await keys.post(f"/api/keys/{policys}/revoke", None)).code == "unknown_key"


async def test_every_change_is_in_the_audit_and_no_secret_is(keys, session_valkey):
    answer = await made(keys)
    key = answer["key"]
    edit = {"zones": ["local"]}
    edited = await keys.ask("PUT", f"/api/keys/{key['id']}", ADMIN, {"if-match": key["version"]}, json=edit)
    assert edited.status == 200
    rotated = (await keys.post(f"/api/keys/{key['id']}/rotate", {"grace": 60})).json
    await keys.post(f"/api/keys/{rotated['key']['id']}/revoke", None)
    await keys.post("/api/keys", {"name": "batch"})
    await keys.post("/api/keys", {"name": "batch"})
    async with open_audit(session_valkey) as chain:
        entries = [read_entry(line) async for line in chain.lines()]
    assert [entry.action for entry in entries] == [
        "key.make", "key.edit", "key.rotate", "key.revoke", "key.make", "key.make", "key.make"
    ]  # fmt: skip
    assert entries[1].old["team"] == "search" and entries[1].new["zones"] == ["local"]
    assert {entry.subject for entry in entries} == {"batch"}
    assert "there is a stored key batch already" in entries[-1].note  # what was noted and then could not be done
    assert not any(secret in str(entries) for secret in (answer["secret"], rotated["secret"]))
