"""The demo's own part: what it serves, what it says, and how it ends. tests/cli/test_demo.py runs the whole."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from router.app import demo as module
from router.app.demo import LISTENING, Demo, DemoSettings
from router.app.demo_policy import Switch
from router.app.settings import ServeSettings
from router.app.supervisor import CannotServe, Served
from router.config.load import load
from router.simulate.replay import Answered

URLS = {"local": "http://127.0.0.1:1/v1", "cloud": "http://127.0.0.1:2/v1"}


class PretendedSupervisor:
    """Serves nothing: greets at once, and ends once it was stopped or has nobody to wait for."""

    made: list[PretendedSupervisor]

    def __init__(self, settings: ServeSettings, then) -> None:
        self.settings, self._then = settings, then
        self.stopped = False
        self.policy = load(settings.policy)
        self.data_dir_was = Path(settings.data_dir).parent.exists()
        self.made.append(self)

    async def serve(self) -> None:
        await self._then(Served("http://127.0.0.1:3", "http://127.0.0.1:4", self.settings.policy))

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def supervisors(monkeypatch: pytest.MonkeyPatch) -> list[PretendedSupervisor]:
    """Those that were made. No backend is started, and no day is replayed."""

    @asynccontextmanager
    async def pretended(switch: Switch) -> AsyncIterator[Mapping[str, str]]:
        assert switch.file.read_text() == "off\n"
        yield URLS

    async def remember(data_dir: Path, policy: str) -> None:
        assert load(policy)

    PretendedSupervisor.made = []
    monkeypatch.setattr(module, "Supervisor", PretendedSupervisor)
    monkeypatch.setattr(module, "_pretended", pretended)
    monkeypatch.setattr(module, "_remember", remember)
    return PretendedSupervisor.made


def replayed(monkeypatch: pytest.MonkeyPatch, *statuses: int) -> None:
    """A day whose first requests are answered so, and of which the others are not heard."""

    async def replay(url, asks, day, tell) -> None:
        for ask, status in zip(asks, statuses, strict=False):
            tell(Answered(ask, status, "cloud", "breakeven-below", "internal", 10, 10))

    monkeypatch.setattr(module, "replay", replay)


async def test_what_it_serves_is_its_own_policy_and_a_folder_that_goes(supervisors, monkeypatch, capsys):
    replayed(monkeypatch, 200)
    await Demo(DemoSettings(port=1234, admin_port=1235, once=True)).play()
    (supervisor,) = supervisors
    settings = supervisor.settings
    assert (settings.port, settings.admin_port, settings.grace) == (1234, 1235, module.GRACE_SECONDS)
    assert [str(backend.url) for backend in supervisor.policy.policy.backends.values()] == list(URLS.values())
    assert supervisor.data_dir_was and not Path(settings.data_dir).parent.exists()
    said = capsys.readouterr().out
    assert "SIMULATED" in said and f"{settings.data_dir} (removed when the demo ends)" in said


async def test_a_folder_that_was_named_is_kept(supervisors, monkeypatch, capsys, tmp_path):
    replayed(monkeypatch, 200)
    await Demo(DemoSettings(data_dir=str(tmp_path / "data"))).play()
    assert supervisors[0].settings.data_dir == str(tmp_path / "data")
    assert f"{tmp_path / 'data'} (kept)" in capsys.readouterr().out


async def test_after_the_day_it_stays_or_ends(supervisors, monkeypatch, capsys):
    replayed(monkeypatch, 200)
    for once in (False, True):
        demo = Demo(DemoSettings(once=once))
        await demo.play()
        assert (supervisors[-1].stopped, demo.failed) == (once, 0)
        assert ("Ctrl-C ends the demo" in capsys.readouterr().out) != once


async def test_a_day_without_an_answer_fails(supervisors, monkeypatch):
    replayed(monkeypatch, 0, 0)
    demo = Demo(DemoSettings())
    await demo.play()
    assert (supervisors[0].stopped, demo.failed) == (True, 1)


async def test_a_defect_ends_it_and_is_told(supervisors, monkeypatch, caplog):
    async def broken(*arguments) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "replay", broken)
    demo = Demo(DemoSettings())
    await demo.play()
    assert (supervisors[0].stopped, demo.failed) == (True, 1)
    assert "the day was not replayed" in caplog.text


def test_the_exit_code_says_how_the_day_went(supervisors, monkeypatch):
    monkeypatch.setattr(module, "exit_code", lambda serving: asyncio.run(serving) or 0)
    replayed(monkeypatch)
    assert module.run(DemoSettings(once=True)) == 1
    replayed(monkeypatch, 200)
    assert module.run(DemoSettings(once=True)) == 0


BACKEND = f"import sys; print('{LISTENING}http://127.0.0.1:7/', flush=True); sys.stdin.read()"


async def test_backends_that_are_ready_have_addresses_that_they_keep(monkeypatch, tmp_path):
    made: list[SimpleNamespace] = []

    class Kept(module.ChildProcess):
        def __init__(self, name, command, *, ready) -> None:
            super().__init__(name, [sys.executable, "-c", BACKEND], ready=ready)
            made.append(SimpleNamespace(child=self, command=command))

    monkeypatch.setattr(module, "ChildProcess", Kept)
    async with module._pretended(Switch(tmp_path)) as urls:
        assert urls == dict.fromkeys(("local", "cloud"), "http://127.0.0.1:7/v1")
        assert [each.child._command[-2:] for each in made] == [["--port", "7"]] * 2
    assert [each.command[each.command.index("--kind") + 1] for each in made] == ["vllm", "openai"]
    assert all(each.child.exit_code is not None for each in made), "none is left running"


async def test_a_backend_that_does_not_start_is_the_end(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "PYTHON", (sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(CannotServe, match=r"simulated \w+ backend ended with exit code 3 .*see the log above"):
        async with module._pretended(Switch(tmp_path)):
            raise AssertionError("nothing is served")
