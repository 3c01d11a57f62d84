"""`breakeven demo` as a newcomer runs it, with a day that takes seconds."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.serving import PROJECT, Process, children_of, clean_environment, eventually, get, usage, wait_for_end

from router.cli import main

ROW = re.compile(r"^ ?(?P<hour>\d+):00 .* (?P<cloud>[\d,]+) +(?P<gpu>[\d,]+) +(?P<restricted>[\d,]+)$", re.MULTILINE)
PATIENCE = 120.0
"""Seconds for a start, for a day and for an end: a busy machine takes longer for a day than it was asked to."""
pytestmark = pytest.mark.timeout(4 * PATIENCE)


class Demo:
    """One run; its output goes to a file, so that it can be looked at meanwhile."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.out, self.log = folder / "demo.out", folder / "demo.log"
        command = [sys.executable, "-m", "router", "demo", "--port", "0", "--admin-port", "0", *arguments]
        with self.out.open("w") as out, self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=log, stdin=subprocess.DEVNULL, env=clean_environment(), cwd=PROJECT
            )

    @property
    def text(self) -> str:
        return self.out.read_text()

    def until(self, said: str) -> str:
        def look() -> str:
            assert self.process.poll() is None or said in self.text, self.text + self.log.read_text()
            return self.text if said in self.text else ""

        return eventually(look, PATIENCE)

    def family(self) -> list[Process]:
        """Gateway, control plane, Valkey and the two backends."""
        return children_of(self.process.pid)

    def url(self, before: str) -> str:
        return re.search(rf"{before} (http://[\d.:]+)", self.text)[1]

    def rows(self) -> list[tuple[int, int, int]]:
        """To the cloud, to the GPU, and restricted, by hour."""
        return [tuple(int(n.replace(",", "")) for n in row.groups()[1:]) for row in ROW.finditer(self.text)]


@pytest.fixture
def demo(tmp_path) -> Iterator[Demo]:
    started = []

    def start(*arguments: str) -> Demo:
        started.append(Demo(tmp_path, *arguments))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


def test_the_gpu_is_switched_on_for_the_day_and_off_after_it(demo, tmp_path):
    run = demo("--day", "15", "--data-dir", str(tmp_path / "data"))
    run.until("The dashboard stays up")
    before, after = run.text.split("SWITCHED ON")
    assert "SIMULATED" in before and "ServeGen" in before
    rows = run.rows()
    assert len(rows) == 24
    assert all(cloud == 0 for cloud, _, _ in rows[-3:]), "while it is on nothing is bought any more"
    assert "2,783 requests answered." in after and "less than the cloud would" in after
    assert "No restricted request left the GPU." in after and "Not answered" not in after
    assert "SWITCHED OFF" in after
    the_dashboard_stays_until_ctrl_c_and_then_nothing_is_left(run)

    used = usage(tmp_path / "data")
    assert used["total"]["requests"] == 2783 + 1 and used["total"]["errors"] == 0
    assert used["simulated-gpu"]["cost_usd"] == 0 < used["simulated-cloud"]["cost_usd"]
    assert used["simulated-cloud"]["requests"] - sum(cloud for cloud, _, _ in rows) in (0, 1), "the pasted line is one"


def the_dashboard_stays_until_ctrl_c_and_then_nothing_is_left(run: Demo) -> None:
    assert get(run.url("Dashboard:") + "/healthz").status == 200
    assert get(run.url("serves on") + "/readyz").status == 200
    line = re.search(r"^curl .*$", run.text, re.MULTILINE)[0]
    pasted = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
    assert pasted.startswith("HTTP/1.1 200") and "x-breakeven-reason" in pasted
    family = run.family()
    others = [each.command for each in family if "litellm_adapter" not in each.command]  # where that is installed
    assert len(others) == 5, others
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(PATIENCE) == 0, run.log.read_text()
    for process in family:
        wait_for_end(process)


def test_it_can_be_ended_in_the_middle_of_the_day(demo):
    run = demo("--day", "1000")
    run.until("Watch it being switched on")
    data = Path(re.search(r"data is in (\S+) \(removed when the demo ends\)", run.text)[1])
    assert (data / "admin-token").read_text().strip() in run.text
    family = run.family()
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(PATIENCE) == 0
    for process in family:
        wait_for_end(process)
    assert "Traceback" not in run.log.read_text() and not data.parent.exists()


@pytest.mark.parametrize("arguments", [("--day", "0"), ("--day", "inf"), ("--port", "70000")])
def test_a_command_line_that_makes_no_sense(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(["demo", *arguments])
    assert ended.value.code == 2
    assert f"argument {arguments[0]}" in capsys.readouterr().err
