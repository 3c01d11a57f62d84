"""A real child process that behaves as vLLM does, well or badly."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import TypeAdapter
from support import fake_vllm
from support.engines import free_port
from support.lives import age_of

from router.core.backend_kinds import Backend
from router.power.drivers import process
from router.power.drivers.begin import Run, ending_of, file_of, log_of
from router.power.drivers.driver import DriverError, Seen
from router.power.drivers.process import NAME, ProcessDriver
from router.power.drivers.process_identity import identity_of
from router.power.drivers.programs import last_run, running


class Unit:
    """A backend with its driver, and what the fake vLLM told of its starts."""

    def __init__(self, tmp_path: Path, folder: Path) -> None:
        self.python = fake_vllm.installed_in(tmp_path / "bin")
        self.told = tmp_path / "told"
        self.told.mkdir()
        self.folder = folder
        self.port = free_port()

    def section(self, model: str, **fields: Any) -> dict[str, Any]:
        env = {"FAKE_VLLM_FOLDER": str(self.told)} | fields.pop("env", {})
        launch = {"model": model, "python": str(self.python), "env": env} | fields.pop("launch", {})
        power = {"driver": "process", "launch": launch, "mode": "always"}
        url = f"http://127.0.0.1:{self.port}/v1"
        return {"zone": "local", "kind": "vllm", "url": url, "serves": {"chat": "m"}, "power": power} | fields

    def driver(self, model: str = "works", **fields: Any) -> ProcessDriver:
        backend = TypeAdapter(Backend).validate_python(self.section(model, **fields))
        assert backend.power is not None and backend.power.driver == "process"
        return ProcessDriver(backend, backend.power, self.folder)

    @property
    def starts(self) -> list[int]:
        return sorted(int(path.name) for path in self.told.iterdir())

    def given(self) -> dict[str, Any]:
        return json.loads((self.told / str(self.starts[-1])).read_text())

    @property
    def run(self) -> Run:
        found = last_run(self.folder, NAME)
        assert found is not None
        return found


@pytest.fixture
def unit(tmp_path: Path, folder: Path) -> Iterator[Unit]:
    """Whatever a test does with it, also one that fails: what it started is ended."""
    made = Unit(tmp_path, folder)
    yield made
    for pid in made.starts:
        if str(made.python.parent).encode() in seen_by_every_user(pid):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(autouse=True)
def _no_secrets_of_ours_pass(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-vllm")
    monkeypatch.setenv("HF_TOKEN", "hf-not-unless-named")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    yield


async def until(look: Callable[[], Awaitable[Seen]], holds: Callable[[Seen], bool], seconds: float = 30) -> Seen:
    give_up = time.monotonic() + seconds
    while not holds(seen := await look()):
        assert time.monotonic() < give_up, seen
        await asyncio.sleep(0.05)
    return seen


def said(seen: Seen) -> tuple[int | None, int, str]:
    """All but when."""
    return seen.units, seen.ready, seen.why


async def on(driver: ProcessDriver) -> None:
    await driver.start(1)
    await until(driver.look, lambda seen: seen.ready == 1)


async def test_it_starts_answers_and_ends(unit: Unit) -> None:
    driver = unit.driver()
    assert said(await driver.look()) == (0, 0, "")
    await driver.start(1)
    assert (await driver.look()).units == 1
    assert said(await until(driver.look, lambda seen: seen.ready == 1)) == (1, 1, "")
    pid = unit.run.pid
    await driver.stop(0)
    assert said(await driver.look()) == (0, 0, "")
    assert identity_of(pid) == ""
    await driver.close()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only /proc tells to the hundredth of a second")
async def test_when_it_began_and_ended_is_told_also_to_whoever_comes_later(unit: Unit) -> None:
    driver = unit.driver()
    assert (await driver.look()).began == 0, "none ever did"
    asked = time.time()
    await on(driver)
    begun = time.time() - age_of(unit.run.pid)
    seen = await driver.look()
    assert seen.began is not None and asked <= seen.began and abs(seen.began - begun) < 1.0 and not seen.ended
    await driver.close()
    os.kill(unit.run.pid, signal.SIGKILL)
    wait_for_end_of(unit.run)
    ended = time.time()
    await asyncio.sleep(1)
    later = unit.driver()
    found = await later.look()
    assert found.began == seen.began and abs(found.ended - ended) < 0.5
    await later.stop(0)
    assert await later.look() == Seen(0, 0, "", found.began, found.ended), "being told to end is no end"
    await on(later)
    again = await later.look()
    assert again.began is not None and again.began > found.ended and not again.ended
    await later.close()


def wait_for_end_of(run: Run) -> None:
    give_up = time.monotonic() + 30
    while running(run):
        assert time.monotonic() < give_up
        time.sleep(0.01)


async def test_when_it_ended_is_when_that_was_seen_where_nobody_watched(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "ENDING_SECONDS", 0.2)
    driver = unit.driver()
    await on(driver)
    os.kill(unit.run.pid, signal.SIGKILL)
    wait_for_end_of(unit.run)
    ending = ending_of(unit.folder, NAME)
    give_up = time.monotonic() + 30
    while not ending.exists():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.01)
    ending.write_text(json.dumps({"mark": "of another", "at": 1.0}))
    asked = time.time()
    assert asked <= (await driver.look()).ended <= time.time()
    await driver.close()


async def test_what_is_done_already_is_not_done_again(unit: Unit) -> None:
    driver = unit.driver()
    await on(driver)
    for units in (1, 0, 1):
        await driver.start(units)
    await driver.stop(1)
    assert said(await driver.look()) == (1, 1, "") and len(unit.starts) == 1
    await driver.stop(0)
    await driver.stop(0)
    assert len(unit.starts) == 1
    await driver.close()


async def test_what_it_is_started_with(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own key and what the policy gives it; no secret of ours, no file that others may read."""
    monkeypatch.setenv("GPU_KEY", "key-of-the-unit")
    monkeypatch.setenv("MODELS_TOKEN", "hf-of-the-models")
    env = {"HF_TOKEN": "env:MODELS_TOKEN", "VLLM_CPU_KVCACHE_SPACE": "1"}
    driver = unit.driver(api_key="env:GPU_KEY", env=env, launch={"max_model_len": 2048, "args": ["--enforce-eager"]})
    await on(driver)
    given = unit.given()
    assert given["arguments"] == [
        *("serve", "works", "--host", "127.0.0.1", "--port", str(unit.port), "--served-model-name", "m"),
        *("--max-model-len", "2048", "--enforce-eager"),
    ]
    environment = given["environment"]
    assert environment["VLLM_API_KEY"] == "key-of-the-unit" and environment["HF_TOKEN"] == "hf-of-the-models"
    assert environment["CUDA_VISIBLE_DEVICES"] == "1" and environment["VLLM_NO_USAGE_STATS"] == "1"
    assert "OPENAI_API_KEY" not in environment and "sk-not-for-vllm" not in environment.values()
    assert given["umask"] == 0o077 and given["folder"] == str(unit.folder)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (unit.folder, *unit.folder.iterdir()))
    assert b"key-of-the-unit" not in seen_by_every_user(unit.run.pid)
    await driver.stop(0)
    await driver.close()


def seen_by_every_user(pid: int) -> bytes:
    """Its command line; nothing once it has ended."""
    return subprocess.run(["ps", "-o", "args=", "-ww", "-p", str(pid)], capture_output=True, check=False).stdout


async def test_it_is_found_again_and_is_another_for_nobody(unit: Unit) -> None:
    first, second = unit.driver(), unit.driver()
    await on(first)
    await first.close()
    assert said(await second.look()) == (1, 1, "")
    await second.start(1)
    assert len(unit.starts) == 1
    await second.stop(0)
    assert said(await second.look()) == (0, 0, "")
    await second.close()


async def test_many_that_start_it_at_once_start_one(unit: Unit) -> None:
    drivers = [unit.driver() for _ in range(4)]
    await asyncio.gather(*(driver.start(1) for driver in drivers))
    await until(drivers[0].look, lambda seen: seen.ready == 1)
    assert len(unit.starts) == 1
    await drivers[0].stop(0)
    for driver in drivers:
        await driver.close()


CONTROLLER = """
    import asyncio, json, sys
    from pathlib import Path
    from pydantic import TypeAdapter
    from router.core.backend_kinds import Backend
    from router.power.drivers.process import ProcessDriver

    async def main():
        backend = TypeAdapter(Backend).validate_python(json.loads(sys.argv[1]))
        driver = ProcessDriver(backend, backend.power, Path(sys.argv[2]))
        print("here", flush=True)
        await getattr(driver, sys.argv[3])(int(sys.argv[4]))
        print("done", flush=True)
        await asyncio.sleep(600)

    asyncio.run(main())
"""


async def killed_while(unit: Unit, doing: tuple[str, str], model: str, after: float | None) -> None:
    """A controller that was killed so many seconds after it began to do something, or once it had done it."""
    command = [sys.executable, "-c", textwrap.dedent(CONTROLLER)]
    controller = await asyncio.create_subprocess_exec(
        *command, json.dumps(unit.section(model)), str(unit.folder), *doing, stdout=asyncio.subprocess.PIPE
    )
    assert controller.stdout is not None and await controller.stdout.readline() == b"here\n"
    if after is None:
        assert await controller.stdout.readline() == b"done\n"
    else:
        await asyncio.sleep(after)
    controller.kill()
    await controller.wait()


@pytest.mark.parametrize("after", [0.0, 0.05, 0.1, 0.2, 0.3, 0.5, None])
async def test_who_starts_it_may_be_killed_at_any_moment(unit: Unit, after: float | None) -> None:
    """Whatever was reached by then, the next one makes it one unit, and none is left that nobody knows of."""
    await killed_while(unit, ("start", "1"), "works", after)
    driver = unit.driver()
    await on(driver)
    assert [pid for pid in unit.starts if identity_of(pid)] == [unit.run.pid]
    await driver.stop(0)
    assert [pid for pid in unit.starts if identity_of(pid)] == []
    await driver.close()


@pytest.mark.parametrize("after", [0.0, 0.1, 1.0])
async def test_who_stops_it_may_be_killed_at_any_moment(
    unit: Unit, after: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = unit.driver("stubborn")
    await on(driver)
    await killed_while(unit, ("stop", "0"), "stubborn", after)
    assert said(await driver.look()) == (1, 1, "")
    monkeypatch.setattr(process, "STOP_SECONDS", 0.3)
    await driver.stop(0)
    assert said(await driver.look()) == (0, 0, "")
    await driver.close()


# --- failures


async def test_one_that_crashes_tells_why(unit: Unit) -> None:
    driver = unit.driver("crashes")
    await driver.start(1)
    seen = await until(driver.look, lambda seen: seen.units == 0)
    assert seen.why == "its process has ended: ValueError: Unknown quantization method: awq-magic"
    assert await driver.look() == seen, "for as long as it is not told to stop"
    await driver.stop(0)
    assert said(await driver.look()) == (0, 0, "")
    await driver.close()


async def test_one_that_exits_without_a_word_is_seen_too(unit: Unit) -> None:
    driver = unit.driver("quiet")
    await driver.start(1)
    seen = await until(driver.look, lambda seen: seen.units == 0)
    assert seen.why == "its process has ended and said nothing"
    await driver.start(1)
    await until(driver.look, lambda seen: len(unit.starts) == 2 and seen.units == 0)
    await driver.close()


async def test_one_that_hangs_is_on_and_does_not_answer(unit: Unit) -> None:
    driver = unit.driver("hangs")
    await driver.start(1)
    seen = await driver.look()
    assert (seen.units, seen.ready) == (1, 0) and seen.why.startswith("it does not answer yet: no connection")
    await driver.stop(0)
    assert said(await driver.look()) == (0, 0, "")
    await driver.close()


async def test_one_that_takes_longer_is_waited_for(unit: Unit) -> None:
    driver = unit.driver("slow")
    await driver.start(1)
    assert (await driver.look()).ready == 0
    await until(driver.look, lambda seen: seen.ready == 1)
    await driver.stop(0)
    await driver.close()


async def test_one_that_dies_while_it_is_on_is_gone(unit: Unit) -> None:
    driver = unit.driver("dies")
    await driver.start(1)
    seen = await until(driver.look, lambda seen: seen.units == 0)
    assert "Application startup complete" in seen.why
    await driver.close()


async def test_one_that_does_not_end_is_killed(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.3)
    driver = unit.driver("stubborn")
    await on(driver)
    await driver.stop(0)
    assert said(await driver.look()) == (0, 0, "")
    await driver.close()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only /proc tells what belongs to a session")
async def test_what_a_dead_one_leaves_behind_is_cleared_away(unit: Unit) -> None:
    """A child that holds the memory of the card, and would keep the next one from starting."""
    driver = unit.driver("engine")
    await on(driver)
    session = unit.run.pid
    assert len(living_in(session)) == 2
    os.kill(session, signal.SIGKILL)
    await until(driver.look, lambda seen: seen.units == 0)
    assert living_in(session) == []
    await on(driver)
    await driver.stop(0)
    await driver.close()


def living_in(session: int) -> list[str]:
    told = subprocess.run(["ps", "-s", str(session), "-o", "pid=,stat="], capture_output=True, text=True, check=False)
    return [line for line in told.stdout.splitlines() if "Z" not in line]


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


async def test_a_number_that_was_used_again_is_another_process(unit: Unit, bystander: subprocess.Popen[bytes]) -> None:
    """The file is of one that ended long ago; who has its number now is neither counted nor stopped."""
    stale = msgspec.json.encode(Run(bystander.pid, "another boot 12345", "mark", 1.0))
    driver = unit.driver()
    unit.folder.mkdir()
    file_of(unit.folder, NAME).write_bytes(stale)
    assert (await driver.look()).units == 0
    file_of(unit.folder, NAME).write_bytes(stale)
    await driver.stop(0)
    file_of(unit.folder, NAME).write_bytes(stale)
    await on(driver)
    await driver.stop(0)
    await driver.close()
    assert bystander.poll() is None


async def test_a_program_that_is_not_there(unit: Unit) -> None:
    driver = unit.driver(launch={"python": "/nowhere/bin/python"})
    with pytest.raises(DriverError, match=r"/nowhere/bin/vllm is not there: launch.python is to name"):
        await driver.start(1)
    (unit.python.parent / "vllm").write_text("#!/nowhere/python\n")
    with pytest.raises(DriverError, match=r"it could not be started: .*vllm: No such file"):
        await unit.driver().start(1)
    assert said(await driver.look()) == (0, 0, "")
    await driver.close()


async def test_a_folder_that_cannot_be_used(unit: Unit) -> None:
    unit.folder.write_text("no folder")
    driver = unit.driver()
    seen = await driver.look()
    assert seen.units is None and "cannot be used" in seen.why
    for call in (driver.start(1), driver.stop(0)):
        with pytest.raises(DriverError, match="cannot be used"):
            await call
    await driver.close()


async def test_one_that_was_started_otherwise_goes_on_until_it_is_stopped(unit: Unit) -> None:
    driver = unit.driver()
    await on(driver)
    edited = unit.driver(launch={"max_model_len": 1024})
    seen = await edited.look()
    assert (seen.units, seen.ready) == (1, 1) and "as the policy said earlier" in seen.why
    renamed = unit.driver(serves={"chat": "other"})
    assert said(await renamed.look()) == (1, 0, "it does not serve other (it serves m)")
    await edited.stop(0)
    for each in (driver, edited, renamed):
        await each.close()


async def test_its_log_is_kept_and_bounded(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MOST_LOG", 1024 * 1024)
    driver = unit.driver("noisy")
    await on(driver)
    log, older = log_of(unit.folder, NAME), unit.folder / "vllm.log.1"
    await driver.look()
    assert log.stat().st_size < 1024 * 1024
    assert older.stat().st_size == 512 * 1024 and older.stat().st_mode & 0o077 == 0
    await driver.stop(0)
    before = log.read_bytes()
    monkeypatch.setattr(process, "MOST_LOG", 64 * 1024 * 1024)
    await on(driver)
    assert older.read_bytes() == before, "the log of the run before"
    await driver.stop(0)
    await driver.close()


def test_a_run_that_is_no_more_does_not_run() -> None:
    assert not running(Run(os.getpid(), "", "", 0.0)) and not running(Run(os.getpid(), "other", "", 0.0))
    assert running(Run(os.getpid(), identity_of(os.getpid()), "", 0.0))
