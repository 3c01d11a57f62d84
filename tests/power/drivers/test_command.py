"""Real commands: a script that keeps what is on in a file, as a cloud would."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import TypeAdapter
from support.serving import eventually

from router.core.backend_kinds import Backend
from router.power.drivers.begin import Run, file_of
from router.power.drivers.command import CommandDriver
from router.power.drivers.driver import DriverError, Seen
from router.power.drivers.process_identity import identity_of
from router.power.drivers.programs import last_run, running

CLOUD = """
import os, sys, time
from pathlib import Path
state, what = Path(sys.argv[1]), sys.argv[2]
with state.with_name("calls").open("a") as calls:
    calls.write(" ".join(sys.argv[2:]) + "\\n")
if what == "look":
    print("connecting ...")
    print(state.read_text() if state.exists() else "stopped")
elif what == "hang":
    time.sleep(600)
elif what == "fail":
    print("half done")
    sys.exit(f"quota exceeded for {os.environ['CLOUD_TOKEN']}")
elif what == "slow":
    time.sleep(float(sys.argv[3]))
    state.write_text("Running")
elif what == "leave":
    if os.fork():
        state.write_text("Running")
        sys.exit(0)
    time.sleep(600)
elif what == "environment":
    state.with_name("environment").write_text("\\n".join(os.environ))
else:
    state.write_text("Running" if what == "start" else "stopped")
"""


class Cloud:
    def __init__(self, tmp_path: Path, folder: Path) -> None:
        self.state = tmp_path / "state"
        self.folder = folder
        self._script = tmp_path / "cloud.py"
        self._script.write_text(CLOUD)

    def run(self, *what: str, timeout: str = "30s") -> dict[str, Any]:
        return {"run": [sys.executable, str(self._script), str(self.state), *what], "timeout": timeout}

    def driver(self, **commands: Any) -> CommandDriver:
        power = {"driver": "command"} | {each: self.run(each) for each in ("start", "stop", "look")} | commands
        vllm = {"zone": "local", "kind": "vllm", "url": "http://127.0.0.1:9/v1", "serves": {"chat": "m"}}
        backend = TypeAdapter(Backend).validate_python(vllm | {"power": power})
        assert backend.power is not None and backend.power.driver == "command"
        return CommandDriver(backend, backend.power, self.folder)

    @property
    def calls(self) -> list[str]:
        return self.state.with_name("calls").read_text().splitlines()


@pytest.fixture
def cloud(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.setenv("CLOUD_TOKEN", "token-of-the-cloud")
    return Cloud(tmp_path, folder)


async def test_it_is_switched_and_looked_at(cloud: Cloud) -> None:
    driver = cloud.driver()
    assert await driver.look() == Seen(0, 0, "the command says stopped")
    await driver.start(1)
    seen = await driver.look()
    assert (seen.units, seen.ready) == (1, 0) and seen.why.startswith("it does not answer yet")
    await driver.stop(0)
    assert (await driver.look()).units == 0
    await driver.start(0)
    await driver.stop(1)
    assert [call for call in cloud.calls if call != "look"] == ["start", "stop"]
    await driver.close()


async def test_other_words_may_say_it(cloud: Cloud) -> None:
    look = cloud.run("look") | {"means_off": ["TERMINATED", "stopping"]}
    seen = await cloud.driver(look=look).look()
    assert seen.units is None
    assert seen.why == 'the command says "stopped", which is neither in means_on nor in means_off'
    cloud.state.write_text("Terminated\n\n")
    assert (await cloud.driver(look=look).look()).units == 0


async def test_a_command_that_fails_says_why_without_secrets(cloud: Cloud) -> None:
    env = {"CLOUD_TOKEN": "env:CLOUD_TOKEN"}
    driver = cloud.driver(start=cloud.run("fail"), look=cloud.run("fail"), env=env)
    with pytest.raises(DriverError) as failed:
        await driver.start(1)
    assert str(failed.value) == f"{sys.executable} ended with exit code 1: quota exceeded for [secret]"
    assert await driver.look() == Seen(None, 0, str(failed.value))


async def test_a_command_that_hangs_is_ended(cloud: Cloud) -> None:
    driver = cloud.driver(start=cloud.run("hang", timeout="500ms"))
    with pytest.raises(DriverError, match=r"ran for longer than 0.5 s and was ended$"):
        await driver.start(1)
    assert (await driver.look()).units == 0
    found = last_run(cloud.folder, "switch")
    assert found is None or not running(found)


async def test_what_a_command_leaves_running_is_not_waited_for(cloud: Cloud) -> None:
    await cloud.driver(start=cloud.run("leave")).start(1)
    assert cloud.state.read_text() == "Running"


@pytest.mark.parametrize("program", ["/nowhere/sky", "nowhere-sky"])
async def test_a_program_that_is_not_there(cloud: Cloud, program: str) -> None:
    with pytest.raises(DriverError, match=f"{program} ended with exit code 127: {program}: No such file"):
        await cloud.driver(stop={"run": [program, "stop"]}).stop(0)


async def test_arguments_stay_as_they_are(cloud: Cloud) -> None:
    """No shell reads them."""
    await cloud.driver(start=cloud.run("slow", "0", "; touch /tmp/x", "$HOME", "*")).start(1)
    assert cloud.calls == ["slow 0 ; touch /tmp/x $HOME *"]


async def test_their_environment_has_what_the_policy_names(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-them")
    await cloud.driver(start=cloud.run("environment"), env={"AWS_PROFILE": "gpu"}).start(1)
    names = set(cloud.state.with_name("environment").read_text().split("\n"))
    assert {"PATH", "AWS_PROFILE", "SWITCHED_BY_BREAKEVEN"} <= names and not {"OPENAI_API_KEY", "CLOUD_TOKEN"} & names


async def test_one_that_another_controller_left_running_is_waited_for(cloud: Cloud) -> None:
    first = asyncio.create_task(cloud.driver(start=cloud.run("slow", "1")).start(1))
    await asyncio.to_thread(eventually, cloud.state.with_name("calls").exists)
    await cloud.driver().stop(0)
    await first
    assert cloud.state.read_text() == "stopped", "it was started first, and stopped then"
    assert cloud.calls == ["slow 1", "stop"]


async def test_one_that_was_left_for_too_long_is_ended(cloud: Cloud) -> None:
    hanging = asyncio.create_task(cloud.driver(start=cloud.run("hang")).start(1))
    await asyncio.to_thread(eventually, cloud.state.with_name("calls").exists)
    path = file_of(cloud.folder, "switch")
    left = msgspec.json.decode(path.read_bytes(), type=Run)
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(left, at=time.time() - 3600)))
    await cloud.driver().stop(0)
    with pytest.raises(DriverError, match=r"exit code -9"):
        await hanging
    assert cloud.calls == ["hang", "stop"]


async def test_a_controller_that_ends_takes_its_command_along(cloud: Cloud) -> None:
    hanging = asyncio.create_task(cloud.driver(start=cloud.run("hang")).start(1))
    await asyncio.to_thread(eventually, cloud.state.with_name("calls").exists)
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    found = msgspec.json.decode(file_of(cloud.folder, "switch").read_bytes(), type=Run)
    assert identity_of(found.pid) == ""


async def test_a_folder_that_cannot_be_used(cloud: Cloud) -> None:
    cloud.folder.write_text("no folder")
    with pytest.raises(DriverError, match="could not be run: "):
        await cloud.driver().start(1)
    assert (await cloud.driver().look()).units is None


def test_files_are_closed_to_others(cloud: Cloud) -> None:
    asyncio.run(cloud.driver().start(1))
    assert all(path.stat().st_mode & 0o077 == 0 for path in (cloud.folder, *cloud.folder.iterdir()))
    assert json.loads(file_of(cloud.folder, "switch").read_text())["pid"] != os.getpid()
