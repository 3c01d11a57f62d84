"""A draft on the traffic of the last days, over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import aiohttp
import pytest
from support.control import ADMIN, API, NOON, POLICY, VIEWER
from support.recorded import settled, write
from support.waiting import until

from router.admin.request_types import Draft
from router.admin.simulation import process as process_module
from router.admin.simulation.api import _task
from router.cli import main
from router.config.load import version_of

PATH = "/api/policy/simulate"
HERE = POLICY.replace("strategy: threshold, threshold_tokens_per_day: 500000", "strategy: local_first")
DAY = 86_400.0


def week(count: int, version: str = version_of(POLICY.encode()), **fields):
    """So many requests, evenly in the last six days."""
    return (settled(NOON - 6 * DAY + 5.5 * DAY * n / count, n, API, version, **fields) for n in range(count))


async def lines_of(plane, text: str, token: str = VIEWER) -> list[dict]:
    answer = await plane.post(PATH, {"text": text}, token)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.body.splitlines() if line.strip()]


async def test_a_draft_is_told_as_the_command_tells_it(plane, valkey, session_valkey, tmp_path, monkeypatch, capsys):
    write(valkey, week(3000))
    *progress, last = await lines_of(plane, HERE)
    assert progress[0] == {"progress": {"share": 0.0, "read": 0, "requests": 0}}
    assert all(list(each) == ["progress"] for each in progress)
    result = last["result"]
    assert result["draft"]["figures"]["own_requests"] == 3000 > result["present"]["figures"]["own_requests"]

    export, simulate = (command.split() for command in result["traffic"]["commands"])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "draft.yaml").write_text(HERE)
    assert await asyncio.to_thread(main, [*export[1:], "--redis", session_valkey]) == 0
    assert await asyncio.to_thread(main, [*simulate[1:], "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert result["draft"] == {name: printed[name] for name in result["draft"]}
    assert result["present"] == printed["against"]
    assert (result["moved"], result["same"]) == (printed["moved"], printed["same"])
    assert (result["traffic"]["first"], result["traffic"]["last"]) == ("2026-11-19", "2026-11-25")


async def test_a_draft_that_lets_restricted_requests_leave_is_told_by_what_is_in_force(plane, valkey):
    write(valkey, week(3, level="restricted"))
    widened = POLICY.replace("restricted: [local]", "restricted: [local, cloud]")
    result = (await lines_of(plane, widened))[-1]["result"]
    assert [result[each]["figures"]["restricted_left"] for each in ("draft", "present")] == [3, 0]
    assert result["draft"]["warnings"] == ["3 requests that may not leave would leave"]


async def test_what_records_do_not_tell_is_said(plane, valkey):
    write(valkey, [settled(NOON - 3600, 1, API, "")])
    notes = (await lines_of(plane, HERE))[-1]["result"]["traffic"]["notes"]
    assert notes[1].startswith("1 request was recorded by a release that did not keep")


@pytest.mark.parametrize("records", [[], [settled(NOON - 20 * DAY, 1, API, "")]], ids=["none", "too old"])
async def test_without_records_it_says_what_to_do(plane, valkey, records):
    write(valkey, records)
    error = (await lines_of(plane, HERE))[-1]["error"]
    assert error["code"] == "nothing_recorded" and "send requests through the gateway" in error["message"]


async def test_a_broken_draft_is_told_as_check_tells_it(plane):
    broken = POLICY.replace("kind: openai", "kind: openia")
    told = await plane.post(PATH, {"text": broken})
    assert (told.status, told.code) == (422, "policy_broken")
    checked = (await plane.post("/api/policy/check", {"text": broken}, VIEWER)).json
    assert told.json["error"]["problems"] == checked["problems"] and checked["problems"][0]["line"] > 0


async def test_a_ledger_that_is_lost_is_told(start, settings):
    from msgspec.structs import replace

    plane = await start(given=replace(settings, redis="unix:///nowhere.sock"))
    answer = await plane.post(PATH, {"text": HERE})
    assert (answer.status, answer.code) == (503, "ledger_unavailable")


# --- its process


@pytest.fixture
async def running(plane, valkey):
    """A draft that is being tried, by a client of its own, and that stands still."""
    write(valkey, week(20_000))
    async with (
        aiohttp.ClientSession(headers={"authorization": f"Bearer {ADMIN}"}) as client,
        client.post(plane.url + PATH, json={"text": HERE}) as response,
    ):
        while b"progress" not in await response.content.readline():
            assert not response.content.at_eof()
        os.kill(plane.control.simulations.pid, signal.SIGSTOP)
        yield response


def environment(pid: int) -> str:
    found = Path(f"/proc/{pid}/environ").read_text()
    assert "PATH=" in found
    return found


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


async def test_one_at_a_time(plane, running):
    answer = await plane.post(PATH, {"text": HERE}, VIEWER)
    assert (answer.status, answer.code) == (409, "simulation_running")


async def test_who_leaves_takes_the_process_along(plane, running):
    pid = plane.control.simulations.pid
    assert pid is not None and not gone(pid)
    running.close()
    await until(lambda: gone(pid))
    await until(lambda: plane.control.simulations.pid is None)


async def test_the_gateways_end_is_its_end_and_nothing_comes_after(plane, running):
    pid = plane.control.simulations.pid
    plane.control.simulations.end()
    await until(lambda: gone(pid))
    last = [line async for line in running.content][-1]
    assert json.loads(last)["error"]["code"] == "ending"
    assert (await plane.post(PATH, {"text": HERE})).code == "ending"


async def test_nothing_of_ours_is_in_its_environment(plane, valkey, monkeypatch):
    for name in ("OPENAI_API_KEY", "BREAKEVEN_REDIS", "BREAKEVEN_ADMIN_TOKEN", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "a-secret-of-ours")
    write(valkey, week(20_000))
    async with plane.control.simulations.run(await _task(plane.control, Draft(HERE))) as lines:
        assert await anext(lines)
        assert "a-secret-of-ours" not in environment(plane.control.simulations.pid)


async def test_what_takes_too_long_is_stopped_and_said(plane, valkey, monkeypatch):
    monkeypatch.setattr(process_module, "SECONDS", 0.0)
    write(valkey, week(10))
    error = (await lines_of(plane, HERE))[-1]["error"]
    assert error["code"] == "took_too_long" and "breakeven simulate" in error["message"]
